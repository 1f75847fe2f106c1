//! Lists: pages, cursors, filters.

use serde_json::json;
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

/// The ids on all pages of the enterprises; one more is made after each page.
async fn walked(platform: &Platform, order: &str, added: &mut Vec<String>) -> Vec<String> {
    let first = format!("/admin/v1/enterprises?limit=2{order}");
    let (mut seen, mut path) = (Vec::new(), first.clone());
    loop {
        let page = platform.admin_get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| text(&item["enterpriseId"])));
        let Some(cursor) = page["nextCursor"].as_str() else { return seen };
        path = format!("{first}&cursor={cursor}");
        if added.len() < 3 {
            added.push(made(platform, "meanwhile").await);
        }
    }
}

async fn made(platform: &Platform, name: &str) -> String {
    let body = json!({ "name": name });
    text(&platform.done("/admin/v1/enterprises", body).await["enterpriseId"])
}

both_engines!(pages_follow_each_other_without_gap_or_repeat_in_both_orders, |platform| {
    let mut known = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        known.push(made(platform, name).await);
    }
    for order in ["", "&order=desc"] {
        let mut added = Vec::new();
        let newest_first: Vec<_> = known.iter().rev().cloned().collect();
        assert_eq!(walked(platform, order, &mut added).await, newest_first, "{order}");
        known.append(&mut added);
    }
    let mut added = Vec::new();
    let seen = walked(platform, "&order=asc", &mut added).await;
    known.append(&mut added);
    assert_eq!(seen, known, "what is added meanwhile comes at the end");
});

both_engines!(wrong_filters_are_named, |platform| {
    for (query, field) in [
        ("enterprises?limit=0", "limit"),
        ("enterprises?limit=501", "limit"),
        ("enterprises?limit=ten", "limit"),
        ("enterprises?cursor=x", "cursor"),
        ("enterprises?order=up", "order"),
        ("webhook-deliveries?order=ASC", "order"),
        ("authorisations?cardId=x", "cardId"),
        ("authorisations?from=yesterday", "from"),
        ("transactions?authId=x", "authId"),
        ("webhook-deliveries?status=LOST", "status"),
        ("webhook-deliveries?businessId=x", "businessId"),
        ("ledger/accounts?enterpriseId=x", "enterpriseId"),
        ("card-profiles?enterpriseId=x", "enterpriseId"),
    ] {
        let answer = platform.admin_get(&format!("/admin/v1/{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        assert!(text(&answer.json()["detail"]).starts_with(field), "{query}");
    }
    assert_eq!(platform.admin_get("/admin/v1/enterprises?limit=%zz").await.status, 400);
    for list in [
        "enterprises",
        "authorisations",
        "transactions",
        "webhook-deliveries",
        "ledger/accounts",
        "card-profiles",
    ] {
        let page = platform.admin_get(&format!("/admin/v1/{list}?limit=500")).await;
        assert_eq!(page.json(), json!({"items": [], "nextCursor": null}), "{list}");
    }
});

both_engines!(an_orders_webhooks_are_listed_and_wait_for_a_url, |platform| {
    let caller = Caller::new(platform).await;
    caller.new_card(platform, "ord-1").await;
    let path = "/admin/v1/webhook-deliveries";
    let page = platform.admin_get(&format!("{path}?order=asc&status=PENDING")).await.json();
    let items = page["items"].as_array().unwrap();
    let orders: Vec<_> = items.iter().filter(|i| i["webhookType"] == "CARD_ORDER").collect();
    assert_eq!(orders.len(), 5, "{page}");
    assert_eq!(orders[0]["webhookSubType"], "CREATE");
    assert_eq!(orders[4]["webhookSubType"], "UPDATE");
    assert!(items.iter().any(|item| item["webhookType"] == "CARD"));
    let business_id = text(&orders[0]["businessId"]);
    let filtered = platform.admin_get(&format!("{path}?businessId={business_id}")).await.json();
    assert_eq!(filtered["items"].as_array().unwrap().len(), 5);
    let newest_first = platform.admin_get(&format!("{path}?status=PENDING")).await.json();
    let reversed: Vec<_> = items.iter().rev().cloned().collect();
    assert_eq!(newest_first["items"], json!(reversed));
    // A cursor goes on in the order of the page that it came with.
    let first = platform.admin_get(&format!("{path}?order=asc&limit=2")).await.json();
    let next = format!("{path}?limit=2&cursor={}", text(&first["nextCursor"]));
    for order in ["", "&order=asc"] {
        let second = platform.admin_get(&format!("{next}{order}")).await.json();
        assert_eq!(second["items"], json!(items[2..4]));
    }
    let turned = platform.admin_get(&format!("{next}&order=desc")).await;
    assert!(turned.status == 422 && text(&turned.json()["detail"]).starts_with("order "));
    let one = format!("{path}/{}", text(&orders[0]["webhookId"]));
    assert_eq!(&platform.admin_get(&one).await.json(), orders[0]);
    for nobody in ["1", "nobody"] {
        assert_eq!(platform.admin_get(&format!("{path}/{nobody}")).await.status, 404);
    }
    let resend = format!("{path}/{}/resend", text(&orders[0]["webhookId"]));
    let pending = platform.admin_post(&resend, &json!({})).await;
    assert_eq!((pending.status, &pending.json()["code"]), (409, &json!("delivery_pending")));
    assert_eq!(platform.admin_post(&format!("{path}/1/resend"), &json!({})).await.status, 404);
});
