//! The one-time extraction of API keys.

use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::Database;
use testkit::http::{Answer, Request, send, send_from};
use testkit::platform::{PUBLIC_URL, Platform};
use testkit::signing::{Caller, Signing, now_ms, text};

/// An address of this machine that the platform takes for a proxy.
const PROXY: &str = "127.0.0.2";
const OWN: &str = "127.0.0.1";

async fn ask(platform: &Platform, caller: &Caller, body: &Value) -> Answer {
    let path = format!("/admin/v1/enterprises/{}/api-keys", caller.enterprise_id);
    platform.admin_post(&path, body).await
}

/// Asks for a mail and reads its envelope's data.
async fn mailed(platform: &Platform, caller: &Caller, source_ip: &str) -> Value {
    let body = json!({"email": "keys@example.com", "sourceIp": source_ip});
    let answer = ask(platform, caller, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mails = platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json();
    let mail = mails["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&mail["to"], &mail["kind"]),
        (&json!("keys@example.com"), &json!("KEY_EXTRACTION"))
    );
    let envelope: Value = serde_json::from_str(mail["body"].as_str().unwrap()).unwrap();
    assert_eq!(envelope["code"], "SYS_SUCCESS");
    let code = text(&envelope["data"]["extractSecretKey"]);
    assert!(!String::from_utf8_lossy(&answer.body).contains(&code), "the answer has no secret");
    envelope["data"].clone()
}

/// The path that the mail says to call.
fn target(data: &Value) -> String {
    let url = text(&data["extractUrl"]) + &text(&data["extractSecretKey"]);
    url.strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = json!({"code": "DAPI_PERMISSION_DENIED", "message": "permission denied",
        "messageDetail": null, "data": null, "success": false});
    assert_eq!(answer.json(), expected);
}

async fn outcomes(platform: &Platform, caller: &Caller) -> Vec<Value> {
    let path =
        format!("/admin/v1/enterprises/{}/key-extraction-attempts?order=asc", caller.enterprise_id);
    platform.admin_get(&path).await.json()["items"].as_array().unwrap().clone()
}

both_engines!(a_mailed_code_fetches_a_working_key_once, |platform| {
    let caller = Caller::new(platform).await;
    let data = mailed(platform, &caller, OWN).await;
    let code = text(&data["extractSecretKey"]);
    let is_lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(code.len() == 32 && code.chars().all(is_lower_hex), "{code}");
    assert!(text(&data["expireTime"]).ends_with("+08:00[Asia/Shanghai]"));
    let first = send(platform.public, &Request::get(target(&data))).await;
    assert_eq!((first.status, first.header("cache-control")), (200, Some("no-store")));
    let keys = first.json()["data"].clone();
    let (api_key, secret) = (text(&keys["apiKey"]), text(&keys["secretKey"]));
    assert_eq!(keys.as_object().unwrap().len(), 2);
    let signing = Signing {
        api_key: &api_key,
        secret: &secret,
        timestamp: now_ms().to_string(),
        nonce: "54321".to_owned(),
    };
    let balance = Request::get("/open-api/enterprise/v1/enterprise-balance?currency=840");
    let served = send(platform.public, &signing.of(balance)).await;
    assert_eq!(served.json()["code"], "SYS_SUCCESS");
    assert_refused(&send(platform.public, &Request::get(target(&data))).await);
    let attempts = outcomes(platform, &caller).await;
    assert_eq!(
        (&attempts[0]["outcome"], &attempts[0]["apiKey"]),
        (&json!("EXTRACTED"), &json!(api_key))
    );
    assert_eq!((&attempts[1]["outcome"], &attempts[1]["sourceIp"]), (&json!("USED"), &json!(OWN)));
});

both_engines!(a_wrong_address_gets_nothing_and_consumes_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let data = mailed(platform, &caller, "::ffff:127.0.0.1").await;
    let request = Request::get(target(&data));
    assert_refused(&send_from("127.0.0.3", platform.public, &request).await);
    let claimed = request.clone().header("X-Forwarded-For", OWN);
    assert_refused(&send_from("127.0.0.3", platform.public, &claimed).await);
    let outcome = &outcomes(platform, &caller).await[0];
    assert_eq!(
        (&outcome["outcome"], &outcome["sourceIp"]),
        (&json!("WRONG_ADDRESS"), &json!("127.0.0.3"))
    );
    let served = send(platform.public, &request).await;
    assert_eq!(served.json()["code"], "SYS_SUCCESS");
});

both_engines!(a_trusted_proxy_is_believed, |platform| {
    let caller = Caller::new(platform).await;
    let data = mailed(platform, &caller, "203.0.113.9").await;
    let request = Request::get(target(&data));
    let forged = request.clone().header("X-Forwarded-For", "203.0.113.9, 198.51.100.1");
    assert_refused(&send_from(PROXY, platform.public, &forged).await);
    let honest = request.header("X-Forwarded-For", "198.51.100.1, 203.0.113.9");
    let served = send_from(PROXY, platform.public, &honest).await;
    assert_eq!(served.json()["code"], "SYS_SUCCESS");
});

