//! What the OpenAPI document must be to be read by generators of clients.

use std::collections::BTreeSet;

use api::Mode;
use serde_json::{Value, json};

fn document() -> Value {
    serde_json::to_value(api::openapi_document(Mode::Sandbox)).unwrap()
}

fn operations() -> Vec<Value> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().values();
    paths.flat_map(|item| item.as_object().unwrap().values().cloned()).collect()
}

#[test]
fn no_two_operations_share_an_id() {
    let operations = operations();
    let ids: BTreeSet<_> =
        operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len(), "{ids:?}");
}

#[test]
fn a_body_without_a_required_field_may_be_left_out() {
    let operations = operations();
    for id in ["reverse", "clear", "create_api_key"] {
        let operation = operations.iter().find(|operation| operation["operationId"] == id);
        let body = &operation.unwrap()["requestBody"];
        assert!(body["content"].is_object(), "{id}");
        assert_ne!(body["required"], true, "{id}");
    }
}

#[test]
fn every_operation_asks_for_the_bearer_token() {
    let document = document();
    let scheme = &document["components"]["securitySchemes"]["operator_token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document["security"], json!([{"operator_token": []}]));
}
