//! Authentication of dialect 1 (cardbridge-open-api.md section 3).

use std::net::SocketAddr;

use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::{Database, number};
use testkit::http::{Request, send};
use testkit::platform::{Platform, WINDOW_MS};
use testkit::signing::{Caller, Signing, envelope, now_ms, text};
use wire::cardbridge::customer;

const DETAIL: &str = "/open-api/card/v1/detail";
const FREEZE: &str = "/open-api/card/v1/freeze";

async fn code(address: SocketAddr, request: &Request) -> String {
    envelope(&send(address, request).await)["code"].as_str().unwrap().to_owned()
}

both_engines!(each_check_has_its_code_in_its_order, |platform| {
    let caller = Caller::new(platform).await;
    let request = Request::get(format!("{DETAIL}?cardId=1"));
    let bare = |names: &[&str]| {
        let signed = caller.signing().of(request.clone());
        names.iter().fold(signed, |request, name| request.without(name))
    };
    let replaced = |name: &str, value: &str| bare(&[name]).header(name, value);
    let all = ["X-DAPI-API-KEY", "X-DAPI-TIMESTAMP", "X-DAPI-NONCE", "X-DAPI-SIGN"];
    let stale = (now_ms() - WINDOW_MS - 1_000).to_string();
    let early = (now_ms() + 2 * WINDOW_MS).to_string();
    let table = [
        (bare(&all), "DAPI_API_KEY_EMPTY"),
        (replaced(all[0], " "), "DAPI_API_KEY_EMPTY"),
        (bare(&all[1..]), "DAPI_TIMESTAMP_EMPTY"),
        (replaced(all[1], "173568960000"), "DAPI_TIMESTAMP_FORMAT_ERROR"),
        (replaced(all[1], "17356896000000"), "DAPI_TIMESTAMP_FORMAT_ERROR"),
        (replaced(all[1], "+735689600000"), "DAPI_TIMESTAMP_FORMAT_ERROR"),
        (replaced(all[1], &stale), "DAPI_TIMESTAMP_EXPIRED"),
        (replaced(all[1], &early), "DAPI_TIMESTAMP_EXPIRED"),
        (bare(&all[2..]), "DAPI_NONCE_ILLEGAL"),
        (replaced(all[2], "9999"), "DAPI_NONCE_ILLEGAL"),
        (replaced(all[2], "100000"), "DAPI_NONCE_ILLEGAL"),
        (replaced(all[2], "1234x"), "DAPI_NONCE_ILLEGAL"),
        (bare(&[all[0], all[3]]).header(all[0], "UNKNOWN"), "DAPI_INVALID_API_KEY"),
        (bare(&all[3..]), "DAPI_SIGNATURE_ERROR"),
        (replaced(all[3], &"0".repeat(64)), "DAPI_SIGNATURE_ERROR"),
        (replaced(all[3], "zz"), "DAPI_SIGNATURE_ERROR"),
        (bare(&[]), "DAPI_CARD_NOT_FOUND"),
    ];
    for (index, (request, expected)) in table.iter().enumerate() {
        assert_eq!(code(platform.public, request).await, *expected, "row {index}");
    }
});

both_engines!(the_accepted_payload_forms_and_no_others, |platform| {
    let caller = Caller::new(platform).await;
    let sent = async |request: Request, payload: &str| {
        let signed = caller.signing().over(request, payload.as_bytes());
        code(platform.public, &signed).await
    };
    let get = |query: &str| Request::get(format!("{DETAIL}?{query}"));
    let refused = "DAPI_SIGNATURE_ERROR";
    let passed = "DAPI_CARD_NOT_FOUND";
    // Form A of a GET, as encoded; form B, as the Java connector signs it.
    assert_eq!(sent(get("cardId=a+b%3D"), "cardId=a+b%3D").await, passed);
    assert_eq!(sent(get("cardId=a+b%3D"), "cardId=a b=").await, passed);
    // One signature must not cover two ways to split a query into parameters.
    assert_eq!(sent(get("cardId=a%26x%3Db"), "cardId=a&x=b").await, refused);
    let body = r#"{"cardId":"1","freeze":true}"#;
    assert_eq!(sent(Request::post(FREEZE, body), body).await, passed);
    let with_query = || Request::post(format!("{FREEZE}?a=1"), body);
    assert_eq!(sent(with_query(), body).await, passed);
    assert_eq!(sent(with_query(), &format!("a=1{body}")).await, passed);
    assert_eq!(sent(Request::post(FREEZE, body), &format!("a=1{body}")).await, refused);
    assert_eq!(sent(Request::post(FREEZE, body), "{}").await, refused);
    let upper = {
        let signed = caller.signing().of(Request::post(FREEZE, body));
        let sign = signed.headers.last().unwrap().1.to_uppercase();
        signed.without("X-DAPI-SIGN").header("X-DAPI-SIGN", sign)
    };
    assert_eq!(code(platform.public, &upper).await, passed);
});

