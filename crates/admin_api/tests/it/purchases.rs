//! Purchases, played through the sandbox API and `fund-auth`. The enterprise has no authUrl here:
//! nobody is asked and every purchase is declined. Everything else is tested where an enterprise
//! answers.

use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::Database;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const FUND_AUTH: &str = "/open-api/simulation/v1/fund-auth";
const PURCHASE: &str = "/sandbox/v1/authorisations";

both_engines!(a_declined_purchase_is_a_success_of_the_call, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    for (amount, currency) in [(json!("15.5"), "USD"), (json!(15.5), "840")] {
        let body = json!({"cardId": card_id, "authType": "EXPEND", "amount": amount,
            "currency": currency});
        let answer = caller.post(platform, FUND_AUTH, &body).await;
        let auth_id = text(&answer["data"]["authId"]);
        let declined = json!({"approved": false, "errorCode": "DAPI_AUTH_INTERNAL_REJECT",
            "authId": auth_id});
        assert_eq!(answer["data"], declined, "{answer}");
        let path = format!("/admin/v1/authorisations/{auth_id}");
        assert_eq!(platform.admin_get(&path).await.json()["cardId"], card_id.as_str());
    }
    let body = json!({"cardId": card_id, "amount": "15.50", "currency": "840", "mcc": "5411",
        "merchantName": "Shop", "merchantCountry": "SGP", "stan": "000001", "rrn": "000000000001"});
    let answer = platform.done(PURCHASE, body.clone()).await;
    assert_eq!(answer["approved"], false);
    assert_eq!(answer["reason"], "DAPI_AUTH_INTERNAL_REJECT");
    assert!(answer["latencyMs"]["total"].is_u64());
    let again = platform.done(PURCHASE, body).await;
    assert_eq!(again["authId"], answer["authId"]);
    let auth_id = text(&answer["authId"]);
    let receipt = platform.admin_get(&format!("/admin/v1/authorisations/{auth_id}")).await.json();
    assert_eq!(receipt["status"], "DECLINED");
    assert_eq!(receipt["merchant"]["country"], "SG");
    assert_eq!(receipt["lateAnswer"], Value::Null);
    assert_eq!(receipt["transfers"], json!([]));
    assert!(receipt["checks"].is_array(), "{receipt}");
    let list = format!("/admin/v1/authorisations?order=asc&cardId={card_id}");
    assert_eq!(platform.admin_get(&list).await.json()["items"].as_array().unwrap().len(), 3);
    platform.assert_ledger_adds_up().await;
});

both_engines!(wrong_purchases_are_refused_and_leave_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let theirs = text(&other.new_card(platform, "ord-1").await["cardId"]);
    let body = |card_id: &str, auth_type: &str, amount: Value, currency: &str| {
        json!({
            "cardId": card_id, "authType": auth_type, "amount": amount, "currency": currency,
        })
    };
    for (request, code) in [
        (body(&theirs, "EXPEND", json!("1"), "840"), "DAPI_CARD_NOT_FOUND"),
        (body("card_1", "EXPEND", json!("1"), "840"), "DAPI_CARD_NOT_FOUND"),
        (body(&card_id, "REFUND", json!("1"), "840"), "DAPI_OPERATION_NOT_SUPPORT"),
        (body(&card_id, "EXPEND", json!("0"), "840"), "DAPI_SYS_ILLEGAL_PARAM"),
        (body(&card_id, "EXPEND", json!("-1"), "840"), "DAPI_SYS_ILLEGAL_PARAM"),
        (body(&card_id, "EXPEND", json!("1.001"), "840"), "DAPI_SYS_ILLEGAL_PARAM"),
        (body(&card_id, "EXPEND", json!("9".repeat(30)), "840"), "DAPI_SYS_ILLEGAL_PARAM"),
        (body(&card_id, "EXPEND", json!("1"), "000"), "DAPI_SYS_ILLEGAL_PARAM"),
        (body(&card_id, "EXPEND", Value::Null, "840"), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        let answer = caller.post(platform, FUND_AUTH, &request).await;
        assert_eq!(answer["code"], code, "{request}");
    }
    let good = json!({"cardId": card_id, "amount": "1", "currency": "840"});
    for (field, value, status) in [
        ("cardId", json!("1"), 404),
        ("cardId", json!("card_1"), 404),
        ("cardId", Value::Null, 422),
        ("pan", json!("4111111111111111"), 422),
        ("amount", json!("0"), 422),
        ("amount", json!("1.001"), 422),
        ("amount", json!("9".repeat(30)), 422),
        ("currency", json!("000"), 422),
        ("transactionType", json!("X"), 422),
        ("originalAuthId", json!("1"), 422),
        ("authType", json!("PRE_AUTH_COMPLETION"), 422),
        ("authType", json!("INCREMENT"), 422),
        ("mcc", json!("54"), 422),
        ("merchantCountry", json!("ZZ"), 422),
        ("tip", json!("1"), 422),
    ] {
        let mut request = good.clone();
        request[field] = value;
        let answer = platform.admin_post(PURCHASE, &request).await;
        assert_eq!(answer.status, status, "{request}");
    }
    let list = platform.admin_get("/admin/v1/authorisations").await.json();
    assert_eq!(list["items"], json!([]));
});

