//! The OpenAPI document of dialect 2, made from its table of routes.

use std::net::{IpAddr, Ipv4Addr};

use described::parts::{key_parameter, outcome, parameter, request_body, show_outcomes};
use described::{self, Head, JSON, operations, reference, samples};
use listener::once::{KEY_NAME, MAX_KEY_BYTES};
use serde_json::{Map, Value, json};
use wire::field::Field;
use wire::vm::VmError;
use wire::vm::envelope::{SUCCESS_CODE, SUCCESS_TEXT};
use wire::vm::error_code::ErrorCodes;
use wire::vm::parameters::{InEnvelope, refusals};

use super::operation::Operation;
use super::{repeats, webhooks};

/// The path of the document, which needs no token.
pub(crate) const DOCUMENT_PATH: &str = "/vm-openapi.json";
/// The refusal of an address; the address itself is a placeholder.
pub(crate) const ANY_ADDRESS: VmError = VmError::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
/// Refusals that every operation inside the envelope can answer (vm-api.md sections 3.3, 4.5 and
/// 5).
const UNIVERSAL: [VmError; 7] = [
    VmError::NotSet("content"),
    VmError::Invalid("content"),
    VmError::InvalidToken,
    ANY_ADDRESS,
    VmError::TooManyRequests,
    VmError::NoMerchantKey,
    VmError::ServerException,
];

const TOKEN_SCHEME: &str = "token";
const SEALED_REQUEST: &str = "SealedRequest";
const SEALED_ANSWER: &str = "SealedAnswer";
const REFUSAL: &str = "Refusal";
const KEY: &str = "The same request with the same key again gets the first answer again, unless \
    that was a refusal: a refusal leaves the key free.";

/// Groups of operations.
const TAGS: &[(&str, &str)] = &[
    ("account", "Tokens, balances and products."),
    ("cards", "Cards, their money and their limits."),
    ("lists", "Cards, transactions and movements, page by page."),
    ("webhooks", "What the platform sends to the app."),
];

/// The document of these operations, whose refusals have these numbers.
pub(crate) fn document(token_call: Operation, table: Vec<Operation>, codes: &ErrorCodes) -> Value {
    let mut schemas = Map::new();
    schemas.insert(SEALED_REQUEST.to_owned(), sealed_request());
    schemas.insert(SEALED_ANSWER.to_owned(), sealed_answer());
    schemas.insert(REFUSAL.to_owned(), refusal_of_all(codes));
    let mut paths = Map::new();
    paths.insert(
        token_call.path.to_owned(),
        json!({ "get": clear(token_call, codes, &mut schemas) }),
    );
    for operation in table {
        let path = operation.path.to_owned();
        paths.insert(path, json!({ "post": sealed(operation, codes, &mut schemas) }));
    }
    let token = json!({
        "type": "apiKey", "in": "header", "name": "Authorization",
        "description": "The token of getAccessToken, bare: a prefix such as Bearer is refused.",
    });
    let head = Head {
        title: "CardBridge VM API",
        description: include_str!("openapi.md"),
        security: json!({ TOKEN_SCHEME: [] }),
        security_schemes: json!({ TOKEN_SCHEME: token }),
        local_url: "http://127.0.0.1:8080",
        tags: TAGS,
    };
    let mut document = head.document(paths, schemas);
    webhooks::describe(&mut document);
    show(&mut document);
    document
}

/// Adds samples: for what is inside an envelope at its schema, for what is in clear at the call.
fn show(document: &mut Value) {
    let components = document["components"].clone();
    for (name, schema) in described::schemas(document) {
        if schema["type"] == "object" && schema.get("properties").is_some() {
            schema["examples"] = json!([samples::sample(&reference(name), &components)]);
        }
    }
    for (_, method, operation) in operations(document) {
        let schema = &operation["responses"]["200"]["content"][JSON]["schema"];
        let shapes = schema["oneOf"].as_array().cloned().unwrap_or_default();
        let of = |shape: Option<&Value>| shape.map(|shape| samples::sample(shape, &components));
        show_outcomes(operation, of(shapes.first()).unwrap_or_default(), of(shapes.last()));
        if method == "post" {
            let body = &mut operation["requestBody"]["content"][JSON];
            body["example"] = samples::sample(&body["schema"], &components);
        }
    }
}

/// The call that has no envelope.
fn clear(operation: Operation, codes: &ErrorCodes, schemas: &mut Map<String, Value>) -> Value {
    let success = json!({
        "type": "object",
        "properties": {
            "code": { "const": SUCCESS_CODE },
            "msg": { "const": SUCCESS_TEXT },
            "data": operation.gives.schema,
        },
        "required": ["code", "msg", "data"],
    });
    let parameters: Vec<_> = operation.reads.fields.iter().map(query).collect();
    let described = json!({
        "operationId": operation.path.trim_start_matches('/'),
        "tags": [tag(operation.path)],
        "summary": operation.summary,
        "parameters": parameters,
        "security": [],
        "responses": { "200": answer(vec![success], operation.refuses, codes) },
    });
    schemas.extend(operation.gives.schemas);
    described
}

