//! Answers that are longer than any request may be.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::Caller;

/// Most bytes of a request's body.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

both_engines!(an_answer_longer_than_a_request_is_kept_whole_for_its_idempotency_key, |platform| {
    let caller = Caller::new(platform).await;
    let mut profile = json!({"enterpriseId": caller.enterprise_id, "name": "N".repeat(200),
        "binRange": "499921", "currency": "840", "cardLayouts": []});
    let room = MAX_REQUEST_BYTES - 32 - profile.to_string().len();
    let layout = "L".repeat(250);
    profile["cardLayouts"] = vec![layout.as_str(); room / (layout.len() + 3)].into();
    let request = || {
        Request::post("/admin/v1/card-profiles", profile.to_string())
            .header("Idempotency-Key", "long")
    };
    let first = platform.admin(request()).await;
    assert_eq!(first.status, 200);
    assert!(first.body.len() > MAX_REQUEST_BYTES, "{}", first.body.len());
    assert_eq!(first.json()["cardLayouts"], profile["cardLayouts"]);
    let again = platform.admin(request()).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    assert_ne!(again.json(), Value::Null);
});
