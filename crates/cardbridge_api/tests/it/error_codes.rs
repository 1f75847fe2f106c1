//! All 58 codes of dialect 1: which route and input yields each, or why no input can.

use domain::ErrorCode::*;
use domain::{ErrorCode, RsaPadding};
use serde_json::{Value, json};
use sim::{Behaviour, Enterprise, Trust};
use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::platform::{Platform, WINDOW_MS};
use testkit::signing::{Caller, Signing, envelope, now_ms, text};

/// Codes that no input yields, and why.
const UNREACHABLE: [(ErrorCode, &str); 4] = [
    (EnterpriseNotFound, "no call removes an enterprise while its keys remain"),
    (SecretKeyEmpty, "a key is never stored without its secret"),
    (CalculateSignatureError, "HMAC-SHA256 takes keys and messages of every length"),
    (CardProfileNotFound, "no call removes the profile of a card that exists"),
];

/// An enterprise with a card, and everything else that the scenes need.
struct Scene<'a> {
    platform: &'a Platform,
    caller: Caller,
    card_id: String,
    customer_id: String,
}

impl<'a> Scene<'a> {
    async fn set(platform: &'a Platform) -> Self {
        let caller = Caller::new(platform).await;
        let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        platform.admin_patch(&path, &json!({"pci": true})).await;
        let card = caller.new_card(platform, "first").await;
        let (card_id, customer_id) = (text(&card["cardId"]), text(&card["customerId"]));
        Self { platform, caller, card_id, customer_id }
    }

    async fn get(&self, target: &str) -> String {
        code(&self.caller.get(self.platform, &format!("/open-api/{target}")).await)
    }

    async fn post(&self, path: &str, body: Value) -> String {
        code(&self.answer(path, body).await)
    }

    async fn answer(&self, path: &str, body: Value) -> Value {
        self.caller.post(self.platform, &format!("/open-api/{path}"), &body).await
    }

    /// An application with one thing changed.
    async fn apply(&self, pointer: &str, value: Value) -> String {
        let mut body = self.caller.application("another");
        *body.pointer_mut(pointer).unwrap() = value;
        self.post("card-order/v1/apply-virtual", body).await
    }

    /// The errorCode of an order whose share token is a magic word.
    async fn order_ends_with(&self, token: &str) -> String {
        let mut body = self.caller.application(token);
        body["kycInfo"]["sumsubShareToken"] = json!(token);
        let order = self.answer("card-order/v1/apply-virtual", body).await;
        assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
        self.platform.advance(30).await;
        self.order_error(token).await
    }

    async fn order_error(&self, card_order_ref: &str) -> String {
        let target = format!("/open-api/card-order/v1/detail?cardOrderRef={card_order_ref}");
        text(&self.caller.get(self.platform, &target).await["data"]["errorCode"])
    }

    /// A valid read, except for the change that `change` makes to its signature.
    async fn signed(&self, change: impl FnOnce(&mut Signing<'_>)) -> String {
        let mut signing = self.caller.signing();
        change(&mut signing);
        let request = Request::get(format!("/open-api/card/v1/detail?cardId={}", self.card_id));
        code(&envelope(&send(self.platform.public, &signing.of(request)).await))
    }

    /// A read without one of its headers.
    async fn without(&self, header: &str) -> String {
        let request = Request::get(format!("/open-api/card/v1/detail?cardId={}", self.card_id));
        let request = self.caller.signing().of(request).without(header);
        code(&envelope(&send(self.platform.public, &request).await))
    }
}

impl Scene<'_> {
    async fn freeze(&self, card_id: &str, freeze: bool) -> String {
        self.post("card/v1/freeze", json!({"cardId": card_id, "freeze": freeze})).await
    }

    async fn replace(&self, card_id: &str) -> String {
        let body = json!({"cardOrderRef": "successor", "replaceCardId": card_id});
        self.post("card-order/v1/replace", body).await
    }

    /// An order for a twin with one thing changed.
    async fn twin(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut body = self.caller.physical_order("twin", &self.card_id);
        change(&mut body["virtualToPhysicalInfo"]);
        self.post("card-order/v1/virtual-to-physical", body).await
    }

    /// The errorCode of an order for a twin with this name on it.
    async fn physical_order_ends_with(&self, name: &str) -> String {
        let placed = self.twin(|it| it["embossingName"] = json!(name)).await;
        assert_eq!(placed, "SYS_SUCCESS");
        self.platform.advance(5).await;
        self.order_error("twin").await
    }