both_engines!(a_get_with_a_body_is_refused, |platform| {
    let caller = Caller::new(platform).await;
    let request = Request { body: b"{}".to_vec(), ..Request::get(format!("{DETAIL}?cardId=1")) };
    let answer = caller.send(platform, request).await;
    assert_eq!(envelope(&answer)["code"], "DAPI_SYS_ILLEGAL_PARAM");
});

both_engines!(a_request_is_served_once_on_any_route, |platform| {
    let caller = Caller::new(platform).await;
    let body = r#"{"cardId":"1","freeze":true}"#;
    let first = caller.signing().of(Request::post(FREEZE, body));
    assert_eq!(code(platform.public, &first).await, "DAPI_CARD_NOT_FOUND");
    assert_eq!(code(platform.public, &first).await, "DAPI_NONCE_ILLEGAL");
    let elsewhere = Request { target: "/open-api/card/v1/terminate".into(), ..first.clone() };
    assert_eq!(code(platform.public, &elsewhere).await, "DAPI_NONCE_ILLEGAL");
    let sign = first.headers.last().unwrap().1.to_uppercase();
    let upper = first.without("X-DAPI-SIGN").header("X-DAPI-SIGN", sign);
    assert_eq!(code(platform.public, &upper).await, "DAPI_NONCE_ILLEGAL");
});

both_engines!(a_forged_request_does_not_use_up_the_true_one, |platform| {
    let caller = Caller::new(platform).await;
    let signed = caller.signing().of(Request::get(format!("{DETAIL}?cardId=1")));
    let forged = Request { target: format!("{DETAIL}?cardId=2"), ..signed.clone() };
    assert_eq!(code(platform.public, &forged).await, "DAPI_SIGNATURE_ERROR");
    assert_eq!(code(platform.public, &signed).await, "DAPI_CARD_NOT_FOUND");
});

both_engines!(one_nonce_serves_two_different_requests, |platform| {
    let caller = Caller::new(platform).await;
    // The constant that published samples send.
    let signing = Signing { nonce: "10010".to_owned(), ..caller.signing() };
    for card_id in ["1", "2"] {
        let signed = signing.of(Request::get(format!("{DETAIL}?cardId={card_id}")));
        assert_eq!(code(platform.public, &signed).await, "DAPI_CARD_NOT_FOUND");
    }
});

both_engines!(a_revoked_key_stops_at_once, |platform, location| {
    let caller = Caller::new(platform).await;
    let target = format!("{DETAIL}?cardId=1");
    assert_eq!(caller.get(platform, &target).await["code"], "DAPI_CARD_NOT_FOUND");
    let path =
        format!("/admin/v1/enterprises/{}/api-keys/{}", caller.enterprise_id, caller.api_key);
    let delete = || Request { method: "DELETE", ..Request::get(&path) };
    assert_eq!(platform.admin(delete()).await.status, 204);
    assert_eq!(caller.get(platform, &target).await["code"], "DAPI_INVALID_API_KEY");
    assert_eq!(platform.admin(delete()).await.status, 404);
    // Its holder does not go on filling the memory of requests.
    let remembered = async || number(location, "SELECT COUNT(*) FROM request_memory").await;
    let before = remembered().await;
    for _ in 0..3 {
        assert_eq!(caller.get(platform, &target).await["code"], "DAPI_INVALID_API_KEY");
    }
    assert_eq!(remembered().await, before);
});

