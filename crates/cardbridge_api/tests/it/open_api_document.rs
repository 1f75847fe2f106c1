//! The OpenAPI document of dialect 1.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::on_file;

fn document() -> Value {
    cardbridge_api::open_api_document()
}

fn operations() -> Vec<(String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let mut methods = item.as_object().unwrap().values().cloned();
            (path.clone(), methods.next().unwrap())
        })
        .collect()
}

#[test]
fn the_document_is_the_one_on_file() {
    on_file::require_document("open-api.json", &document());
}

#[test]
fn every_route_is_described() {
    let described: BTreeSet<_> = operations().into_iter().map(|(path, _)| path).collect();
    let routed: BTreeSet<_> =
        cardbridge_api::public_paths().into_iter().map(str::to_owned).collect();
    assert_eq!(described, routed);
    for (path, operation) in operations() {
        assert_ne!(operation["summary"], "", "{path}");
        let takes = operation.get("requestBody").is_some();
        let asks = operation.get("parameters").is_some();
        assert!(takes != asks, "{path}: a body or parameters");
        let success = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(success["oneOf"].as_array().unwrap().len(), 2, "{path}");
    }
}

#[test]
fn the_methods_are_those_that_are_routed() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(methods == ["get"] || methods == ["post"], "{path}: {methods:?}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_no_two_operations_share_an_id() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let ids: BTreeSet<_> =
        operations().iter().map(|(_, it)| it["operationId"].to_string()).collect();
    assert_eq!(ids.len(), cardbridge_api::public_paths().len());
}

#[test]
fn every_operation_asks_for_the_four_headers_of_a_signature() {
    let document = document();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let headers: BTreeSet<_> = schemes.values().map(|it| it["name"].as_str().unwrap()).collect();
    let expected = ["X-DAPI-API-KEY", "X-DAPI-TIMESTAMP", "X-DAPI-NONCE", "X-DAPI-SIGN"];
    assert_eq!(headers, expected.into_iter().collect());
    assert_eq!(document["security"][0].as_object().unwrap().len(), 4);
}

both_engines!(the_document_is_served_without_a_signature, |platform| {
    let answer = send(platform.public, &Request::get("/openapi.json")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let served = answer.json();
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(served, document());
    for (path, item) in served["paths"].as_object().unwrap() {
        let other =
            if item.get("get").is_some() { Request::post(path, "{}") } else { Request::get(path) };
        let refused = send(platform.public, &other).await;
        assert_eq!((refused.status, &refused.json()["success"]), (405, &json!(false)), "{path}");
    }
});
