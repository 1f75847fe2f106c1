//! An enterprise and the requests it signs.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use wire::cardbridge::signature::sign;

use crate::described::require_described;
use crate::http::{Answer, Request, send};
use crate::platform::Platform;

/// An enterprise with an API key, a deposit and a profile.
pub struct Caller {
    pub enterprise_id: String,
    pub api_key: String,
    pub secret: String,
    pub profile_id: String,
}

/// The values that a request is signed with.
pub struct Signing<'a> {
    pub api_key: &'a str,
    pub secret: &'a str,
    pub timestamp: String,
    pub nonce: String,
}

/// The current timestamp.
pub fn now_ms() -> i64 {
    domain::Clock::system().real_now().as_millis()
}

fn next_nonce() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (10_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 90_000).to_string()
}

impl Signing<'_> {
    /// The request with its four headers, signed over `payload`.
    pub fn over(&self, request: Request, payload: &[u8]) -> Request {
        let signature = sign(self.secret, self.api_key, &self.timestamp, &self.nonce, payload);
        request
            .header("X-DAPI-API-KEY", self.api_key)
            .header("X-DAPI-TIMESTAMP", &self.timestamp)
            .header("X-DAPI-NONCE", &self.nonce)
            .header("X-DAPI-SIGN", signature)
    }

    /// The request, signed as clients do: over the query of a GET, otherwise over the body.
    pub fn of(&self, request: Request) -> Request {
        let payload = match request.method {
            "GET" => request.target.split_once('?').map_or("", |(_, query)| query).into(),
            _ => request.body.clone(),
        };
        self.over(request, &payload)
    }
}

impl Caller {
    pub async fn new(platform: &Platform) -> Self {
        let body = json!({"name": "Test enterprise"});
        let enterprise = platform.done("/admin/v1/enterprises", body).await;
        let enterprise_id = text(&enterprise["enterpriseId"]);
        let path = format!("/admin/v1/enterprises/{enterprise_id}");
        let key = platform.done(&format!("{path}/api-keys"), json!({})).await;
        let deposit = json!({"currency": "840", "amount": "1000.00", "reference": "first"});
        platform.done(&format!("{path}/deposits"), deposit).await;
        let profile = json!({
            "enterpriseId": enterprise_id, "name": "Test", "binRange": "41111100-41111199",
            "network": "VISA", "currency": "840", "cardLayouts": ["MGEBP"],
            "supportedCountries": ["SG", "US"], "holdDays": {"NORMAL": 7, "PRE_AUTH": 30},
            "limits": {"SINGLE": {"amount": "500.00"}, "DAILY": {"amount": "800.00", "count": 20}},
        });
        let profile = platform.done("/admin/v1/card-profiles", profile).await;
        Self {
            enterprise_id,
            api_key: text(&key["apiKey"]),
            secret: text(&key["secretKey"]),
            profile_id: text(&profile["profileId"]),
        }
    }

    pub fn signing(&self) -> Signing<'_> {
        Signing {
            api_key: &self.api_key,
            secret: &self.secret,
            timestamp: now_ms().to_string(),
            nonce: next_nonce(),
        }
    }

    pub async fn send(&self, platform: &Platform, request: Request) -> Answer {
        send(platform.public, &self.signing().of(request)).await
    }

    /// The whole envelope of a GET.
    pub async fn get(&self, platform: &Platform, target: &str) -> Value {
        let answer = self.send(platform, Request::get(target)).await;
        described(target, &answer)
    }

    /// The whole envelope of a POST.
    pub async fn post(&self, platform: &Platform, path: &str, body: &Value) -> Value {
        let answer = self.send(platform, Request::post(path, body.to_string())).await;
        described(path, &answer)
    }

    /// A valid application for a card.
    pub fn application(&self, card_order_ref: &str) -> Value {
        json!({
            "profileId": self.profile_id, "cardOrderRef": card_order_ref,
            "customerInfo": {"phoneCountryCode": "SG", "phone": "+6581234567",
                "email": "holder@example.com", "customerRef": "cust-1"},
            "kycInfo": {"sumsubShareToken": "pass-1", "country": "SG",
                "employmentStatus": "STUDENT", "sourceOfFunds": "OTHERS",
                "sourceOfWealth": "OTHERS"},
        })
    }

    /// Applies for a card and waits until it is issued; returns its detail.
    pub async fn new_card(&self, platform: &Platform, card_order_ref: &str) -> Value {
        let path = "/open-api/card-order/v1/apply-virtual";
        let order = self.post(platform, path, &self.application(card_order_ref)).await;
        assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
        platform.advance(2).await;
        let target = format!("/open-api/card-order/v1/detail?cardOrderRef={card_order_ref}");
        let order = self.get(platform, &target).await;
        assert_eq!(order["data"]["status"], "SUCCEED", "{order}");
        let target = format!("/open-api/card/v1/detail?cardId={}", text(&order["data"]["cardId"]));
        self.get(platform, &target).await["data"].clone()
    }
}

/// The text of a JSON string.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// The envelope of an answer, which the OpenAPI document must describe.
fn described(target: &str, answer: &Answer) -> Value {
    let json = envelope(answer);
    require_described(target, &json);
    json
}

/// The envelope of a request that reached the application: all five keys, HTTP 200.
pub fn envelope(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let mut keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "data", "message", "messageDetail", "success"]);
    assert_eq!(json["success"], json["code"] == "SYS_SUCCESS");
    json
}
