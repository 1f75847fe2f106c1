//! Tokens of dialect 2, and the addresses that may call (vm-api.md sections 3 and 5).

use crypto::sha256;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Answer, Request, send, send_from};
use testkit::platform::Platform;
use testkit::vm_client::{Merchant, NewApp, post_raw, raw_post};

const BALANCE: &str = "/getAccountBalance";

/// A refusal in clear: HTTP 200, code, text and nothing else.
fn assert_refused(answer: &Answer, code: u32, msg: &str) {
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(answer.json(), json!({ "code": code, "msg": msg }));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

async fn fetched(platform: &Platform, app: &NewApp) -> Value {
    let answer = app.ask_for_token(platform).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

async fn token(platform: &Platform, app: &NewApp) -> String {
    fetched(platform, app).await["data"]["token"].as_str().unwrap().to_owned()
}

both_engines!(several_tokens_of_an_app_live_side_by_side_for_two_hours, |platform| {
    let merchant = Merchant::new(platform).await;
    let before_s = platform.store.clock().real_now().as_millis() / 1_000;
    let at_once = futures_util::future::join_all((0..4).map(|_| fetched(platform, &merchant.app)));
    let mut tokens = Vec::new();
    let answers = at_once.await;
    let took_s = platform.store.clock().real_now().as_millis() / 1_000 - before_s;
    for answer in answers {
        assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("ok")));
        let left_s = answer["data"]["expired_time"].as_i64().unwrap() - before_s;
        assert!((7_200..=7_200 + took_s).contains(&left_s), "{left_s}");
        tokens.push(answer["data"]["token"].as_str().unwrap().to_owned());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
    for token in &tokens {
        assert_eq!(post_raw(platform, token, BALANCE, b"").await.json()["code"], 0);
    }
});

both_engines!(a_token_is_kept_as_its_hash_and_dies_in_real_time, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(platform, &merchant.app).await;
    let now = platform.store.clock().real_now();
    let app = platform.store.vm_app_of_token(sha256(token.as_bytes()), now).await.unwrap();
    assert_eq!(app.as_ref().map(|it| &it.app_id), Some(&merchant.app.app_id));
    platform.advance(3 * 3_600).await;
    assert_eq!(post_raw(platform, &token, BALANCE, b"").await.json()["code"], 0);
    let app = app.unwrap();
    let real_now = platform.store.clock().real_now();
    for (name, lives_s) in [("alive", 3_600), ("dead", 0)] {
        let ends_at = real_now.plus_seconds(lives_s);
        platform.store.add_vm_token(&app, sha256(name.as_bytes()), ends_at, now).await.unwrap();
    }
    assert_eq!(post_raw(platform, "alive", BALANCE, b"").await.json()["code"], 0);
    let dead = post_raw(platform, "dead", BALANCE, b"").await;
    assert_refused(&dead, 400_002, "Invalid Token");
});

both_engines!(a_token_is_taken_bare_only, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(platform, &merchant.app).await;
    let long = "t".repeat(300);
    for wrong in [&format!("Bearer {token}"), "", "unknown", &token.to_uppercase(), &long] {
        let answer = post_raw(platform, wrong, BALANCE, b"").await;
        assert_refused(&answer, 400_002, "Invalid Token");
    }
    let none = send(platform.public, &Request::post(BALANCE, "")).await;
    assert_refused(&none, 400_002, "Invalid Token");
});

both_engines!(who_is_not_the_app_gets_no_token, |platform| {
    let app = NewApp::make(platform).await;
    let other = NewApp::make(platform).await;
    let (id, secret) = (&app.app_id, &app.app_secret);
    for (query, code, msg) in [
        (
            format!("app_id={id}&app_secret={}", other.app_secret),
            400_001,
            "Invalid AppId Or AppSecret",
        ),
        (format!("app_id={id}x&app_secret={secret}"), 400_001, "Invalid AppId Or AppSecret"),
        (
            format!("app_id={id}&app_id={id}&app_secret={secret}"),
            400_001,
            "Invalid AppId Or AppSecret",
        ),
        (format!("app_id={id}&app_secret=%zz"), 400_001, "Invalid AppId Or AppSecret"),
        (format!("app_id={id}"), 400, "field app_secret is not set"),
        (format!("app_id={id}&app_secret="), 400, "field app_secret is not set"),
        (format!("app_secret={secret}"), 400, "field app_id is not set"),
        (String::new(), 400, "field app_id is not set"),
    ] {
        let answer = send(platform.public, &Request::get(format!("/getAccessToken?{query}"))).await;
        assert_refused(&answer, code, msg);
    }
    let extra = format!("{}&x=1", app.token_target());
    assert_eq!(send(platform.public, &Request::get(extra)).await.json()["code"], 0);
});