both_engines!(amounts_beyond_all_bounds_are_refused_wherever_one_arrives, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let purchase = json!({"cardId": card_id, "amount": "1", "currency": "840"});
    let auth_id = text(&platform.done(PURCHASE, purchase).await["authId"]);
    // In minor units the least and the greatest number of 64 bits, and the first too large.
    for amount in ["-92233720368547758.08", "92233720368547758.07", "-10000000000000.01"] {
        let body = json!({"cardId": card_id, "authType": "EXPEND", "amount": amount,
            "currency": "840"});
        let answer = caller.post(platform, FUND_AUTH, &body).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{answer}");
        let money = json!({"cardId": card_id, "amount": amount, "currency": "840"});
        let deposit = json!({"amount": amount, "currency": "840", "reference": "d-2"});
        let part = json!({"amount": amount});
        let enterprise = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        for (path, body) in [
            (PURCHASE.to_owned(), &money),
            ("/sandbox/v1/clearings".to_owned(), &money),
            ("/sandbox/v1/refunds".to_owned(), &money),
            ("/sandbox/v1/3ds-challenges".to_owned(), &money),
            (format!("{PURCHASE}/{auth_id}/increment"), &part),
            (format!("{PURCHASE}/{auth_id}/reverse"), &part),
            (format!("{PURCHASE}/{auth_id}/clear"), &part),
            (format!("{enterprise}/deposits"), &deposit),
            (format!("{enterprise}/withdrawals"), &deposit),
        ] {
            let answer = platform.admin_post(&path, body).await;
            assert_eq!(answer.status, 422, "{path} {amount}");
            assert!(text(&answer.json()["detail"]).contains("amount"), "{path}");
        }
    }
});

both_engines!(a_number_that_is_no_card_is_never_repeated, |platform| {
    let unknown = "4000000000000002";
    let body = json!({"pan": unknown, "expiry": "3208", "cvv2": "123", "amount": "1",
        "currency": "840"});
    let answer = platform.admin_post(PURCHASE, &body).await;
    assert_eq!(answer.status, 404);
    assert!(!String::from_utf8_lossy(&answer.body).contains(unknown));
    let wrong = json!({"pan": "4000000000000003", "expiry": "3208", "cvv2": "123",
        "amount": "1", "currency": "840"});
    let answer = platform.admin_post(PURCHASE, &wrong).await;
    assert_eq!(answer.status, 422);
    assert!(!String::from_utf8_lossy(&answer.body).contains("400000"));
});