    async fn new_twin(&self) -> String {
        self.caller.new_twin(self.platform, &self.card_id, "twin").await
    }

    async fn activate(&self, card_id: &str) -> String {
        self.post("card/v1/physical-active", json!({"cardId": card_id})).await
    }

    /// An activated plastic card, with its expiry, CVV2 and last four digits.
    async fn plastic(&self) -> (String, [String; 3]) {
        let twin = self.new_twin().await;
        self.platform.done(&format!("/admin/v1/cards/{twin}/emboss"), json!({})).await;
        assert_eq!(self.activate(&twin).await, "SYS_SUCCESS");
        (twin, ["0001".to_owned(), "000".to_owned(), "0000".to_owned()])
    }

    async fn set_pci(&self, pci: bool) {
        let path = format!("/admin/v1/enterprises/{}", self.caller.enterprise_id);
        self.platform.admin_patch(&path, &json!({ "pci": pci })).await;
    }

    /// A request for a link with one field changed.
    async fn link(&self, field: &str, value: Value) -> String {
        let card = json!({"cardId": self.card_id, "customerId": self.customer_id});
        let mut request = self.caller.link_request(&card, "1");
        request[field] = value;
        self.post("card-redirect/v1/guidance-link", request).await
    }

    async fn evidence(&self, ticket_ref: &str, ticket_type: &str, business_id: &str) -> String {
        let business_type =
            if ticket_type == "CREATE_CARD_EDD" { "CARD_ORDER_ID" } else { "CARD_ID" };
        let family = if ticket_type == "CREATE_CARD_EDD" { "eddSowOther" } else { "eddSofOther" };
        let mut body = json!({"ticketType": ticket_type, "ticketRef": ticket_ref,
            "businessType": business_type, "businessId": business_id});
        body[family] = json!({"description": "x",
            "docUrls": [{"fileName": "a.pdf", "filePath": "k/a.pdf"}]});
        self.post("intent-ticket/v1/create", body).await
    }

    /// The errorCode of an order whose evidence the reviewer refused.
    async fn evidence_is_refused(&self) -> String {
        let mut body = self.caller.application("edd");
        body["kycInfo"]["sumsubShareToken"] = json!("edd");
        let order = self.answer(APPLY, body).await;
        self.platform.advance(5).await;
        let order_id = text(&order["data"]["cardOrderId"]);
        assert_eq!(self.evidence("t-5", "CREATE_CARD_EDD", &order_id).await, "SYS_SUCCESS");
        let target = "/open-api/intent-ticket/v1/detail?ticketRef=t-5";
        let ticket = self.caller.get(self.platform, target).await;
        let path =
            format!("/sandbox/v1/intent-tickets/{}/decide", text(&ticket["data"]["ticketId"]));
        self.platform.done(&path, json!({"outcome": "fail"})).await;
        self.platform.advance(5).await;
        self.order_error("edd").await
    }

    /// The errorCode of `fund-auth` for an enterprise with this behaviour, or one that cannot be
    /// asked.
    async fn purchase(&self, behaviour: Option<Behaviour>) -> String {
        let server = Enterprise::start().await.unwrap();
        if let Some(behaviour) = behaviour {
            let path = format!("/admin/v1/enterprises/{}", self.caller.enterprise_id);
            let settings = json!({"authUrl": server.auth_url(),
                "externalPublicKey": server.public_key()});
            let set = self.platform.admin_patch(&path, &settings).await.json();
            let trust = Trust {
                platform_public_key: text(&set["platformPublicKey"]),
                secret_key: self.caller.secret.clone(),
                padding: RsaPadding::Pkcs1,
            };
            server.trust(trust).unwrap();
            server.answer(behaviour);
        }
        let body = json!({"cardId": self.card_id, "authType": "EXPEND", "amount": "1",
            "currency": "840"});
        text(&self.answer("simulation/v1/fund-auth", body).await["data"]["errorCode"])
    }
}

fn code(envelope: &Value) -> String {
    text(&envelope["code"])
}

const APPLY: &str = "card-order/v1/apply-virtual";

