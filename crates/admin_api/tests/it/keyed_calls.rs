//! Every call of the operator and sandbox APIs that takes a key: its answer is in the commit of
//! what it did, or it did nothing.

use serde_json::{Value, json};
use store::Location;
use testkit::both_engines;
use testkit::database::{number, tamper};
use testkit::http::{Answer, Request};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use testkit::vm_client::Merchant;

/// Counts every row that a call of the table below may leave.
const FINGERPRINT: &str = "SELECT (SELECT COUNT(*) FROM enterprise) \
    + (SELECT COUNT(*) FROM ledger_transfer) + (SELECT COUNT(*) FROM posting) \
    + (SELECT COUNT(*) FROM authorisation) + (SELECT COUNT(*) FROM card_profile) \
    + (SELECT COUNT(*) FROM vm_product) + (SELECT COUNT(*) FROM api_key) \
    + (SELECT COUNT(*) FROM vm_app) + (SELECT COUNT(*) FROM three_ds_challenge) \
    + (SELECT COUNT(*) FROM key_extraction) + (SELECT COUNT(*) FROM webhook) \
    + (SELECT COUNT(*) FROM card WHERE status = 'BLOCKED') \
    + (SELECT COUNT(*) FROM setting)";

pub async fn keyed(platform: &Platform, path: &str, key: &str, body: &Value) -> Answer {
    platform.admin(Request::post(path, body.to_string()).header("Idempotency-Key", key)).await
}

/// Makes the table of keys refuse `INSERT` or `UPDATE`.
pub async fn refuse(location: &Location, what: &str) {
    let sql = match location {
        Location::Sqlite(_) => format!(
            "CREATE TRIGGER no_{what} BEFORE {what} ON idempotency \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        Location::Postgres(_) => format!(
            "CREATE OR REPLACE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''refused''; END'; \
             CREATE TRIGGER no_{what} BEFORE {what} ON idempotency \
             FOR EACH ROW EXECUTE FUNCTION refused()"
        ),
    };
    tamper(location, &sql).await;
}

async fn allow_insert(location: &Location) {
    let sql = match location {
        Location::Sqlite(_) => "DROP TRIGGER no_INSERT",
        Location::Postgres(_) => "DROP TRIGGER no_INSERT ON idempotency",
    };
    tamper(location, sql).await;
}

/// An answer without the times in it, which differ in each run.
fn told(answer: &Answer) -> Value {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("latencyMs");
        fields.remove("now");
    }
    body
}

/// The calls, in an order in which each finds what it needs.
async fn calls(platform: &Platform) -> Vec<(String, Value)> {
    let caller = Caller::new(platform).await;
    let merchant = Merchant::new(platform).await;
    let own = merchant.card(&merchant.save, 100).await;
    let buy = json!({"cardId": own, "amount": "10.00", "currency": "840"});
    let mut bought = Vec::new();
    for _ in 0..3 {
        let bought_now = platform.done("/sandbox/v1/authorisations", buy.clone()).await;
        bought.push(text(&bought_now["authId"]));
    }
    let enterprise = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let profile = json!({"enterpriseId": caller.enterprise_id, "name": "P", "binRange": "499922",
        "currency": "840", "cardLayouts": []});
    let made = platform.done("/admin/v1/card-profiles", profile.clone()).await;
    let app = merchant.app.path();
    let sandbox =
        |auth_id: &str, what: &str| format!("/sandbox/v1/authorisations/{auth_id}/{what}");
    let product = json!({"productCode": "p-1", "profileId": made["profileId"], "funding": "save"});
    let product_app = platform.done(&format!("{enterprise}/vm-apps"), json!({})).await;
    let product_path = format!("/admin/v1/vm-apps/{}/products", text(&product_app["appId"]));
    [
        ("/admin/v1/enterprises".to_owned(), json!({"name": "Once"})),
        (
            format!("{enterprise}/deposits"),
            json!({"currency": "840", "amount": "5", "reference": "k-1"}),
        ),
        (
            format!("{enterprise}/withdrawals"),
            json!({"currency": "840", "amount": "1", "reference": "k-2"}),
        ),
        ("/admin/v1/card-profiles".to_owned(), profile),
        (product_path, product),
        (format!("{app}/funds"), json!({"account": "balance", "amount": "1", "reference": "k-3"})),
        (sandbox(&bought[0], "increment"), json!({"amount": "1.00"})),
        (sandbox(&bought[0], "clear"), json!({"amount": "2.00", "final": false})),
        (sandbox(&bought[1], "reverse"), json!({"amount": "3.00"})),
        ("/sandbox/v1/authorisations".to_owned(), buy),
        (
            "/sandbox/v1/clearings".to_owned(),
            json!({"cardId": own, "amount": "1.00", "currency": "840"}),
        ),
        (
            "/sandbox/v1/refunds".to_owned(),
            json!({"authId": bought[2], "amount": "1.00", "currency": "840"}),
        ),
        (
            "/sandbox/v1/3ds-challenges".to_owned(),
            json!({"cardId": own, "amount": "1.00", "currency": "840"}),
        ),
        (format!("/admin/v1/cards/{own}/block"), json!(null)),
        (format!("/admin/v1/cards/{own}/unblock"), json!(null)),
        (format!("{enterprise}/api-keys"), json!({})),
        (format!("{enterprise}/vm-apps"), json!({})),
        ("/sandbox/v1/clock/advance".to_owned(), json!({"seconds": 3_600})),
    ]
    .to_vec()
}