both_engines!(only_listed_addresses_may_call, |platform| {
    let caller = Caller::new(platform).await;
    let target = format!("{DETAIL}?cardId=1");
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["10.0.0.0/8"]})).await;
    assert_eq!(caller.get(platform, &target).await["code"], "DAPI_PERMISSION_DENIED");
    // A forged request learns nothing about the list.
    let forged = caller.signing().over(Request::get(&target), b"else");
    assert_eq!(code(platform.public, &forged).await, "DAPI_SIGNATURE_ERROR");
    // The peer is not a trusted proxy, so its header about other addresses does not count.
    let claimed = caller.signing().of(Request::get(&target)).header("x-forwarded-for", "10.1.1.1");
    assert_eq!(code(platform.public, &claimed).await, "DAPI_PERMISSION_DENIED");
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.1/32"]})).await;
    assert_eq!(caller.get(platform, &target).await["code"], "DAPI_CARD_NOT_FOUND");
});

both_engines!(business_time_does_not_touch_the_window, |platform| {
    let caller = Caller::new(platform).await;
    platform.advance(86_400).await;
    let answer = caller.get(platform, &format!("{DETAIL}?cardId=1")).await;
    assert_eq!(answer["code"], "DAPI_CARD_NOT_FOUND");
});

both_engines!(what_was_signed_before_a_start_is_served_once, |platform| {
    let caller = Caller::new(platform).await;
    let before = (now_ms() - 3_000).to_string();
    let signing = Signing { timestamp: before, ..caller.signing() };
    let signed = signing.of(Request::get(format!("{DETAIL}?cardId=1")));
    assert_eq!(code(platform.public, &signed).await, "DAPI_CARD_NOT_FOUND");
    assert_eq!(code(platform.public, &signed).await, "DAPI_NONCE_ILLEGAL");
});

both_engines!(every_route_refuses_unsigned_forged_stale_and_replayed_requests, |platform| {
    let caller = Caller::new(platform).await;
    for path in cardbridge_api::public_paths() {
        let unsigned = match send(platform.public, &Request::get(path)).await.status {
            405 => Request::post(path, "{}"),
            _ => Request::get(path),
        };
        assert_eq!(code(platform.public, &unsigned).await, "DAPI_API_KEY_EMPTY", "{path}");
        let forged = caller.signing().over(unsigned.clone(), b"other");
        assert_eq!(code(platform.public, &forged).await, "DAPI_SIGNATURE_ERROR", "{path}");
        let old = (now_ms() - WINDOW_MS - 1_000).to_string();
        let stale = Signing { timestamp: old, ..caller.signing() }.of(unsigned.clone());
        assert_eq!(code(platform.public, &stale).await, "DAPI_TIMESTAMP_EXPIRED", "{path}");
        let once = caller.signing().of(unsigned);
        // A customer has no required field, but needs an e-mail or a phone.
        let empty = match path {
            customer::CREATE_CUSTOMER_PATH | customer::CREATE_PATH => {
                "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED"
            }
            _ => "DAPI_SYS_ILLEGAL_PARAM",
        };
        assert_eq!(code(platform.public, &once).await, empty, "{path}");
        assert_eq!(code(platform.public, &once).await, "DAPI_NONCE_ILLEGAL", "{path}");
    }
});