/// The answer of a route to an input that yields this code.
async fn provoked(scene: &Scene<'_>, wanted: ErrorCode) -> String {
    match wanted {
        // Before the application (cardbridge-open-api.md section 3.5): any route, here
        // card/v1/detail.
        ApiKeyEmpty => scene.without("X-DAPI-API-KEY").await,
        TimestampEmpty => scene.without("X-DAPI-TIMESTAMP").await,
        TimestampFormatError => scene.signed(|it| it.timestamp = "123".to_owned()).await,
        TimestampExpired => {
            scene.signed(|it| it.timestamp = (now_ms() - 2 * WINDOW_MS).to_string()).await
        }
        NonceIllegal => scene.signed(|it| it.nonce = "9999".to_owned()).await,
        InvalidApiKey => scene.signed(|it| it.api_key = "AK-UNKNOWN").await,
        SignatureError => scene.without("X-DAPI-SIGN").await,
        SysIllegalParam => scene.get("card/v1/detail").await,
        // Applications (cardbridge-open-api.md section 6.1.1).
        CardOrderRefAlreadyExists => scene.apply("/cardOrderRef", json!("first")).await,
        CardOrderProfileNotFound => scene.apply("/profileId", json!("1")).await,
        CardProfileNotSupportingCountryCodes => scene.apply("/kycInfo/country", json!("FR")).await,
        CustomerEmailOrPhoneRequired => scene.apply("/customerInfo", json!({})).await,
        PhoneInvalid => scene.apply("/customerInfo/phone", json!("+1")).await,
        EmailInvalid => scene.apply("/customerInfo/email", json!("nobody")).await,
        EmailAlreadyExists => {
            let info = json!({"email": "holder@example.com", "phone": "+6599999999"});
            scene.apply("/customerInfo", info).await
        }
        PhoneAlreadyExists => {
            let info = json!({"email": "else@example.com", "phone": "+6581234567"});
            scene.apply("/customerInfo", info).await
        }
        CustomerRefNotUnique => {
            let info = json!({"email": "e@example.com", "phone": "+6598888888",
                "customerRef": "cust-1"});
            scene.apply("/customerInfo", info).await
        }
        CustomerNotFound => scene.get("card/v1/list?customerId=1").await,
        other => provoked_by_orders(scene, other).await,
    }
}

/// As [`provoked`], for the results of orders, and for cards.
async fn provoked_by_orders(scene: &Scene<'_>, wanted: ErrorCode) -> String {
    let card_id = &scene.card_id;
    match wanted {
        // Applications, afterwards: a share token that is a magic word.
        CardOrderCustomerInfoInvalid => scene.order_ends_with("fail-customer").await,
        CardOrderKycInfoInvalid => scene.order_ends_with("fail-kyc-info").await,
        CardOrderKycVerifyFailed => scene.order_ends_with("fail").await,
        CardOrderChannelCustomerInvalid => scene.order_ends_with("fail-channel-customer").await,
        ChannelCustomerCreateFailed => scene.order_ends_with("fail-channel-create").await,
        CardOrderChannelCardInvalid => scene.order_ends_with("fail-channel-card").await,
        CardOrderNotFound => scene.get("card-order/v1/detail?cardOrderId=1").await,
        CardOrderVirtualToPhysicalFailed => scene.physical_order_ends_with("FAIL").await,
        ChannelCustomerNotFound => scene.physical_order_ends_with("FAIL-CHANNEL-CUSTOMER").await,
        // Twins and successors (cardbridge-open-api.md sections 6.1.2 and 6.1.3).
        OriginalCardNotFound => scene.replace("1").await,
        CardLayoutNotFound => scene.twin(|it| it["cardLayoutCode"] = json!("OTHER")).await,
        ExistNotFailedReplaceCardOrder => {
            scene.twin(|_| {}).await;
            scene.replace(card_id).await
        }
        OriginalCardStatusNotActivated => {
            scene.freeze(card_id, true).await;
            let refused = scene.replace(card_id).await;
            scene.freeze(card_id, false).await;
            refused
        }
        // Cards (cardbridge-open-api.md section 6.2).
        CardNotFound => scene.get("card/v1/detail?cardId=1").await,
        CardStatusNotFrozen => scene.freeze(card_id, false).await,
        CardStatusNotActivated => {
            scene.freeze(card_id, true).await;
            let refused = scene.freeze(card_id, true).await;
            scene.freeze(card_id, false).await;
            refused
        }
        CardTypeNotPhysical => scene.get(&format!("card/v1/shipping-info?cardId={card_id}")).await,
        OperationNotSupport => {
            let body = json!({"profileId": "1", "cardOrderRef": "x", "cardApplyMode": "OTHER"});
            scene.post(APPLY, body).await
        }
        PermissionDenied => {
            scene.set_pci(false).await;
            let body = json!({"cardId": card_id});
            let refused = scene.post("card/v1/retrieve-secure-card", body).await;
            scene.set_pci(true).await;
            refused
        }
        other => provoked_by_more(scene, other).await,
    }
}