fn query(field: &Field) -> Value {
    parameter("query", field.name, field.is_required, field.meaning)
}

fn tag(path: &str) -> &'static str {
    match path {
        "/getAccessToken" | "/getAccountBalance" | "/getProductCode" => "account",
        "/cardTransaction" | "/getCardList" | "/getCardFlow" => "lists",
        _ => "cards",
    }
}

/// A call inside the envelope.
fn sealed(operation: Operation, codes: &ErrorCodes, schemas: &mut Map<String, Value>) -> Value {
    let id = operation.path.trim_start_matches('/');
    let request = format!("{}{}Request", id[..1].to_ascii_uppercase(), &id[1..]);
    schemas.insert(request.clone(), operation.reads.schema::<InEnvelope>());
    let success = bearing(SEALED_ANSWER, "data", &operation.gives.schema);
    let mut described = json!({
        "operationId": id,
        "tags": [tag(operation.path)],
        "summary": operation.summary,
        "requestBody": request_body(
            operation.reads.asks_for_something(),
            bearing(SEALED_REQUEST, "content", &reference(&request)),
        ),
        "responses": {
            "200": answer(vec![success, reference(REFUSAL)], &own_refusals(&operation), codes),
        },
    });
    if repeats::CHANGING.contains(&operation.path) {
        described["parameters"] = json!([key_parameter(KEY_NAME, MAX_KEY_BYTES, KEY)]);
    }
    schemas.extend(operation.gives.schemas);
    described
}

/// The refusals of its fields and those of the table, ordered by number.
fn own_refusals(operation: &Operation) -> Vec<VmError> {
    let read = operation.reads.fields.iter().flat_map(refusals);
    let mut refusals = Vec::new();
    let is_changing = repeats::CHANGING.contains(&operation.path);
    let of_keys = repeats::REFUSALS.into_iter().filter(|_| is_changing);
    for refusal in read.chain(operation.refuses.iter().cloned()).chain(of_keys) {
        if !refusals.contains(&refusal) {
            refusals.push(refusal);
        }
    }
    refusals.sort_by_key(|it| it.name().default_code());
    refusals
}

/// The answer with HTTP 200: one of these successes and common refusals, or one of the
/// operation's own.
fn answer(mut shapes: Vec<Value>, refusals: &[VmError], codes: &ErrorCodes) -> Value {
    shapes.extend(refusals.iter().map(|it| refusal(it, codes)));
    let told: Vec<_> = refusals.iter().map(|it| format!("{} {}", codes.of(it), text(it))).collect();
    let description = if told.is_empty() {
        "The outcome. Refusals: those of every operation.".to_owned()
    } else {
        format!("The outcome. Refusals of its own: {}.", told.join("; "))
    };
    outcome(shapes, &description)
}

fn text(refusal: &VmError) -> String {
    match refusal {
        VmError::Ip(_) => format!("{}<address>", address_text()),
        other => other.to_string(),
    }
}

/// The text before the address.
fn address_text() -> String {
    ANY_ADDRESS.to_string().trim_end_matches("0.0.0.0").to_owned()
}

fn refusal(error: &VmError, codes: &ErrorCodes) -> Value {
    let msg = match error {
        VmError::Ip(_) => json!({
            "type": "string", "pattern": format!("^{}", address_text()),
            "example": format!("{}203.0.113.7", address_text()),
        }),
        other => json!({ "const": other.to_string() }),
    };
    json!({
        "type": "object",
        "description": error.name().cause(),
        "properties": { "code": { "const": codes.of(error) }, "msg": msg },
        "required": ["code", "msg"],
    })
}

fn refusal_of_all(codes: &ErrorCodes) -> Value {
    let refusals: Vec<_> = UNIVERSAL.iter().map(|it| refusal(it, codes)).collect();
    json!({
        "description": "What every operation inside the envelope can answer.",
        "oneOf": refusals,
    })
}

/// An outer object whose text `property` holds a plain object.
fn bearing(outer: &str, property: &str, plain: &Value) -> Value {
    let sealed = json!({ "contentMediaType": JSON, "contentSchema": plain });
    json!({ "allOf": [reference(outer), { "properties": { property: sealed } }] })
}

fn sealed_request() -> Value {
    json!({
        "type": "object",
        "description": "The body of a request: the parameters, encrypted for the platform.",
        "properties": { "content": sealed_text("JSON of the request's plain object") },
    })
}

fn sealed_answer() -> Value {
    json!({
        "type": "object",
        "description": "The body of a success: its object, encrypted for the merchant.",
        "properties": {
            "code": { "const": SUCCESS_CODE },
            "msg": { "const": SUCCESS_TEXT },
            "data": sealed_text("JSON of the answer's plain object"),
        },
        "required": ["code", "msg", "data"],
    })
}

fn sealed_text(what: &str) -> Value {
    let description = format!(
        "{what}: UTF-8 in pieces of at most k - 11 bytes, each one a block of RSA with PKCS#1 \
         v1.5 padding, the blocks joined, written as base64 and that as hex."
    );
    json!({
        "type": "string", "pattern": "^([0-9a-fA-F]{2})*$", "description": description,
        "example": "4d446b78",
    })
}
