//! Holds every answer that the tests get to the OpenAPI document of dialect 1.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schema of each path's answers, compiled once.
static ANSWERS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let document = api::open_api_document();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let operation = item.as_object().unwrap().values().next().unwrap();
            let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            // References lead into the components, which come along.
            let schema = json!({"allOf": [answer], "components": document["components"]});
            (path.clone(), jsonschema::draft202012::new(&schema).unwrap())
        })
        .collect()
});

/// The schema of each webhook's body, compiled once.
static WEBHOOKS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let document = api::open_api_document();
    let webhooks = document["webhooks"].as_object().unwrap().iter();
    webhooks
        .map(|(name, item)| {
            let body = &item["post"]["requestBody"]["content"]["application/json"]["schema"];
            let schema = json!({"allOf": [body], "components": document["components"]});
            (name.clone(), jsonschema::draft202012::new(&schema).unwrap())
        })
        .collect()
});

/// Fails if the document does not describe a webhook that came.
pub fn require_described_webhook(body: &Value) {
    let name = body["webhookType"].as_str().unwrap_or_default();
    let validator = WEBHOOKS.get(name).unwrap_or_else(|| panic!("no webhook {name}: {body}"));
    let faults: Vec<String> = validator
        .iter_errors(body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name} came as {body}, which is not described: {faults:#?}");
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