both_engines!(the_twenty_first_failure_in_a_minute_is_cut_off_for_its_address_only, |platform| {
    let app = NewApp::make(platform).await;
    let wrong = Request::get(format!("/getAccessToken?app_id={}&app_secret=x", app.app_id));
    let right = Request::get(app.token_target());
    for _ in 0..25 {
        assert_eq!(send(platform.public, &right).await.json()["code"], 0);
    }
    for _ in 0..20 {
        let refused = send(platform.public, &wrong).await;
        assert_refused(&refused, 400_001, "Invalid AppId Or AppSecret");
    }
    for request in [&wrong, &right] {
        let refused = send(platform.public, request).await;
        assert_refused(&refused, 400_006, "Too Many Requests");
    }
    assert_eq!(send_from("127.0.0.3", platform.public, &right).await.json()["code"], 0);
});

both_engines!(failures_at_once_are_no_way_round_the_cut_off, |platform| {
    let app = NewApp::make(platform).await;
    let wrong = Request::get(format!("/getAccessToken?app_id={}&app_secret=x", app.app_id));
    let sent = futures_util::future::join_all((0..40).map(|_| send(platform.public, &wrong)));
    let codes: Vec<_> = sent.await.iter().map(|it| it.json()["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|it| **it == 400_001).count(), 20);
    assert_eq!(codes.iter().filter(|it| **it == 400_006).count(), 20);
});

both_engines!(other_methods_are_405_and_unknown_paths_404_with_or_without_a_token, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(platform, &merchant.app).await;
    let sent = async |method: &'static str, path: &str, token: &str| {
        let request = Request { method, ..raw_post(token, path, b"") };
        send(platform.public, &request).await.status
    };
    for token in [&*token, ""] {
        assert_eq!(sent("POST", "/getAccessToken", token).await, 405);
        assert_eq!(sent("HEAD", "/getAccessToken", token).await, 405);
        assert_eq!(sent("GET", BALANCE, token).await, 405);
        assert_eq!(sent("PUT", BALANCE, token).await, 405);
        assert_eq!(sent("DELETE", "/getProductCode", token).await, 405);
        for path in ["/cardList", "/modifyCardLimit", "/getaccountbalance", "/v1/getAccountBalance"]
        {
            assert_eq!(sent("POST", path, token).await, 404, "{path}");
        }
    }
});

both_engines!(the_whitelist_counts_on_every_call_and_the_token_call_too, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(platform, &merchant.app).await;
    let list = json!({ "ipWhitelist": ["127.0.0.1", "203.0.113.0/24"] });
    merchant.app.patch(platform, list).await;
    let ask = Request::get(merchant.app.token_target());
    let call = raw_post(&token, BALANCE, b"");
    for request in [&ask, &call] {
        assert_eq!(send(platform.public, request).await.json()["code"], 0);
        let refused = send_from("127.0.0.3", platform.public, request).await;
        assert_refused(&refused, 400_005, "Ip Invalid127.0.0.3");
        // Only a configured proxy may name its caller.
        let forwarded = request.clone().header("x-forwarded-for", "203.0.113.7");
        let refused = send_from("127.0.0.3", platform.public, &forwarded).await;
        assert_refused(&refused, 400_005, "Ip Invalid127.0.0.3");
        let by_proxy = send_from("127.0.0.2", platform.public, &forwarded).await;
        assert_eq!(by_proxy.json()["code"], 0);
        let other = request.clone().header("x-forwarded-for", "2001:db8::7");
        let refused = send_from("127.0.0.2", platform.public, &other).await;
        assert_refused(&refused, 400_005, "Ip Invalid2001:db8::7");
    }
    merchant.app.patch(platform, json!({ "ipWhitelist": [] })).await;
    assert_eq!(send_from("127.0.0.3", platform.public, &call).await.json()["code"], 0);
});

both_engines!(an_app_gets_so_many_tokens_a_minute_and_others_theirs, |platform| {
    let app = NewApp::make(platform).await;
    let other = NewApp::make(platform).await;
    let right = Request::get(app.token_target());
    let mut codes = Vec::new();
    for _ in 0..7 {
        let at_once =
            futures_util::future::join_all((0..100).map(|_| send(platform.public, &right)));
        codes.extend(at_once.await.iter().map(|it| it.json()["code"].clone()));
    }
    assert_eq!(codes.iter().filter(|it| **it == 0).count(), 600);
    assert_eq!(codes.iter().filter(|it| **it == 400_006).count(), 100);
    assert_eq!(fetched(platform, &other).await["code"], 0);
});