both_engines!(of_calls_at_once_one_gets_a_key, |platform| {
    let caller = Caller::new(platform).await;
    let data = mailed(platform, &caller, OWN).await;
    let request = Request::get(target(&data));
    let calls = (0..16).map(|_| send(platform.public, &request));
    let answers = futures_util::future::join_all(calls).await;
    let served = answers.iter().filter(|answer| answer.json()["success"] == true).count();
    assert_eq!(served, 1);
    let path = format!("/admin/v1/enterprises/{}/api-keys", caller.enterprise_id);
    let keys = platform.admin_get(&path).await.json();
    assert_eq!(keys["items"].as_array().unwrap().len(), 2, "the caller's own and one more");
});

both_engines!(a_code_ends_after_a_day_of_business_time, |platform| {
    let caller = Caller::new(platform).await;
    let (early, late) =
        (mailed(platform, &caller, OWN).await, mailed(platform, &caller, OWN).await);
    platform.advance(86_300).await;
    let served = send(platform.public, &Request::get(target(&early))).await;
    assert_eq!(served.json()["code"], "SYS_SUCCESS");
    platform.advance(101).await;
    assert_refused(&send(platform.public, &Request::get(target(&late))).await);
    let attempts = outcomes(platform, &caller).await;
    assert_eq!(attempts.last().unwrap()["outcome"], "EXPIRED");
});

both_engines!(all_refusals_look_alike, |platform| {
    let caller = Caller::new(platform).await;
    let other = mailed(platform, &caller, "192.0.2.1").await;
    let prefix = "/internal/open-api/v1/secret-extract/";
    let mut heads = Vec::new();
    for path in [
        target(&other),
        format!("{prefix}{}", "0".repeat(32)),
        format!("{prefix}x"),
        format!("{prefix}{}", "z".repeat(4_000)),
        format!("{prefix}%FF%FE"),
        format!("/{prefix}/{}", "1".repeat(32)),
    ] {
        let started = std::time::Instant::now();
        let answer = send(platform.public, &Request::get(path)).await;
        assert!(started.elapsed().as_millis() >= 50, "no refusal is faster than the others");
        assert_refused(&answer);
        let head = answer.head.lines().filter(|line| !line.starts_with("x-trace-id"));
        let head: Vec<_> =
            head.filter(|line| !line.starts_with("date")).map(str::to_owned).collect();
        heads.push(head);
    }
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
});

both_engines!(a_prefetch_consumes_nothing_and_slashes_too_many_are_borne, |platform| {
    let caller = Caller::new(platform).await;
    let data = mailed(platform, &caller, OWN).await;
    let head = Request { method: "HEAD", ..Request::get(target(&data)) };
    assert_eq!(send(platform.public, &head).await.status, 405);
    let post = Request::post(target(&data), "{}");
    assert_eq!(send(platform.public, &post).await.status, 405);
    let doubled = target(&data).replace("/v1/", "//v1/");
    let served = send(platform.public, &Request::get(format!("/{doubled}"))).await;
    assert_eq!(served.json()["code"], "SYS_SUCCESS");
});

both_engines!(both_fields_are_checked, |platform| {
    let caller = Caller::new(platform).await;
    for body in [
        json!({"email": "keys@example.com"}),
        json!({"sourceIp": OWN}),
        json!({"email": "nobody", "sourceIp": OWN}),
        json!({"email": "a@b.c\r\nBcc: d@e.f", "sourceIp": OWN}),
        json!({"email": "keys@example.com", "sourceIp": "127.0.0.0/8"}),
    ] {
        assert_eq!(ask(platform, &caller, &body).await.status, 422, "{body}");
    }
    let mails = platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json();
    assert_eq!(mails["items"], json!([]));
    let path = "/admin/v1/enterprises/1/api-keys";
    let body = json!({"email": "keys@example.com", "sourceIp": OWN});
    assert_eq!(platform.admin_post(path, &body).await.status, 404);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_asks_so_often_and_no_more() {
    let database = Database::embedded();
    let platform = Platform::start(database.location()).await;
    let request = Request::get("/internal/open-api/v1/secret-extract/x");
    let calls = (0..300).map(|_| send(platform.public, &request));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let limited = send(platform.public, &request).await;
    assert_eq!((limited.status, limited.header("cache-control")), (429, Some("no-store")));
    assert_refused(&send_from("127.0.0.3", platform.public, &request).await);
    platform.stop().await;
}

#[tokio::test]
async fn production_hands_no_secret_to_the_operator() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let enterprise = platform.done("/admin/v1/enterprises", json!({"name": "E"})).await;
    let path = format!("/admin/v1/enterprises/{}/api-keys", text(&enterprise["enterpriseId"]));
    assert_eq!(platform.admin_post(&path, &json!({})).await.status, 422);
    let by_mail = json!({"email": "keys@example.com", "sourceIp": OWN});
    let refused = platform.admin_post(&path, &by_mail).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("no_mail_server")));
    assert_eq!(platform.admin_get(&path).await.json()["items"], json!([]));
    platform.stop().await;
}
