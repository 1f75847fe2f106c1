//! The OpenAPI document of dialect 2.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::on_file;
use testkit::vm_client::NewApp;
use wire::vm::VmSettings;
use wire::vm::error_code::{ErrorCodes, ErrorName};

const DOCUMENT: &str = "/vm-openapi.json";
/// The operations of vm-api.md section 6, and the token call.
const PATHS: [&str; 13] = [
    "/cardDetail",
    "/cardTransaction",
    "/createCard",
    "/deleteCard",
    "/freezeCard",
    "/getAccessToken",
    "/getAccountBalance",
    "/getCardFlow",
    "/getCardList",
    "/getProductCode",
    "/rechargeCard",
    "/refundCard",
    "/updateCardLimit",
];

fn document() -> Value {
    vm_api::vm_api_document(&ErrorCodes::default())
}

#[test]
fn the_document_is_the_one_on_file() {
    on_file::require_document("vm-api.json", &document());
}

#[test]
fn every_route_is_described_and_the_document_stands_in_the_way_of_none() {
    let document = document();
    let described: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, PATHS);
    assert_eq!(vm_api::vm_paths().into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(PATHS));
    assert!(!PATHS.contains(&DOCUMENT));
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let method = if path == "/getAccessToken" { "get" } else { "post" };
        let methods: Vec<_> = item.as_object().unwrap().keys().collect();
        assert_eq!(methods, [method], "{path}");
        assert_ne!(item[method]["summary"], "", "{path}");
        assert!(ids.insert(item[method]["operationId"].to_string()), "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_shape_is_referred_to() {
    let document = document();
    let text = document.to_string();
    let mut named = BTreeSet::new();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        named.insert(pointer.rsplit('/').next().unwrap().to_owned());
    }
    let schemas: BTreeSet<_> =
        document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(named, schemas);
}

#[test]
fn every_call_but_the_tokens_tells_what_is_inside_its_envelope() {
    let document = document();
    assert_eq!(document["security"], json!([{"token": []}]));
    assert_eq!(document["paths"]["/getAccessToken"]["get"]["security"], json!([]));
    let inside = |outer: &Value, shape: &str, name: &str| {
        let shape = json!({"$ref": format!("#/components/schemas/{shape}")});
        assert_eq!(outer["allOf"][0], shape);
        let sealed = &outer["allOf"][1]["properties"][name];
        assert_eq!(sealed["contentMediaType"], "application/json");
        assert!(sealed["contentSchema"]["$ref"].is_string());
    };
    for path in PATHS.into_iter().filter(|path| *path != "/getAccessToken") {
        let operation = &document["paths"][path]["post"];
        let schema = |part: &Value| part["content"]["application/json"]["schema"].clone();
        inside(&schema(&operation["requestBody"]), "SealedRequest", "content");
        let answers = schema(&operation["responses"]["200"]);
        inside(&answers["oneOf"][0], "SealedAnswer", "data");
    }
}

both_engines!(the_document_is_served_without_a_token, |platform| {
    let answer = send(platform.public, &Request::get(DOCUMENT)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json(), document());
    for path in PATHS {
        let other =
            if path == "/getAccessToken" { Request::post(path, "{}") } else { Request::get(path) };
        assert_eq!(send(platform.public, &other).await.status, 405, "{path}");
    }
    for path in ["/cardList", "/modifyCardLimit", "/createcard"] {
        assert_eq!(send(platform.public, &Request::post(path, "{}")).await.status, 404, "{path}");
    }
});

both_engines!(slashes_count_once_and_an_unknown_path_answers_its_callers_dialect, |platform| {
    let app = NewApp::make(platform).await;
    let slashed = Request::get(format!("/{}", app.token_target()));
    let token = send(platform.public, &slashed).await.json();
    assert_eq!(token["code"], 0, "{token}");
    let token = token["data"]["token"].as_str().unwrap();
    let bare = |request: Request| request.header("authorization", token);
    let known = send(platform.public, &bare(Request::post("//getAccountBalance", ""))).await;
    assert_eq!(known.json()["msg"], "merchant public key is not set");
    let sealed = r#"{"content":"4150383d"}"#;
    for (request, status, text) in [
        (bare(Request::post("/cardList", "{}")), 404, "Not Found"),
        (bare(Request::get("//createcard")), 404, "Not Found"),
        (Request::post("/cardList", sealed), 404, "Not Found"),
        (bare(Request::get("/createCard")), 405, "Method Not Allowed"),
        (bare(Request::post("//getAccessToken", "{}")), 405, "Method Not Allowed"),
        (Request::post("/getAccessToken", "{}"), 405, "Method Not Allowed"),
        (Request::get("/createCard"), 405, "Method Not Allowed"),
        (Request::get("/createCard").header("x-dapi-api-key", "A"), 405, "Method Not Allowed"),
    ] {
        let answer = send(platform.public, &request).await;
        let told = json!({ "code": status, "msg": text });
        assert_eq!((answer.status, answer.json()), (status, told), "{}", request.target);
    }
    for request in [
        Request::post("/cardList", "{}"),
        bare(Request::post("/cardList", sealed)).header("x-dapi-api-key", "A"),
        bare(Request::post("/open-api/card/v1/nothing", sealed)),
        Request::get("/"),
    ] {
        let answer = send(platform.public, &request).await;
        assert_eq!((answer.status, &answer.json()["success"]), (404, &json!(false)));
    }
});

fn other_numbers() -> VmSettings {
    let codes = ErrorCodes::default().with(ErrorName::CardId, 700_101).unwrap();
    VmSettings { codes, ..VmSettings::default() }
}

both_engines!(the_numbers_told_are_those_decided, other_numbers(), |platform, _location| {
    let served = send(platform.public, &Request::get(DOCUMENT)).await.json();
    assert_eq!(served, vm_api::vm_api_document(&other_numbers().codes));
    assert_ne!(served, document());
});
