//! Samples of requests are taken as they are; at most, an object that they name does not exist.

use serde_json::Value;
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::Caller;

use crate::openapi_rules::documents;

const SOME_ID: &str = "4591298458535677185";

/// Method, path and sample of each request of a document that has a body.
fn requests(name: &str) -> Vec<(String, String, Value)> {
    let documents = documents();
    let (_, document) = documents.iter().find(|(known, _)| *known == name).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let sample = &operation["requestBody"]["content"]["application/json"]["example"];
            if !sample.is_null() {
                found.push((method.to_uppercase(), path.clone(), sample.clone()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

both_engines!(the_operators_samples_are_taken_as_they_stand, |platform| {
    for (method, path, sample) in requests("operator-api") {
        let method = match method.as_str() {
            "POST" => "POST",
            "PATCH" => "PATCH",
            _ => "PUT",
        };
        let target = path.replace("{id}", SOME_ID).replace("{appId}", SOME_ID);
        let request = Request { method, ..Request::post(target, sample.to_string()) };
        let answer = platform.admin(request).await;
        let is_read = !matches!(answer.status, 400 | 422);
        assert!(is_read, "{method} {path} {sample}: {:?}", String::from_utf8_lossy(&answer.body));
    }
});

both_engines!(samples_of_dialect_1_are_taken_as_they_stand, |platform| {
    let caller = Caller::new(platform).await;
    let mut refused = Vec::new();
    for (_, path, sample) in requests("open-api") {
        let answer = caller.post(platform, &path, &sample).await;
        let why = answer["messageDetail"].as_str().unwrap_or_default();
        // Nor can a sample be encrypted under a caller's own secret.
        let is_read = why.contains(" names no ") || why.ends_with("cannot be decrypted");
        if answer["code"] == "DAPI_SYS_ILLEGAL_PARAM" && !is_read {
            refused.push(format!("{path}: {why} {sample}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
});
