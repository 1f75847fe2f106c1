//! Asking for links to hosted pages (cardbridge-open-api.md section 6.3).

use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::Database;
use testkit::page_visits::{AGENT, GUIDANCE_LINK, open};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

/// The request with one field changed.
fn with(request: &Value, field: &str, value: Value) -> Value {
    let mut changed = request.clone();
    changed[field] = value;
    changed
}

both_engines!(a_link_names_the_page_and_bears_a_secret_of_43_characters, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let request = caller.link_request(&card, "1");
    let link = caller.link(platform, &request).await;
    let secret = link.strip_prefix("/en/card/detail?secret=").unwrap();
    assert_eq!(secret.len(), 43);
    assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{secret}");
    let other = caller.link(platform, &with(&request, "language", json!("zh"))).await;
    assert!(other.starts_with("/zh/card/detail?secret="), "{other}");
    assert!(!other.ends_with(secret));
});

both_engines!(both_spellings_are_taken, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let old = json!({"type": 1, "customerId": card["customerId"], "cardId": card["cardId"],
        "preVerified": "0", "ua": AGENT, "language": "en", "mode": "web", "theme": "default"});
    let link = caller.link(platform, &old).await;
    assert_eq!(open(platform, &link).await.status, 200);
});

both_engines!(each_refusal_has_its_code_in_its_order, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let theirs = other.new_card(platform, "ord-1").await;
    let request = caller.link_request(&card, "1");
    let table = [
        (with(&request, "type", json!("5")), "DAPI_GUIDANCE_LINK_TYPE_INVALID"),
        (with(&request, "type", json!("6")), "DAPI_GUIDANCE_LINK_TYPE_INVALID"),
        (with(&request, "type", json!("")), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "otpStatus", json!("2")), "DAPI_GUIDANCE_LINK_PRE_VERIFIED_INVALID"),
        (with(&request, "otpStatus", json!(null)), "DAPI_GUIDANCE_LINK_PRE_VERIFIED_INVALID"),
        (with(&request, "language", json!("fr")), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "userAgent", json!(null)), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "cardId", json!(null)), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "cardId", json!(1.5)), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "type", json!("7")), "DAPI_SYS_ILLEGAL_PARAM"),
        (with(&request, "customerId", json!("1")), "DAPI_CUSTOMER_NOT_FOUND"),
        (with(&request, "customerId", theirs["customerId"].clone()), "DAPI_CUSTOMER_NOT_FOUND"),
        (with(&request, "cardId", json!("card_1")), "DAPI_CARD_NOT_FOUND"),
        (with(&request, "cardId", theirs["cardId"].clone()), "DAPI_CARD_NOT_FOUND"),
        (with(&request, "type", json!("2")), "DAPI_CARD_TYPE_NOT_PHYSICAL"),
        (with(&request, "type", json!("3")), "DAPI_CARD_TYPE_NOT_PHYSICAL"),
    ];
    for (body, code) in table {
        let answer = caller.post(platform, GUIDANCE_LINK, &body).await;
        assert_eq!(answer["code"], code, "{body}");
        assert_eq!(answer["data"], Value::Null);
    }
    let end = json!({"cardId": card["cardId"], "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    let ended = caller.post(platform, GUIDANCE_LINK, &request).await;
    assert_eq!(ended["code"], "DAPI_CARD_STATUS_NOT_ACTIVATED");
});

both_engines!(a_card_of_another_customer_is_not_there, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut application = caller.application("ord-2");
    application["customerInfo"] = json!({"phoneCountryCode": "SG", "phone": "+6581234569",
        "email": "somebody@example.com", "customerRef": "cust-2"});
    let path = "/open-api/card-order/v1/apply-virtual";
    let order = caller.post(platform, path, &application).await;
    let somebody = text(&order["data"]["customerId"]);
    let request = with(&caller.link_request(&card, "1"), "customerId", json!(somebody));
    let answer = caller.post(platform, GUIDANCE_LINK, &request).await;
    assert_eq!(answer["code"], "DAPI_CARD_NOT_FOUND");
});

both_engines!(only_registered_hosts_are_redirect_targets, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let request = caller.link_request(&card, "1");
    let code = async |url: &str| {
        let request = with(&request, "successfulRedirectUrl", json!(url));
        text(&caller.post(platform, GUIDANCE_LINK, &request).await["code"])
    };
    assert_eq!(code("https://shop.example/done").await, "SYS_SUCCESS", "none is registered");
    caller.patch(platform, &json!({"redirectHosts": ["Shop.example"]})).await;
    assert_eq!(code("https://shop.example:8443/done?a=b").await, "SYS_SUCCESS");
    for bad in [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://sub.shop.example/",
        "https://shop.example@evil.example/",
        "https://user@shop.example/",
        "javascript:alert(1)//shop.example",
        "//shop.example/",
    ] {
        assert_eq!(code(bad).await, "DAPI_SYS_ILLEGAL_PARAM", "{bad}");
    }
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_redirects_to_registered_hosts_only_and_names_the_setting() {
    let database = Database::embedded();
    let sandbox = Platform::start(database.location()).await;
    let caller = Caller::new(&sandbox).await;
    caller.patch(&sandbox, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    let card = caller.new_card(&sandbox, "ord-1").await;
    sandbox.stop().await;
    let production = Platform::start_in(database.location(), Mode::Production).await;
    let request = caller.link_request(&card, "1");
    let request = with(&request, "successfulRedirectUrl", json!("https://shop.example/done"));
    let refused = caller.post(&production, GUIDANCE_LINK, &request).await;
    assert_eq!(refused["code"], "DAPI_SYS_ILLEGAL_PARAM", "{refused}");
    let message = text(&refused["messageDetail"]);
    assert!(message.contains("redirectHosts, which is empty"), "{message}");
    caller.patch(&production, &json!({"redirectHosts": ["other.example"]})).await;
    let refused = caller.post(&production, GUIDANCE_LINK, &request).await;
    let message = text(&refused["messageDetail"]);
    assert!(message.contains("redirectHosts") && !message.contains("empty"), "{message}");
    caller.patch(&production, &json!({"redirectHosts": ["shop.example"]})).await;
    let made = caller.post(&production, GUIDANCE_LINK, &request).await;
    assert_eq!(made["code"], "SYS_SUCCESS", "{made}");
    production.stop().await;
}
