//! Problem details, as they are on file.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Answer, Request, send};
use testkit::platform::Platform;

fn shown(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    body
}

async fn refusals(platform: &Platform) -> Value {
    let path = "/admin/v1/enterprises";
    let post = async |body: &str| shown(&platform.admin(Request::post(path, body)).await);
    let delete = Request { method: "DELETE", ..Request::get(path) };
    json!({
        "no token": shown(&send(platform.admin, &Request::get(path)).await),
        "unknown path": shown(&platform.admin_get("/admin/v1/nowhere").await),
        "unknown object": shown(&platform.admin_get("/admin/v1/enterprises/1").await),
        "wrong method": shown(&platform.admin(delete).await),
        "not JSON": post("{").await,
        "no object": post("[]").await,
        "empty body": post("").await,
        "wrong type": post(r#"{"name":4111111111111111}"#).await,
        "unknown field": post(r#"{"name":"x","nmae":"y"}"#).await,
        "too large": post(&"x".repeat(64 * 1024 + 1)).await,
        "wrong number": shown(
            &platform.admin_post("/sandbox/v1/clock/advance", &json!({"seconds": 0})).await,
        ),
    })
}

both_engines!(refusals_read_as_on_file, |platform| {
    insta::assert_json_snapshot!("problems", refusals(platform).await);
});
