//! Checks every answer that the tests get against the OpenAPI document of dialect 1.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use axum::http::HeaderMap;
use jsonschema::Validator;
use serde_json::{Value, json};

/// The schema of each path's answers, compiled once.
static ANSWERS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let document = cardbridge_api::open_api_document();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let operation = item.as_object().unwrap().values().next().unwrap();
            let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            // References point into the components, so those are included.
            let schema = json!({"allOf": [answer], "components": document["components"]});
            (path.clone(), jsonschema::draft202012::new(&schema).unwrap())
        })
        .collect()
});

/// The schema of each webhook's body, compiled once, and its headers.
static WEBHOOKS: LazyLock<HashMap<String, (Validator, BTreeSet<String>)>> = LazyLock::new(|| {
    let document = cardbridge_api::open_api_document();
    let webhooks = document["webhooks"].as_object().unwrap().iter();
    webhooks
        .map(|(name, item)| {
            let body = &item["post"]["requestBody"]["content"]["application/json"]["schema"];
            let schema = json!({"allOf": [body], "components": document["components"]});
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            (name.clone(), (validator, described_headers(&document, name)))
        })
        .collect()
});

/// Fails if the document does not describe a webhook that arrived.
pub fn require_described_webhook(headers: &HeaderMap, body: &Value) {
    let name = body["webhookType"].as_str().unwrap_or_default();
    let (validator, described) =
        WEBHOOKS.get(name).unwrap_or_else(|| panic!("no webhook {name}: {body}"));
    let faults: Vec<String> = validator
        .iter_errors(body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name} came as {body}, which is not described: {faults:#?}");
    assert_eq!(&own_headers(headers), described, "{name}");
}

/// Headers that any message carries.
const TRANSPORT: [&str; 5] = ["accept", "content-length", "content-type", "host", "user-agent"];

/// The headers specific to a delivery.
pub fn own_headers(headers: &HeaderMap) -> BTreeSet<String> {
    let names = headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| !TRANSPORT.contains(&name.as_str())).collect()
}

/// The headers that a document describes for one of its webhooks.
pub fn described_headers(document: &Value, webhook: &str) -> BTreeSet<String> {
    let headers = document["webhooks"][webhook]["post"]["parameters"].as_array().unwrap();
    headers.iter().map(|header| header["name"].as_str().unwrap().to_owned()).collect()
}

/// Fails if the document does not describe an answer that `target` gave with HTTP 200.
pub fn require_described(target: &str, answer: &Value) {
    let path = target.split('?').next().unwrap_or_default();
    let Some(validator) = ANSWERS.get(path) else { return };
    let faults: Vec<String> = validator
        .iter_errors(answer)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{path} answered {answer}, which is not described: {faults:#?}");
}

#[test]
fn the_document_refuses_an_answer_of_another_shape() {
    let path = "/open-api/card/v1/detail";
    let validator = &ANSWERS[path];
    let odd = json!({"code": "SYS_SUCCESS", "message": null, "messageDetail": null, "success": true,
        "data": {"cardId": 1}});
    assert!(!validator.is_valid(&odd));
    let failure = json!({"code": "DAPI_CARD_NOT_FOUND", "message": "card not found",
        "messageDetail": null, "success": false, "data": null});
    require_described(path, &failure);
}
