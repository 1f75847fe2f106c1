//! The OpenAPI document of dialect 1, made from its table of routes.

use std::collections::BTreeSet;

use described::parts::{Described, SharedAnswers, outcome, parameter, request_body, show_outcomes};
use described::vocabulary::{self, Use};
use described::{self, Head, JSON, operations, reference, samples, schemas};
use domain::ErrorCode;
use serde_json::{Map, Value, json};
use wire::cardbridge::envelope::{self, SUCCESS_CODE};
use wire::field::{Field, Kind, Table};

use super::operation::{Input, Route};
use super::webhooks;

/// The path of the document, which needs no signature.
pub(crate) const DOCUMENT_PATH: &str = "/openapi.json";

const ENVELOPE: &str = "Envelope";
const FAILURE: &str = "Failure";
/// Header and meaning of the four parts of a signature, by scheme.
const SIGNATURE: [(&str, &str, &str); 4] = [
    ("apiKey", "X-DAPI-API-KEY", "The caller's API key."),
    ("timestamp", "X-DAPI-TIMESTAMP", "Milliseconds since 1970 UTC, 13 digits, within 5 s."),
    ("nonce", "X-DAPI-NONCE", "10000 to 99999."),
    (
        "signature",
        "X-DAPI-SIGN",
        "Hex of HMAC-SHA256 under the secret, as text, over apiKey + timestamp + nonce + \
         payload: the query string of a GET as it is sent, the body's bytes of a POST.",
    ),
];
/// Codes that every operation can answer (cardbridge-open-api.md sections 3.5 and 6).
pub(crate) const UNIVERSAL: [ErrorCode; 13] = [
    ErrorCode::SystemError,
    ErrorCode::SysIllegalParam,
    ErrorCode::PermissionDenied,
    ErrorCode::ApiKeyEmpty,
    ErrorCode::TimestampEmpty,
    ErrorCode::TimestampFormatError,
    ErrorCode::TimestampExpired,
    ErrorCode::NonceIllegal,
    ErrorCode::InvalidApiKey,
    ErrorCode::SignatureError,
    ErrorCode::SecretKeyEmpty,
    ErrorCode::CalculateSignatureError,
    ErrorCode::EnterpriseNotFound,
];

/// Groups of operations, by the first part of their path.
const TAGS: &[(&str, &str)] = &[
    ("card-order", "Orders of cards, until they SUCCEED or are FAILED."),
    ("card", "Cards, their data, PINs and limits."),
    ("card-redirect", "Links to hosted pages."),
    ("3ds-challenge", "Purchases that the cardholder has to confirm."),
    ("customer", "Customers, and one-time passwords to them."),
    ("kyc-ticket", "Identity checks."),
    ("kyc", "Results of identity checks."),
    ("intent-ticket", "Evidence, and the upload of documents."),
    ("enterprise", "The deposit, and reconciliation files."),
    ("simulation", "Purchases played, in the sandbox only."),
    ("webhooks", "Messages from the platform to the enterprise."),
];
/// Statuses other than HTTP 200, each with its meaning.
const TRANSPORT: SharedAnswers = SharedAnswers {
    prefix: "Transport",
    statuses: &[
        ("400", "The body broke off."),
        ("408", "The body did not arrive within 10 seconds."),
        ("413", "The body is larger than 64 KiB."),
        ("415", "The body is not `application/json`."),
        (
            "429",
            "The API key's allowance is used up: see `X-RateLimit-Remaining` (weight left) and \
         `X-RateLimit-Reset` (seconds until it is full again).",
        ),
        ("500", "Something failed on the platform's side. Read the state before trying again."),
        ("503", "Too much waits already. Nothing was done; try again later."),
    ],
};
/// The fields that hold words of a list, besides those whose tables name one.
const USES: &[Use] = &[
    ("ApproveFlag", "approveFlag", &["AuthorisationResultData"]),
    ("AuthType", "authType", &["NoticeData"]),
    ("CardStatus", "status", &["CardBody", "CardData"]),
    ("CardStatusReason", "statusReason", &["CardBody"]),
    ("CardType", "type", &["CardBody", "CardData"]),
    ("ChallengeStatus", "status", &["ChallengeBody"]),
    ("ChallengeVerdict", "approveStatus", &["Authenticate"]),
    ("DeclineReason", "errorCode", &["FundAuthBody"]),
    ("DeclineReason", "rejectReason", &["AuthorisationResultData"]),
    ("Direction", "direction", &["NoticeData", "NoticeEssentials"]),
    ("ErrorCode", "code", &["Failure"]),
    ("ErrorCode", "errorCode", &["CardOrderBody", "KycTicketBody"]),
    ("IdentityProofSubType", "identityProofSubType", &["IdentityProof"]),
    ("IdentityProofType", "identityProofType", &["IdentityProof", "KycBody"]),
    ("IntentTicketStatus", "ticketStatus", &["IntentTicketBody"]),
    ("IntentTicketType", "ticketType", &["CreateIntentTicket", "IntentTicketBody"]),
    ("KycTicketStatus", "kycStatus", &["KycBody"]),
    ("KycTicketStatus", "status", &["KycTicketBody"]),
    ("KycTicketType", "type", &["KycTicketBody"]),
    ("OrderStatus", "status", &["CardOrderBody"]),
    ("OrderType", "type", &["CardOrderBody"]),
    ("OtpChannel", "channel", &["SendOtp"]),
    ("OtpDeliveryStatus", "status", &["OtpDeliveryBody"]),
    ("ResponseCode", "responseCode", &["NoticeAnswer"]),
    ("TransactionType", "transactionType", &["NoticeData"]),
];