/// As [`provoked`], for plastic, links, tickets and purchases.
async fn provoked_by_more(scene: &Scene<'_>, wanted: ErrorCode) -> String {
    let card_id = &scene.card_id;
    match wanted {
        CardTypeNotVirtual => {
            let (plastic, _) = scene.plastic().await;
            let body = scene.caller.physical_order("of-plastic", &plastic);
            scene.post("card-order/v1/virtual-to-physical", body).await
        }
        CardStatusNotWaitingActive => {
            let (plastic, _) = scene.plastic().await;
            scene.activate(&plastic).await
        }
        CardNotEmbossedError => scene.activate(&scene.new_twin().await).await,
        CardActivationFailed => {
            let twin = scene.new_twin().await;
            scene.platform.done(&format!("/admin/v1/cards/{twin}/emboss"), json!({})).await;
            scene.freeze(card_id, true).await;
            let refused = scene.activate(&twin).await;
            scene.freeze(card_id, false).await;
            refused
        }
        CardPinMustBeFourDigitNumber => {
            let (plastic, right) = scene.plastic().await;
            let [expiry, cvv2, last4] = right.each_ref().map(String::as_str);
            let reset = scene.caller.reset(scene.platform, &plastic, [expiry, cvv2, last4, "1"]);
            code(&reset.await)
        }
        GuidanceLinkTypeInvalid => scene.link("type", json!("5")).await,
        GuidanceLinkPreVerifiedInvalid => scene.link("otpStatus", json!("2")).await,
        UploadBusinessTypeError => {
            let body = json!({"fileNames": ["a.pdf"], "businessType": "OTHER"});
            scene.post("intent-ticket/v1/generate-pre-upload-url", body).await
        }
        CardIdIncorrectError => scene.evidence("t-1", "INCREASE_LIMIT_EDD", "1").await,
        CardOrderIdIncorrectError => scene.evidence("t-1", "CREATE_CARD_EDD", "1").await,
        TicketRefRepeated => {
            scene.evidence("t-2", "INCREASE_LIMIT_EDD", card_id).await;
            scene.evidence("t-2", "INCREASE_LIMIT_EDD", card_id).await
        }
        ExistOngoingTicketError => {
            scene.evidence("t-3", "INCREASE_LIMIT_EDD", card_id).await;
            scene.evidence("t-4", "INCREASE_LIMIT_EDD", card_id).await
        }
        RequestRejectionError => scene.evidence_is_refused().await,
        AuthInternalReject => scene.purchase(None).await,
        AuthEnterpriseReject => scene.purchase(Some(Behaviour::DECLINE)).await,
        AuthEnterpriseTimeoutReject => scene.purchase(Some(Behaviour::Garbage)).await,
        SystemError => {
            scene.platform.store.close().await;
            let body = json!({"cardId": card_id, "freeze": true}).to_string();
            let request = Request::post("/open-api/card/v1/freeze", body);
            let request = scene.caller.signing().of(request);
            let answer = send(scene.platform.public, &request).await;
            assert!(answer.status >= 500, "{answer:?}");
            code(&answer.json())
        }
        other => panic!("no input is listed for {other}"),
    }
}

both_engines!(every_code_is_yielded_by_its_input, |platform| {
    for wanted in ErrorCode::ALL {
        if UNREACHABLE.iter().any(|(code, _)| code == wanted) || *wanted == SystemError {
            continue;
        }
        // A separate scene for each, so data that one leaves cannot answer another's call.
        let scene = Scene::set(platform).await;
        assert_eq!(provoked(&scene, *wanted).await, wanted.as_str());
    }
    let scene = Scene::set(platform).await;
    assert_eq!(provoked(&scene, SystemError).await, "DAPI_SYSTEM_ERROR");
});