both_engines!(later_messages_need_an_authorisation, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    for id in ["1", "none"] {
        for step in ["reverse", "clear", "increment"] {
            let path = format!("{PURCHASE}/{id}/{step}");
            let body = if step == "increment" { json!({"amount": "1"}) } else { json!({}) };
            assert_eq!(platform.admin_post(&path, &body).await.status, 404, "{path}");
        }
        let completion = json!({"cardId": card_id, "amount": "1", "currency": "840",
            "authType": "PRE_AUTH_COMPLETION", "originalAuthId": id});
        assert_eq!(platform.admin_post(PURCHASE, &completion).await.status, 404);
        let path = format!("/admin/v1/outstandings/{id}");
        assert_eq!(platform.admin_get(&path).await.status, 404, "{path}");
        let refund = json!({"authId": id, "amount": "1", "currency": "840"});
        assert_eq!(platform.admin_post("/sandbox/v1/refunds", &refund).await.status, 404);
    }
    let purchase = json!({"cardId": card_id, "amount": "1", "currency": "840"});
    let declined = text(&platform.done(PURCHASE, purchase).await["authId"]);
    for step in ["reverse", "clear", "increment"] {
        let body = if step == "increment" { json!({"amount": "1"}) } else { json!({}) };
        let answer = platform.admin_post(&format!("{PURCHASE}/{declined}/{step}"), &body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("not_approved")));
    }
    // Nobody can be asked, so a refund is declined like anything else.
    let refund = json!({"cardId": card_id, "amount": "1.25", "currency": "840"});
    let refused = platform.done("/sandbox/v1/refunds", refund).await;
    assert_eq!((&refused["direction"], &refused["amount"]), (&json!("INCOMING"), &json!("1.25")));
    assert_eq!((&refused["approved"], &refused["transactionId"]), (&json!(false), &Value::Null));
    assert_eq!(refused["reason"], "DAPI_AUTH_INTERNAL_REJECT");
    platform.assert_ledger_adds_up().await;
});

both_engines!(a_clearing_without_authorisation_is_posted_under_a_record_of_its_own, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let good = json!({"cardId": card_id, "amount": "1000.25", "currency": "840",
        "merchantName": "Toll", "merchantCountry": "SGP", "mcc": "4784"});
    for (field, value, status) in [
        ("cardId", json!("1"), 404),
        ("cardId", Value::Null, 422),
        ("amount", json!("0"), 422),
        ("amount", json!("-1"), 422),
        ("amount", Value::Null, 422),
        ("currency", json!("702"), 422),
        ("currency", json!("XXX"), 422),
        ("mcc", json!("1"), 422),
        ("stan", json!("000001"), 422),
    ] {
        let mut request = good.clone();
        request[field] = value;
        let answer = platform.admin_post("/sandbox/v1/clearings", &request).await;
        assert_eq!(answer.status, status, "{request}");
    }
    let posted = platform.done("/sandbox/v1/clearings", good).await;
    let path = format!("/admin/v1/transactions?order=asc&cardId={card_id}");
    assert_eq!(platform.admin_get(&path).await.json()["items"], json!([posted]));
    let auth_id = text(&posted["authId"]);
    let receipt = platform.admin_get(&format!("/admin/v1/authorisations/{auth_id}")).await.json();
    assert_eq!((&receipt["detail"], &receipt["status"]), (&json!("forced"), &json!("APPROVED")));
    assert_eq!(receipt["merchant"]["country"], "SG");
    // The deposit of 1000.00 does not cover it: the network forces it, and that is flagged.
    let accounts =
        format!("/admin/v1/ledger/accounts?order=asc&enterpriseId={}", caller.enterprise_id);
    let account = platform.admin_get(&accounts).await.json()["items"][0].clone();
    assert_eq!(account["availableAmount"], "-0.25", "{account}");
    let bill = text(&posted["outsId"]);
    let bill = platform.admin_get(&format!("/admin/v1/outstandings/{bill}")).await.json();
    assert_eq!((&bill["amount"], &bill["authAmount"]), (&json!("1000.25"), &json!("0.00")));
    assert_eq!(bill["transactions"], json!([posted]));
    let again = platform.admin_post(&format!("{PURCHASE}/{auth_id}/clear"), &json!({})).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("hold_closed")));
    platform.assert_ledger_adds_up().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_simulates_nothing() {
    let database = Database::embedded();
    // Production hands no secret over, so the key is made before.
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let caller = Caller::new(&platform).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    platform.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let answer = caller.post(&platform, FUND_AUTH, &json!({})).await;
    assert_eq!(answer["code"], "DAPI_OPERATION_NOT_SUPPORT");
    platform.stop().await;
}