/// The document of these routes.
pub(crate) fn document(table: Vec<Route>) -> Value {
    let mut schemas = Map::new();
    schemas.insert(ENVELOPE.to_owned(), outer());
    schemas.insert(FAILURE.to_owned(), failure());
    let mut uses = BTreeSet::new();
    let mut paths = Map::new();
    for route in table {
        if let Input::Body(_, tables) = route.input {
            tables.iter().for_each(|table| gather_uses(table, &mut uses));
        }
        let method = if matches!(route.input, Input::Query(_)) { "get" } else { "post" };
        let path = route.path.to_owned();
        paths.insert(path, json!({ method: operation(route, &mut schemas) }));
    }
    let schemes = SIGNATURE.iter().map(|(scheme, header, meaning)| {
        let scheme = (*scheme).to_owned();
        (
            scheme,
            json!({ "type": "apiKey", "in": "header", "name": header, "description": meaning }),
        )
    });
    let signed = SIGNATURE.iter().map(|(scheme, ..)| ((*scheme).to_owned(), json!([])));
    let head = Head {
        title: "CardBridge open API",
        description: include_str!("openapi.md"),
        security: signed.collect(),
        security_schemes: schemes.collect(),
        local_url: "http://127.0.0.1:8080",
        tags: TAGS,
    };
    completed(head.document(paths, schemas), &uses)
}

/// A dictionary, the field that holds one of its codes, and the table of the field.
type FieldOfCodes = (&'static str, &'static str, &'static str);

/// The fields of a table, and of those in it, that hold codes of a dictionary.
fn gather_uses(table: &Table, uses: &mut BTreeSet<FieldOfCodes>) {
    for field in table.fields {
        if let Kind::Code(dictionary) = field.kind {
            uses.insert((dictionary.name, field.name, table.name));
        }
    }
    table.nested().for_each(|table| gather_uses(table, uses));
}

/// Makes each shape in the operations that has a name refer to it.
fn refer_to_named(document: &mut Value) {
    let named: Vec<_> = schemas(document)
        .iter()
        .filter(|(_, schema)| schema.get("properties").is_some())
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    refer(&mut document["paths"], &named);
}

fn refer(value: &mut Value, named: &[(String, Value)]) {
    if let Some((name, _)) = named.iter().find(|(_, schema)| schema == value) {
        *value = reference(name);
        return;
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|it| refer(it, named)),
        Value::Array(items) => items.iter_mut().for_each(|it| refer(it, named)),
        _ => {}
    }
}