both_engines!(what_a_call_did_and_its_answer_are_one_commit, |platform, location| {
    let calls = calls(platform).await;
    // As if the process died before anything could be added to a key that is there.
    refuse(location, "UPDATE").await;
    for (n, (path, body)) in calls.iter().enumerate() {
        let key = format!("key-{n}");
        refuse(location, "INSERT").await;
        let before = number(location, FINGERPRINT).await;
        let failed = keyed(platform, path, &key, body).await;
        assert_eq!(failed.status, 500, "{path}: {}", String::from_utf8_lossy(&failed.body));
        assert_eq!(number(location, FINGERPRINT).await, before, "{path} left something");
        allow_insert(location).await;
        let first = keyed(platform, path, &key, body).await;
        assert_eq!(first.status, 200, "{path}: {}", String::from_utf8_lossy(&first.body));
        let after = number(location, FINGERPRINT).await;
        assert_ne!(after, before, "{path} did nothing");
        let again = keyed(platform, path, &key, body).await;
        assert_eq!(number(location, FINGERPRINT).await, after, "{path} ran twice");
        if path.ends_with("/api-keys") || path.ends_with("/vm-apps") {
            let made = ["apiKey", "appId"]
                .iter()
                .find_map(|name| first.json()[*name].as_str().map(str::to_owned));
            let again = again.json();
            assert_eq!(
                (&again["code"], &again["objectId"]),
                (&json!("already_done"), &json!(made))
            );
            assert_eq!(again["status"], 409);
        } else {
            assert_eq!((again.status, told(&again)), (200, told(&first)), "{path}");
        }
    }
    platform.assert_ledger_adds_up().await;
});

both_engines!(calls_at_once_are_one_call, |platform, location| {
    let calls = calls(platform).await;
    for (n, (path, body)) in calls.iter().enumerate() {
        let key = format!("key-{n}");
        let send = || keyed(platform, path, &key, body);
        let before = number(location, FINGERPRINT).await;
        let answers: [Answer; 4] = tokio::join!(send(), send(), send(), send()).into();
        let after = number(location, FINGERPRINT).await;
        assert_ne!(after, before, "{path}");
        let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert!(!done.is_empty(), "{path}: {answers:?}");
        assert!(done.iter().all(|answer| told(answer) == told(done[0])), "{path}: {answers:?}");
        let others = answers.iter().filter(|answer| answer.status != 200);
        for refused in others.map(Answer::json) {
            let code = refused["code"].as_str().unwrap();
            assert!(["already_done", "idempotency_in_progress"].contains(&code), "{refused}");
        }
        keyed(platform, path, &key, body).await;
        assert_eq!(number(location, FINGERPRINT).await, after, "{path} ran twice");
    }
    platform.assert_ledger_adds_up().await;
});
