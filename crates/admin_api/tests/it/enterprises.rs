//! Enterprises, profiles and rates, as operators set them.

use crypto::RsaPrivateKey;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::{Caller, text};

fn stand_in(amount: &str, currency: &str, daily_total: &str) -> Value {
    json!({"mode": "approve_up_to", "amount": amount, "currency": currency,
        "dailyTotal": daily_total})
}

both_engines!(an_enterprise_is_changed_field_by_field, |platform| {
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let key = RsaPrivateKey::generate(2_048).unwrap();
    let public = key.public_key();
    let change = json!({
        "webhookUrl": "http://127.0.0.1:9/hook", "authUrl": "http://127.0.0.1:9/auth",
        "externalPublicKey": public.to_pem(), "webhookKey": caller.api_key,
        "ipAllowlist": ["127.0.0.0/8", "10.1.2.3"], "redirectHosts": ["shop.example.com"],
        "pageOrigins": ["https://shop.example.com"], "pci": true, "authDeadlineMs": 500,
        "rsaPadding": "OAEP_SHA256", "rsaHash": "SHA512", "rsaSignedBytes": "RAW",
        "standIn": {"mode": "decline"},
    });
    let changed = platform.admin_patch(&path, &change).await.json();
    assert_eq!(changed["externalPublicKey"], json!(public.to_base64()));
    assert_eq!(changed["ipAllowlist"], json!(["127.0.0.0/8", "10.1.2.3/32"]));
    for name in [
        "webhookUrl",
        "authUrl",
        "webhookKey",
        "redirectHosts",
        "pageOrigins",
        "pci",
        "authDeadlineMs",
        "rsaPadding",
        "rsaHash",
        "rsaSignedBytes",
        "standIn",
    ] {
        assert_eq!(changed[name], change[name], "{name}");
    }
    assert_eq!(platform.admin_get(&path).await.json(), changed);
    let cleared = json!({"webhookUrl": null, "authUrl": null, "externalPublicKey": null,
        "webhookKey": null});
    let after = platform.admin_patch(&path, &cleared).await.json();
    for name in ["webhookUrl", "authUrl", "externalPublicKey", "webhookKey"] {
        assert_eq!(after[name], Value::Null, "{name}");
    }
    assert_eq!(after["pci"], true);
    let terms = stand_in("5.00", "840", "5.00");
    let after = platform.admin_patch(&path, &json!({ "standIn": terms })).await.json();
    assert_eq!(after["standIn"], terms);
    let after = platform.admin_patch(&path, &json!({ "pci": false })).await.json();
    assert_eq!(after["standIn"], terms);
    assert!(!after.to_string().contains(&caller.secret));
});

both_engines!(wrong_changes_name_their_field_and_change_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let before = platform.admin_get(&path).await.json();
    for (field, value) in [
        ("webhookUrl", json!("ftp://example.com")),
        ("webhookUrl", json!("http://10.0.0.1/hook")),
        ("authUrl", json!("http://169.254.169.254/")),
        ("authUrl", json!("http://user:pass@example.com/")),
        ("authUrl", json!(" ")),
        ("externalPublicKey", json!("not a key")),
        ("rsaHash", json!("MD5")),
        ("rsaSignedBytes", json!("BOTH")),
        ("externalPublicKey", json!(7)),
        ("webhookKey", json!("UNKNOWN")),
        ("webhookKey", json!(other.api_key)),
        ("ipAllowlist", json!(["10.0.0.0/99"])),
        ("ipAllowlist", json!("10.0.0.0/8")),
        ("redirectHosts", json!(["https://shop.example.com"])),
        ("pageOrigins", json!(["https://shop.example.com/path"])),
        ("pci", json!("true")),
        ("authDeadlineMs", json!(499)),
        ("authDeadlineMs", json!(3001)),
        ("authDeadlineMs", json!("2000")),
        ("standIn", json!({"mode": "approve_up_to", "amount": "5", "currency": "840"})),
        ("standIn", stand_in("5", "840", "4.99")),
        ("standIn", stand_in("0", "840", "10")),
        ("standIn", stand_in("5.001", "840", "10")),
        ("standIn", stand_in("5", "001", "10")),
        ("standIn", json!({"mode": "other"})),
        ("name", json!("renamed")),
        ("colour", json!("green")),
    ] {
        let body = json!({"pci": true, field: value});
        let answer = platform.admin_patch(&path, &body).await;
        assert_eq!(answer.status, 422, "{body}");
        let detail = text(&answer.json()["detail"]);
        assert!(detail.starts_with(field), "{detail}");
    }
    assert_eq!(platform.admin_get(&path).await.json(), before);
});

both_engines!(profiles_are_made_and_listed, |platform| {
    let caller = Caller::new(platform).await;
    let path = "/admin/v1/card-profiles";
    let minimal = json!({"enterpriseId": caller.enterprise_id, "name": "Plain",
        "binRange": "423456", "currency": "702"});
    let made = platform.done(path, minimal.clone()).await;
    assert_eq!(made["holdDays"], json!({"NORMAL": 7, "PRE_AUTH": 30}));
    assert_eq!(made["limits"]["DAILY"], json!({"amount": null, "count": null}));
    assert_eq!(made["supportedCountries"], json!([]));
    let list = format!("{path}?order=asc&enterpriseId={}", caller.enterprise_id);
    let listed = platform.admin_get(&list).await.json();
    assert_eq!(listed["items"][1], made);
    assert_eq!(listed["items"][0]["limits"]["DAILY"], json!({"amount": "800.00", "count": 20}));
    for (field, value) in [
        ("binRange", json!("4234")),
        ("currency", json!("000")),
        ("name", Value::Null),
        ("supportedCountries", json!(["ZZ"])),
        ("holdDays", json!({"NORMAL": 0})),
        ("limits", json!({"SINGLE": {"amount": "-1"}})),
        ("limits", json!({"WEEKLY": {}})),
        ("limits", json!({"SINGLE": {"count": 1}})),
    ] {
        let mut body = minimal.clone();
        body[field] = value;
        let answer = platform.admin_post(path, &body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert!(text(&answer.json()["detail"]).starts_with(field));
    }
    for nobody in ["1", "nobody"] {
        let mut body = minimal.clone();
        body["enterpriseId"] = json!(nobody);
        assert_eq!(platform.admin_post(path, &body).await.status, 404);
    }
});

both_engines!(rates_are_replaced_as_a_whole, |platform| {
    let path = "/admin/v1/fx-rates";
    let put = async |body: Value| {
        let request = Request { method: "PUT", ..Request::post(path, body.to_string()) };
        platform.admin(request).await
    };
    let table = json!({"rates": [{"from": "702", "to": "840", "rate": "0.74"}]});
    assert_eq!(put(table.clone()).await.json(), table);
    assert_eq!(platform.admin_get(path).await.json(), table);
    let wrong = json!({"rates": [{"from": "702", "to": "840", "rate": "0"}]});
    let refused = put(wrong).await;
    assert_eq!(
        (refused.status, text(&refused.json()["detail"])),
        (422, "rates[0].rate must be a decimal above zero".to_owned())
    );
    assert_eq!(platform.admin_get(path).await.json(), table);
    assert_eq!(put(json!({"rates": []})).await.json(), json!({"rates": []}));
});
