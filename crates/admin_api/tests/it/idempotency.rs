//! `Idempotency-Key`.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Answer, Request};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

async fn post(platform: &Platform, path: &str, key: &str, body: &Value) -> Answer {
    platform.admin(Request::post(path, body.to_string()).header("Idempotency-Key", key)).await
}

both_engines!(the_same_request_gets_the_same_answer, |platform| {
    let path = "/admin/v1/enterprises";
    let body = json!({"name": "Once"});
    let first = post(platform, path, "key-1", &body).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
    let again = post(platform, path, "key-1", &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("content-type"), Some("application/json"));
    let listed = platform.admin_get(path).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
});

both_engines!(a_key_belongs_to_one_request, |platform| {
    let path = "/admin/v1/enterprises";
    post(platform, path, "key-1", &json!({"name": "Once"})).await;
    let other_body = post(platform, path, "key-1", &json!({"name": "Twice"})).await;
    assert_eq!(other_body.status, 422);
    let other_path =
        post(platform, "/admin/v1/card-profiles", "key-1", &json!({"name": "Once"})).await;
    assert_eq!(other_path.status, 422);
    let too_long = post(platform, path, &"k".repeat(256), &json!({"name": "x"})).await;
    assert_eq!(too_long.status, 400);
});

both_engines!(a_refusal_is_kept_too, |platform| {
    let path = "/admin/v1/enterprises";
    let first = post(platform, path, "key-1", &json!({})).await;
    let again = post(platform, path, "key-1", &json!({})).await;
    assert_eq!((first.status, again.status), (422, 422));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
    assert_eq!(again.body, first.body);
});

both_engines!(an_answer_with_a_secret_is_never_kept, |platform| {
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}/api-keys", caller.enterprise_id);
    let first = post(platform, &path, "key-1", &json!({})).await;
    let secret = text(&first.json()["secretKey"]);
    let again = post(platform, &path, "key-1", &json!({})).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("already_done")));
    assert!(!String::from_utf8_lossy(&again.body).contains(&secret));
    let enterprise = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let keys = platform.admin_get(&enterprise).await.json()["apiKeys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 2);
});

both_engines!(requests_at_once_run_once, |platform| {
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}/deposits", caller.enterprise_id);
    let body = |n: u32| json!({"currency": "840", "amount": "1", "reference": format!("r{n}")});
    let request = body(1);
    let (a, b) = tokio::join!(
        post(platform, &path, "key-1", &request),
        post(platform, &path, "key-1", &request)
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [200, 200 | 409]), "{statuses:?}");
    let balance = platform.done(&path, body(2)).await;
    assert_eq!(balance["availableAmount"], "1002.00");
});