/// Adds the parts beside the operations, and the words and samples in them.
fn completed(mut document: Value, uses: &BTreeSet<FieldOfCodes>) -> Value {
    refer_to_named(&mut document);
    webhooks::describe(&mut document);
    vocabulary::apply(&mut document, USES);
    for (list, field, schema) in uses {
        vocabulary::refer(&mut document, list, field, schema);
    }
    TRANSPORT.put(&mut document, |_| json!({ JSON: { "schema": reference(FAILURE) } }));
    let components = document["components"].clone();
    for (path, method, operation) in operations(&mut document) {
        let group = path.trim_start_matches("/open-api/").split('/').next().unwrap_or_default();
        operation["tags"] = json!([group]);
        TRANSPORT.refer(operation, |status| status != "415" || method != "get");
        show(operation, &components);
    }
    samples::fill(&mut document);
    document
}

/// A success and a refusal of an operation, as they travel.
fn show(operation: &mut Value, components: &Value) {
    let own = operation["x-refusals"][0].as_str().and_then(|code| code.parse().ok());
    let refusal = envelope::failure(own.unwrap_or(ErrorCode::SysIllegalParam), None);
    let refusal = serde_json::from_slice(&refusal).expect("an envelope is JSON");
    let schema = &operation["responses"]["200"]["content"][JSON]["schema"];
    let success = samples::sample(schema, components);
    show_outcomes(operation, success, Some(refusal));
}

fn operation(route: Route, schemas: &mut Map<String, Value>) -> Value {
    let id =
        route.path.trim_start_matches("/open-api/").replace("/v1/", "_").replace(['/', '-'], "_");
    let codes: Vec<_> = route.refusals.iter().map(|code| code.as_str()).collect();
    let mut operation = json!({
        "operationId": id,
        "summary": route.summary,
        "x-weight": route.weight,
        "x-refusals": codes,
        "responses": { "200": answer(route.data, &codes, schemas) },
    });
    match route.input {
        Input::Query(asked) => {
            let query = |it: &Field| parameter("query", it.name, it.is_required, it.meaning);
            operation["parameters"] = asked.iter().map(query).collect();
        }
        Input::Body(body, _) => {
            operation["requestBody"] = request_body(true, place(body, schemas));
        }
    }
    operation
}

/// The answer with HTTP 200: the success with its payload, or a failure.
fn answer(data: Described, codes: &[&str], schemas: &mut Map<String, Value>) -> Value {
    let data = place(data, schemas);
    let code = json!({ "type": "string", "enum": [SUCCESS_CODE] });
    let success = json!({ "allOf": [reference(ENVELOPE), {
        "type": "object", "properties": { "code": code, "data": data }, "required": ["data"],
    }] });
    let description = if codes.is_empty() {
        "The outcome. Failures: those of every operation.".to_owned()
    } else {
        format!("The outcome. Failures: those of every operation, and {}.", codes.join(", "))
    };
    outcome(vec![success, reference(FAILURE)], &description)
}

/// A named type goes to the components and is referred to; any other stays in place.
fn place(described: Described, schemas: &mut Map<String, Value>) -> Value {
    schemas.extend(described.schemas);
    described.schema
}

/// The keys of every answer (cardbridge-open-api.md section 2).
fn outer() -> Value {
    let nullable = |meaning: &str| json!({ "type": ["string", "null"], "description": meaning });
    json!({
        "type": "object",
        "description": "What stands round every answer.",
        "properties": {
            "code": { "type": "string", "description": "SYS_SUCCESS, or the code of a failure." },
            "message": nullable("The code's short text; null on success."),
            "messageDetail": nullable("What exactly is wrong, for people."),
            "data": {},
            "success": { "type": "boolean", "description": "Whether `code` is SYS_SUCCESS." },
        },
        "required": ["code", "message", "messageDetail", "data", "success"],
    })
}

fn failure() -> Value {
    let universal: Vec<_> = UNIVERSAL.iter().map(|code| code.as_str()).collect();
    let own = json!({ "code": { "type": "string" }, "data": { "type": "null" } });
    json!({
        "description": format!("Every operation can answer {}.", universal.join(", ")),
        "allOf": [reference(ENVELOPE), { "type": "object", "properties": own }],
    })
}