both_engines!(the_sandbox_says_what_was_signed_and_how_the_clocks_differ, |platform| {
    let caller = Caller::new(platform).await;
    let detail = async |request: &Request| {
        let answer = envelope(&send(platform.public, request).await);
        text(&answer["messageDetail"])
    };
    let signing = || Signing { nonce: "54321".to_owned(), ..caller.signing() };
    for (request, payload) in [
        (Request::get(format!("{DETAIL}?cardId=a%20b")), "cardId=a%20b"),
        (Request::post(FREEZE, r#"{"cardId":"1"}"#), r#"{"cardId":"1"}"#),
        (Request::post(FREEZE, ""), ""),
    ] {
        let signing = signing();
        let forged = signing.over(request.clone(), b"something else");
        let told = detail(&forged).await;
        let signed = format!("{}{}54321{payload}", caller.api_key, signing.timestamp);
        assert!(told.contains(&format!("\"{signed}\" ({} bytes", signed.len())), "{told}");
        assert!(told.contains(&hex::encode(crypto::sha256(signed.as_bytes()))), "{told}");
        let sign = &forged.headers.last().unwrap().1;
        assert!(told.contains(&format!("x-dapi-sign was \"{sign}\"")), "{told}");
        assert!(told.contains(" ms behind the server's clock"), "{told}");
        let good = signing.of(request).headers.last().unwrap().1.clone();
        assert!(!told.contains(&caller.secret) && !told.contains(&good), "{told}");
    }
    for (offset_ms, side) in [(-2 * WINDOW_MS, "behind"), (2 * WINDOW_MS, "ahead of")] {
        let timestamp = (now_ms() + offset_ms).to_string();
        let stale = Signing { timestamp, ..caller.signing() }.of(Request::get(DETAIL));
        let told = detail(&stale).await;
        assert!(told.contains(side) && told.contains(&format!("{WINDOW_MS} ms")), "{told}");
    }
    let nonce = Signing { nonce: "999".to_owned(), ..caller.signing() }.of(Request::get(DETAIL));
    assert!(detail(&nonce).await.contains("five digits"));
    let once = caller.signing().of(Request::get(format!("{DETAIL}?cardId=1")));
    send(platform.public, &once).await;
    assert!(detail(&once).await.contains("served before"));
    let long = format!(r#"{{"cardId":"{}"}}"#, "x".repeat(30_000));
    let forged = signing().over(Request::post(FREEZE, long), b"");
    assert!(detail(&forged).await.len() < 4_000);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_says_nothing_of_a_refused_signature_beyond_the_code() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let caller = Caller::new(&platform).await;
    platform.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let forged = caller.signing().over(Request::get(format!("{DETAIL}?cardId=1")), b"else");
    let timestamp = (now_ms() - 2 * WINDOW_MS).to_string();
    let stale = Signing { timestamp, ..caller.signing() };
    let nonce = Signing { nonce: "999".to_owned(), ..caller.signing() };
    for request in [forged, stale.of(Request::get(DETAIL)), nonce.of(Request::get(DETAIL))] {
        let answer = envelope(&send(platform.public, &request).await);
        assert_eq!(answer["messageDetail"], Value::Null, "{answer}");
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_serves_no_enterprise_without_an_allow_list() {
    let database = Database::embedded();
    // Production hands no secret over, so the key is made before.
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let caller = Caller::new(&platform).await;
    platform.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let target = format!("{DETAIL}?cardId=1");
    assert_eq!(caller.get(&platform, &target).await["code"], "DAPI_PERMISSION_DENIED");
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    assert_eq!(caller.get(&platform, &target).await["code"], "DAPI_CARD_NOT_FOUND");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_limits_the_weight_of_a_key_and_the_sandbox_does_not() {
    // A slow machine gives weight back while it spends, hence the many rounds.
    for (mode, rounds) in [(Mode::Production, 40), (Mode::Sandbox, 4)] {
        let database = Database::embedded();
        // Production hands no secret over, so the key is made before.
        let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
        let caller = Caller::new(&platform).await;
        platform.stop().await;
        let platform = Platform::start_in(database.location(), mode).await;
        let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
        let mut limited = 0;
        let freeze = || caller.signing().of(Request::post(FREEZE, "{}"));
        for _ in 0..rounds {
            if limited > 0 {
                break;
            }
            let requests = (0..100).map(|_| freeze()).collect::<Vec<_>>();
            let sent: Vec<_> = requests
                .into_iter()
                .map(|request| {
                    let public = platform.public;
                    tokio::spawn(async move { send(public, &request).await })
                })
                .collect();
            for answer in sent {
                let answer = answer.await.unwrap();
                if answer.status == 429 {
                    limited += 1;
                    assert_eq!(answer.json()["success"], false);
                    assert!(answer.header("x-ratelimit-reset").is_some());
                } else {
                    assert_eq!(envelope(&answer)["code"], "DAPI_SYS_ILLEGAL_PARAM");
                }
            }
        }
        // Forged requests are refused before they could spend anybody's allowance.
        let forged = caller.signing().over(Request::post(FREEZE, "{}"), b"other");
        assert_eq!(code(platform.public, &forged).await, "DAPI_SIGNATURE_ERROR");
        assert_eq!(limited > 0, mode == Mode::Production, "{limited}");
        platform.stop().await;
    }
}
