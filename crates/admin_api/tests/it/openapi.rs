//! The OpenAPI document.

use std::collections::BTreeSet;

use domain::Mode;
use serde_json::Value;
use testkit::both_engines;
use testkit::http::Request;
use testkit::on_file;

/// Every operation of operator-and-sandbox.md that exists so far.
const OPERATIONS: &[&str] = &[
    "delete /admin/v1/enterprises/{id}/api-keys/{apiKey}",
    "get /admin/v1/authorisations",
    "get /admin/v1/authorisations/{id}",
    "get /admin/v1/card-profiles",
    "get /admin/v1/cards/{id}",
    "get /admin/v1/cards/{id}/plastic",
    "get /admin/v1/cards/{id}/reveals",
    "get /admin/v1/enterprises",
    "get /admin/v1/enterprises/{id}",
    "get /admin/v1/enterprises/{id}/api-keys",
    "get /admin/v1/enterprises/{id}/key-extraction-attempts",
    "get /admin/v1/enterprises/{id}/vm-apps",
    "get /admin/v1/events",
    "get /admin/v1/files/{objectKey}",
    "get /admin/v1/fx-rates",
    "get /admin/v1/jobs",
    "get /admin/v1/ledger/accounts",
    "get /admin/v1/ledger/verify",
    "get /admin/v1/links",
    "get /admin/v1/links/{name}",
    "get /admin/v1/network-messages",
    "get /admin/v1/recon/verify",
    "get /admin/v1/outstandings/{id}",
    "get /admin/v1/transactions",
    "get /admin/v1/transactions/{id}",
    "get /admin/v1/vm-apps/{appId}",
    "get /admin/v1/vm-apps/{appId}/products",
    "get /admin/v1/vm-apps/{appId}/webhook-secret",
    "get /admin/v1/webhook-deliveries",
    "get /admin/v1/webhook-deliveries/{id}",
    "get /sandbox/v1/3ds-challenges/{id}",
    "get /sandbox/v1/clock",
    "get /sandbox/v1/mailbox",
    "patch /admin/v1/enterprises/{id}",
    "patch /admin/v1/vm-apps/{appId}",
    "post /admin/v1/authorisations/{id}/reverse",
    "post /admin/v1/card-profiles",
    "post /admin/v1/cards/{id}/block",
    "post /admin/v1/cards/{id}/emboss",
    "post /admin/v1/cards/{id}/ship",
    "post /admin/v1/cards/{id}/unblock",
    "post /admin/v1/enterprises",
    "post /admin/v1/enterprises/{id}/api-keys",
    "post /admin/v1/enterprises/{id}/deposits",
    "post /admin/v1/enterprises/{id}/withdrawals",
    "post /admin/v1/enterprises/{id}/vm-apps",
    "post /admin/v1/links/{name}/drain",
    "post /admin/v1/links/{name}/echo",
    "post /admin/v1/links/{name}/resume",
    "post /admin/v1/links/{name}/sign-off",
    "post /admin/v1/links/{name}/cut-over",
    "post /admin/v1/links/{name}/key-request",
    "post /admin/v1/links/{name}/sign-on",
    "post /admin/v1/recon/close-day",
    "post /admin/v1/intent-tickets/{id}/decide",
    "post /admin/v1/jobs/{id}/retry",
    "post /admin/v1/kyc-tickets/{id}/decide",
    "post /admin/v1/vm-apps/{appId}/funds",
    "post /admin/v1/vm-apps/{appId}/products",
    "post /admin/v1/webhook-deliveries/{id}/resend",
    "post /sandbox/v1/3ds-challenges",
    "post /sandbox/v1/3ds-challenges/{id}/verify",
    "post /sandbox/v1/authorisations",
    "post /sandbox/v1/authorisations/{id}/clear",
    "post /sandbox/v1/authorisations/{id}/increment",
    "post /sandbox/v1/authorisations/{id}/reverse",
    "post /sandbox/v1/clearings",
    "post /sandbox/v1/clock/advance",
    "post /sandbox/v1/intent-tickets/{id}/decide",
    "post /sandbox/v1/kyc-tickets/{id}/decide",
    "post /sandbox/v1/refunds",
    "put /admin/v1/fx-rates",
];

fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = ["get", "post", "put", "patch", "delete"];
            let present = methods.into_iter().filter(|method| item.get(method).is_some());
            present.map(|method| format!("{method} {path}")).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_document_is_the_one_on_file() {
    on_file::require_document("operator-api.json", &admin_api::openapi_document(Mode::Sandbox));
}

#[test]
fn production_has_no_sandbox_operation() {
    let document = admin_api::openapi_document(Mode::Production);
    assert!(operations(&document).iter().all(|operation| !operation.contains("/sandbox/")));
}

both_engines!(the_document_names_exactly_what_is_served, |platform| {
    let document = platform.admin_get("/admin/v1/openapi.json").await.json();
    assert_eq!(document, admin_api::openapi_document(Mode::Sandbox));
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let expected: BTreeSet<_> = OPERATIONS.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(operations(&document), expected);
    for operation in expected {
        let (method, path) = operation.split_once(' ').unwrap();
        let method = match method {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            "patch" => "PATCH",
            _ => "DELETE",
        };
        let named = ["{id}", "{apiKey}", "{objectKey}", "{appId}"];
        let target = named.iter().fold(path.to_owned(), |path, name| path.replace(name, "1"));
        let body = if method == "GET" { "" } else { "[]" };
        let answer = platform.admin(Request { method, ..Request::post(target, body) }).await;
        assert_ne!(answer.status, 405, "{operation}");
        assert_ne!(answer.json()["detail"], "path not found", "{operation}");
    }
});
