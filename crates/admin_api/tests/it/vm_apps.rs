//! The operator's calls for apps of dialect 2.

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::Database;
use testkit::http::{Request, send};
use testkit::platform::{ADMIN_TOKEN, Platform};
use testkit::vm_client::{Merchant, NewApp, merchant_key};

async fn read(platform: &Platform, app: &NewApp) -> Value {
    let answer = platform.admin_get(&app.path()).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

both_engines!(a_new_app_can_be_used_at_once, |platform| {
    let merchant = Merchant::new(platform).await;
    let balance = merchant.done("/getAccountBalance", json!({})).await;
    assert_eq!(balance, json!({ "balance": 10000, "wallet_balance": 10000 }));
    let products = merchant.done("/getProductCode", json!({})).await;
    let listed: Vec<_> = products["list"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    for (code, kind) in [(&merchant.save, "save"), (&merchant.share, "share")] {
        let product = listed.iter().find(|it| it["product_code"] == **code).unwrap();
        assert_eq!(product["type"], kind);
        assert_eq!(product["bin"].as_str().unwrap().len(), 8);
        assert!(product["remaining_open_card_num"].as_i64().unwrap() > 0);
    }
    platform.assert_ledger_adds_up().await;
});

both_engines!(the_secret_is_shown_once_and_never_kept, |platform| {
    let enterprise = platform.done("/admin/v1/enterprises", json!({ "name": "VM" })).await;
    let path =
        format!("/admin/v1/enterprises/{}/vm-apps", enterprise["enterpriseId"].as_str().unwrap());
    let request = Request::post(&path, "{}").header("idempotency-key", "app-1");
    let first = platform.admin(request.clone()).await;
    assert_eq!(first.status, 200);
    let made = first.json();
    let secret = made["appSecret"].as_str().unwrap();
    assert!(
        made["platformPublicKey"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    let platform_key =
        RsaPublicKey::from_text(made["platformPublicKey"].as_str().unwrap()).unwrap();
    assert_eq!(platform_key.to_base64(), enterprise["platformPublicKey"]);
    let again = platform.admin(request).await;
    assert_eq!((again.status, again.json()["code"].clone()), (409, json!("already_done")));
    let shown =
        platform.admin_get(&format!("/admin/v1/vm-apps/{}", made["appId"].as_str().unwrap())).await;
    assert_eq!(shown.status, 200);
    assert!(!String::from_utf8_lossy(&shown.body).contains(secret));
    assert!(!String::from_utf8_lossy(&again.body).contains(secret));
    let kept = platform.store.vm_app(made["appId"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.secret_digest, crypto::sha256(secret.as_bytes()));
});

both_engines!(settings_are_changed_one_by_one_and_cleared_by_null, |platform| {
    let app = NewApp::make(platform).await;
    let fresh = read(platform, &app).await;
    assert_eq!(fresh["merchantPublicKey"], Value::Null);
    assert_eq!((&fresh["webhookUrl"], &fresh["signWebhooks"]), (&Value::Null, &json!(false)));
    assert_eq!((&fresh["ipWhitelist"], &fresh["balance"]), (&json!([]), &json!("0.00")));
    let key = merchant_key().public_key().to_pem();
    let changed = app.patch(platform, json!({ "merchantPublicKey": key })).await;
    assert_eq!(changed["merchantPublicKey"], json!(key));
    let list = json!(["192.0.2.1", "2001:db8::/32", "127.0.0.0/8"]);
    let changed = json!({
        "webhookUrl": "https://shop.example/vm", "ipWhitelist": list, "signWebhooks": true,
    });
    let changed = app.patch(platform, changed).await;
    assert_eq!(changed["merchantPublicKey"], json!(key));
    assert_eq!(changed["webhookUrl"], "https://shop.example/vm");
    assert_eq!(changed["ipWhitelist"], json!(["192.0.2.1/32", "2001:db8::/32", "127.0.0.0/8"]));
    assert_eq!(changed["signWebhooks"], true);
    let cleared = json!({ "merchantPublicKey": null, "webhookUrl": null, "ipWhitelist": [] });
    let cleared = app.patch(platform, cleared).await;
    assert_eq!(cleared["merchantPublicKey"], Value::Null);
    assert_eq!((&cleared["webhookUrl"], &cleared["ipWhitelist"]), (&Value::Null, &json!([])));
    assert_eq!(read(platform, &app).await, cleared);
});

both_engines!(wrong_settings_are_refused_and_change_nothing, |platform| {
    let app = NewApp::make(platform).await;
    let before = read(platform, &app).await;
    for bad in [
        json!({ "merchantPublicKey": "no key" }),
        json!({
            "merchantPublicKey": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
        }),
        json!({ "webhookUrl": "ftp://shop.example" }),
        json!({ "webhookUrl": "http://169.254.169.254/latest" }),
        json!({ "ipWhitelist": ["everybody"] }),
        json!({ "ipWhitelist": "192.0.2.1" }),
        json!({ "signWebhooks": "yes" }),
        json!({ "appSecret": "mine" }),
    ] {
        let answer = platform.admin_patch(&app.path(), &bad).await;
        assert_eq!(answer.status, 422, "{bad}");
    }
    assert_eq!(read(platform, &app).await, before);
    for method in ["GET", "PATCH"] {
        let request = Request { method, ..Request::post("/admin/v1/vm-apps/nobody", "{}") };
        assert_eq!(platform.admin(request).await.status, 404);
    }
    let nobody = platform.admin_post("/admin/v1/enterprises/1/vm-apps", &json!({})).await;
    assert_eq!(nobody.status, 404);
    let tokenless = send(platform.admin, &Request::get(app.path())).await;
    assert_eq!(tokenless.status, 401);
    assert_ne!(ADMIN_TOKEN, app.app_secret);
});

both_engines!(merchant_keys_are_of_2048_to_4096_bits, |platform| {
    let app = NewApp::make(platform).await;
    for bits in [2_048, 3_072, 4_096] {
        let key = RsaPrivateKey::generate(bits).unwrap().public_key().to_pem();
        assert_eq!(
            app.patch(platform, json!({ "merchantPublicKey": key })).await["merchantPublicKey"],
            json!(key)
        );
    }
    for (bits, key) in OTHER_LENGTHS {
        let answer = platform.admin_patch(&app.path(), &json!({ "merchantPublicKey": key })).await;
        assert_eq!(answer.status, 422, "{bits}");
    }
});

/// Public keys of lengths that the platform's own generator refuses to make; their private
/// halves are thrown away.
const OTHER_LENGTHS: [(u32, &str); 3] = [
    (512, include_str!("rsa_keys/public-512.pem")),
    (1_024, include_str!("rsa_keys/public-1024.pem")),
    (5_120, include_str!("rsa_keys/public-5120.pem")),
];

both_engines!(a_reference_funds_an_app_once_also_at_once, |platform| {
    let app = NewApp::make(platform).await;
    let path = format!("{}/funds", app.path());
    let funds = json!({ "account": "balance", "amount": "15.50", "reference": "r-1" });
    let at_once =
        futures_util::future::join_all((0..4).map(|_| platform.admin_post(&path, &funds)));
    for answer in at_once.await {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["availableAmount"], "15.50");
    }
    let wallet = json!({ "account": "wallet", "amount": "4.00", "reference": "r-2" });
    assert_eq!(platform.done(&path, wallet).await["availableAmount"], "4.00");
    for (other, status) in [
        (json!({ "account": "balance", "amount": "15.51", "reference": "r-1" }), 409),
        (json!({ "account": "wallet", "amount": "15.50", "reference": "r-1" }), 409),
        (json!({ "account": "deposit", "amount": "1", "reference": "r-3" }), 422),
        (json!({ "account": "balance", "amount": "0", "reference": "r-3" }), 422),
        (json!({ "account": "balance", "amount": "1.001", "reference": "r-3" }), 422),
        (json!({ "account": "balance", "amount": "1" }), 422),
        (json!({ "amount": "1", "reference": "r-3" }), 422),
    ] {
        assert_eq!(platform.admin_post(&path, &other).await.status, status, "{other}");
    }
    let shown = read(platform, &app).await;
    assert_eq!((&shown["balance"], &shown["walletBalance"]), (&json!("15.50"), &json!("4.00")));
    platform.assert_ledger_adds_up().await;
});

both_engines!(products_are_opened_on_the_enterprises_own_profiles, |platform| {
    let app = NewApp::make(platform).await;
    let path = format!("{}/products", app.path());
    let profile = async |owner: &str, currency: &str| {
        let profile = json!({
            "enterpriseId": owner, "name": "P", "binRange": "400096", "currency": currency,
        });
        let made = platform.done("/admin/v1/card-profiles", profile).await;
        made["profileId"].as_str().unwrap().to_owned()
    };
    let own = profile(&app.enterprise_id, "840").await;
    let product = |profile_id: &str| {
        json!({ "productCode": "S9-HK", "profileId": profile_id, "funding": "save",
            "issuingArea": "HK", "remainingCards": 5 })
    };
    let opened = platform.done(&path, product(&own)).await;
    let listed = opened["items"].as_array().unwrap();
    let it = listed.iter().find(|it| it["productCode"] == "S9-HK").unwrap();
    assert_eq!((&it["remainingCards"], &it["issuingArea"]), (&json!(5), &json!("HK")));
    assert_eq!(listed.len(), 3);
    let mut refilled = product(&own);
    refilled["remainingCards"] = json!(7);
    let refilled = platform.done(&path, refilled).await;
    let it = refilled["items"].as_array().unwrap().iter().find(|it| it["productCode"] == "S9-HK");
    assert_eq!(it.unwrap()["remainingCards"], 7);
    let mut other_funding = product(&own);
    other_funding["funding"] = json!("share");
    let singapore = product(&profile(&app.enterprise_id, "702").await);
    let foreign = product(&profile(&NewApp::make(platform).await.enterprise_id, "840").await);
    let mut bad_code = product(&own);
    bad_code["productCode"] = json!("S 9");
    for (bad, status) in [
        (other_funding, 409),
        (singapore, 422),
        (foreign, 404),
        (product("x"), 404),
        (bad_code, 422),
    ] {
        assert_eq!(platform.admin_post(&path, &bad).await.status, status, "{bad}");
    }
    assert_eq!(platform.admin_get(&path).await.json(), refilled);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_an_app_has_no_product_and_nobody_may_call() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let app = NewApp::make(&platform).await;
    let products = platform.admin_get(&format!("{}/products", app.path())).await.json();
    assert_eq!(products, json!({ "items": [] }));
    let refused = app.ask_for_token(&platform).await;
    assert_eq!(refused.json(), json!({ "code": 400_005, "msg": "Ip Invalid127.0.0.1" }));
    app.patch(&platform, json!({ "ipWhitelist": ["127.0.0.1"] })).await;
    assert_eq!(app.ask_for_token(&platform).await.json()["code"], 0);
    platform.stop().await;
}

both_engines!(apps_of_an_enterprise_are_listed_page_by_page_without_secrets, |platform| {
    let first = NewApp::make(platform).await;
    let mut ids = vec![first.app_id.clone()];
    for _ in 0..2 {
        let next = NewApp::make_for(platform, &first.enterprise_id).await;
        assert_ne!(next.app_secret, first.app_secret);
        ids.push(next.app_id);
    }
    let foreign = NewApp::make(platform).await;
    let path = format!("/admin/v1/enterprises/{}/vm-apps", first.enterprise_id);
    let path = format!("{path}?order=asc");
    let all = platform.admin_get(&path).await;
    assert!(!String::from_utf8_lossy(&all.body).to_ascii_lowercase().contains("secret"));
    let all = all.json();
    let items = all["items"].as_array().unwrap();
    let listed: Vec<_> = items.iter().map(|it| it["appId"].as_str().unwrap()).collect();
    assert_eq!((listed, &all["nextCursor"]), (ids.iter().map(|it| &**it).collect(), &json!(null)));
    assert_eq!(items[0], read(platform, &first).await);
    let page = platform.admin_get(&format!("{path}&limit=2")).await.json();
    assert_eq!(page["items"].as_array().unwrap()[..], items[..2]);
    let rest = format!("{path}&limit=2&cursor={}", page["nextCursor"].as_str().unwrap());
    let rest = platform.admin_get(&rest).await.json();
    assert_eq!(
        (rest["items"].as_array().unwrap(), &rest["nextCursor"]),
        (&items[2..].to_vec(), &json!(null))
    );
    let theirs = format!("/admin/v1/enterprises/{}/vm-apps", foreign.enterprise_id);
    let theirs = platform.admin_get(&theirs).await.json();
    assert_eq!(theirs["items"][0]["appId"], json!(foreign.app_id));
    for (path, status) in [
        ("/admin/v1/enterprises/1/vm-apps".to_owned(), 404),
        (format!("{path}&cursor=x"), 422),
        (format!("{path}&limit=0"), 422),
    ] {
        assert_eq!(platform.admin_get(&path).await.status, status, "{path}");
    }
});
