//! What the description of the operator and sandbox APIs gets beside what stands at their
//! handlers: refusals, the words of its fields, samples.

use described::parts::{SharedAnswers, key_parameter};
use described::vocabulary::{self, Use};
use described::{self, JSON, operations, reference, samples, schemas};
use domain::Mode;
use listener::once::{KEY_NAME, MAX_KEY_BYTES};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::fields::Strict;
use crate::paging::DEFAULT_LIMIT;
use crate::problem_codes::PROBLEM_CODES;
use crate::request_bodies::BODIES;

const PROBLEM: &str = "Problem";
const PROBLEM_JSON: &str = "application/problem+json";
const TAGS: &[(&str, &str)] = &[
    ("enterprises", "Enterprises, their settings, API keys and deposits."),
    ("cards", "Card profiles, cards and their plastic."),
    ("authorisations", "Authorisations with their receipts, transactions and bills."),
    ("webhooks", "Webhooks and the tries to deliver them."),
    ("tickets", "Decisions about identity checks and evidence."),
    ("vm-apps", "Apps of the VM API."),
    ("ledger", "Accounts, and the proof that they add up."),
    ("recon", "Reconciliation files."),
    ("fx-rates", "The table of exchange rates."),
    ("files", "Uploaded documents."),
    ("jobs", "Work in the background that was given up."),
    (
        "sandbox",
        "The card network, the shopper, the reviewer and time, played on demand; in production \
         these paths do not exist.",
    ),
];
/// Refusals by status, each with what it tells of.
const REFUSALS: SharedAnswers = SharedAnswers {
    prefix: "Refusal",
    statuses: &[
        (
            "400",
            "The request cannot be read: it is no JSON, or a header or the query is ill-formed.",
        ),
        ("401", "The bearer token is missing or wrong."),
        ("404", "There is no such object."),
        ("408", "The body did not arrive in time."),
        ("409", "The state of things does not allow it; `code` tells what is in the way."),
        ("413", "The body is larger than 64 KiB."),
        ("422", "A value is wrong or missing; `detail` names its field."),
        ("500", "Something failed on the platform's side; its log tells what."),
        ("502", "The mail server did not take the mail; nothing was done."),
        ("503", "Too much waits already; try again later."),
    ],
};
/// What parameters mean that say nothing themselves.
const PARAMETERS: &[(&str, &str)] = &[
    ("cursor", "`nextCursor` of the page before; the first page without it."),
    ("cardId", "Only of this card: its `cardId`, or the UUID of a card of the VM API."),
    ("enterpriseId", "Only of this enterprise."),
    ("authId", "Only of this authorisation."),
    ("businessId", "Only about the object of this id."),
    ("status", "Only those that stand like this."),
    ("from", "Only from this moment on, RFC 3339."),
    ("to", "Only before this moment, RFC 3339."),
    ("date", "The UTC+8 day, `yyyyMMdd`."),
    ("order", "`desc` (newest first, default) or `asc`"),
    ("appId", "The app's `appId`."),
    ("apiKey", "The API key."),
    ("objectKey", "The key that the upload address came with."),
];
const KEY: &str = "The same request with the same key again gets the first answer again, and \
    nothing happens twice.";
const USES: &[Use] = &[
    ("AnswerBody", "responseCode", "ResponseCode"),
    ("AnswerBody", "reason", "DeclineReason"),
    ("AuthorisationBody", "direction", "Direction"),
    ("AuthorisationBody", "authType", "AuthType"),
    ("AuthorisationBody", "transactionType", "TransactionType"),
    ("AuthorisationBody", "status", "AuthorisationStatus"),
    ("AuthorisationBody", "responseCode", "ResponseCode"),
    ("AuthorisationBody", "reason", "DeclineReason"),
    ("AuthorisationBody", "holdState", "HoldState"),
    ("CardBody", "type", "CardType"),
    ("CardBody", "status", "CardStatus"),
    ("CardBody", "statusReason", "CardStatusReason"),
    ("ClosedFileBody", "fileType", "SettlementFileType"),
    ("FailedFileBody", "fileType", "SettlementFileType"),
    ("FileReportBody", "fileType", "SettlementFileType"),
    ("DeliveryBody", "webhookType", "AnyWebhookType"),
    ("DeliveryBody", "webhookSubType", "WebhookSubType"),
    ("DeliveryBody", "status", "DeliveryStatus"),
    ("EnterpriseBody", "rsaPadding", "RsaPadding"),
    ("EnterpriseChange", "rsaPadding", "RsaPadding"),
    ("EnterpriseBody", "rsaHash", "RsaHash"),
    ("EnterpriseChange", "rsaHash", "RsaHash"),
    ("EnterpriseBody", "rsaSignedBytes", "RsaSignedBytes"),
    ("EnterpriseChange", "rsaSignedBytes", "RsaSignedBytes"),
    ("ExtractionAttemptBody", "outcome", "ExtractionOutcome"),
    ("IntentTicketBody", "ticketType", "IntentTicketType"),
    ("IntentTicketBody", "ticketStatus", "IntentTicketStatus"),
    ("KycTicketBody", "type", "KycTicketType"),
    ("KycTicketBody", "status", "KycTicketStatus"),
    ("LateAnswerBody", "responseCode", "ResponseCode"),
    ("NewAuthorisation", "transactionType", "TransactionType"),
    ("NewAuthorisation", "authType", "AuthType"),
    ("NewVmProduct", "funding", "VmFunding"),
    ("ReceiptAnswer", "responseCode", "ResponseCode"),
    ("ReceiptNotice", "rsaHash", "RsaHash"),
    ("ReceiptNotice", "rsaPadding", "RsaPadding"),
    ("ReceiptNotice", "rsaSignedBytes", "RsaSignedBytes"),
    ("ReceiptOutcome", "rejectReason", "DeclineReason"),
    ("ReceiptOutcome", "responseCode", "ResponseCode"),
    ("ReceiptRequest", "authType", "AuthType"),
    ("ReceiptRequest", "direction", "Direction"),
    ("ReceiptRequest", "transactionType", "TransactionType"),
    ("RefundBody", "direction", "Direction"),
    ("RevealBody", "purpose", "RevealPurpose"),
    ("SandboxChallengeBody", "status", "ChallengeStatus"),
    ("TotalBody", "direction", "Direction"),
    ("TransactionBody", "direction", "Direction"),
    ("VmProductBody", "funding", "VmFunding"),
];

/// The whole document of what the handlers of a mode tell of themselves.
pub(super) fn document(told: &OpenApi, mode: Mode) -> Value {
    let mut document = serde_json::to_value(told).expect("a description is JSON");
    document["servers"] = described::servers("http://127.0.0.1:8081");
    bodies(&mut document);
    refer_to_items(&mut document);
    described::refer_to_named(&mut document);
    let mut uses = USES.to_vec();
    if mode == Mode::Production {
        // What only the sandbox takes and gives is not there.
        let named = schemas(&mut document);
        uses.retain(|(schema, ..)| named.contains_key(*schema));
    }
    vocabulary::apply(&mut document, &uses);
    schemas(&mut document).insert(PROBLEM.to_owned(), problem());
    REFUSALS.put(&mut document, refusal);
    let named = schemas(&mut document).clone();
    let mut used = Vec::new();
    for (path, method, operation) in operations(&mut document) {
        used.push(operation["tags"][0].clone());
        answers(operation, &named);
        refuse(operation, &path, &method);
        parameters(operation, &path, &method);
    }
    let tags: Vec<_> =
        TAGS.iter().filter(|(name, _)| used.contains(&json!(name))).copied().collect();
    document["tags"] = described::tags(&tags);
    samples::fill(&mut document);
    document
}

/// Puts the tables of the bodies into the document, which handlers name as `ref("NAME")`. Where
/// nothing must be in a body, it may be left out; a change without a body would change nothing.
fn bodies(document: &mut Value) {
    let mut used = Vec::new();
    for (_, method, operation) in operations(document) {
        let Some(body) = operation.get_mut("requestBody") else { continue };
        let schema = &mut body["content"][JSON]["schema"];
        let table = BODIES.iter().find(|table| schema["$ref"] == table.name);
        let table = table.unwrap_or_else(|| panic!("no table {}", schema["$ref"]));
        used.push(table);
        *schema = reference(table.name);
        if table.asks_for_something() || method == "patch" {
            body["required"] = json!(true);
        } else {
            *schema = json!({ "oneOf": [schema.take(), { "type": "null" }] });
        }
    }
    used.into_iter().for_each(|table| table.describe::<Strict>(schemas(document)));
}

/// A page's rows stand in the document under their own name, once.
fn refer_to_items(document: &mut Value) {
    let schemas = schemas(document);
    let pages: Vec<String> =
        schemas.keys().filter(|name| name.starts_with("Page_")).cloned().collect();
    for page in pages {
        let row = page.trim_start_matches("Page_").to_owned();
        let items = schemas[&page]["properties"]["items"]["items"].take();
        if !items["$ref"].is_string() {
            schemas.entry(row.clone()).or_insert(items);
        }
        schemas[&page]["properties"]["items"]["items"] = reference(&row);
    }
}

/// Says of each success what its body is.
fn answers(operation: &mut Value, named: &serde_json::Map<String, Value>) {
    let summary = operation["summary"].as_str().unwrap_or_default().to_owned();
    let responses = operation["responses"].as_object_mut().into_iter().flatten();
    for (_, response) in responses {
        if response["description"].as_str().is_some_and(|told| !told.is_empty()) {
            continue;
        }
        let body = response.pointer("/content/application~1json/schema/$ref");
        let name = body.and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
        let told = name.and_then(|name| named.get(name)).and_then(|it| it["description"].as_str());
        response["description"] = json!(told.unwrap_or(&summary));
    }
}

fn refuse(operation: &mut Value, path: &str, method: &str) {
    let is_writing = method != "get";
    let has_body = operation.get("requestBody").is_some();
    let has_query = operation["parameters"].as_array().is_some_and(|it| !it.is_empty());
    REFUSALS.refer(operation, |status| match status {
        "400" | "422" => has_body || has_query || method == "post",
        "404" => path.contains('{') || has_body,
        "409" => is_writing,
        "408" | "413" => has_body,
        "502" => is_writing && path.ends_with("/api-keys"),
        _ => true,
    });
}

/// What a refusal with this status carries.
fn refusal(status: &str) -> Value {
    let code = PROBLEM_CODES.iter().find(|it| it.status.to_string() == status);
    let example = code.map(|it| it.sample());
    json!({ PROBLEM_JSON: { "schema": reference(PROBLEM), "example": example } })
}

/// A refusal, as RFC 9457 has it.
fn problem() -> Value {
    let mut told = "A stable word for programs.".to_owned();
    for code in PROBLEM_CODES {
        told.push_str(&format!("\n- `{}` ({}): {}", code.code, code.status, code.meaning));
    }
    let codes: Vec<_> = PROBLEM_CODES.iter().map(|it| it.code).collect();
    json!({
        "type": "object",
        "description": "Why a request was not served.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string", "description": "`urn:cardbridge:problem:` and the code." },
            "title": { "type": "string", "description": "The name of the status." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "code": { "type": "string", "description": told, "enum": codes },
            "detail": {
                "type": "string",
                "description": "For people: names the field, never its value.",
            },
            "objectId": {
                "type": "string",
                "description": "What it is about, where one object is.",
            },
        },
    })
}

fn parameters(operation: &mut Value, path: &str, method: &str) {
    let mut list = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut list {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if parameter["description"].as_str().is_none_or(str::is_empty) {
            parameter["description"] = json!(meaning(&name, path));
        }
        match name.as_str() {
            "limit" => {
                parameter["schema"] = json!({
                    "type": "integer", "minimum": 1, "maximum": store::MAX_PAGE_ROWS,
                    "default": DEFAULT_LIMIT,
                });
            }
            "status" if path.contains("webhook") => {
                parameter["schema"] = reference("DeliveryStatus");
            }
            _ => {}
        }
    }
    if method == "post" {
        list.push(key_parameter(KEY_NAME, MAX_KEY_BYTES, KEY));
    }
    if !list.is_empty() {
        operation["parameters"] = json!(list);
    }
}

fn meaning(name: &str, path: &str) -> String {
    match name {
        "limit" => "Rows of a page.".to_owned(),
        "id" => {
            let before = path.split("/{id}").next().unwrap_or_default();
            let noun = before.rsplit('/').next().unwrap_or_default().trim_end_matches('s');
            format!("Id of the {}.", noun.replace('-', " "))
        }
        _ => {
            let known = PARAMETERS.iter().find(|(known, _)| *known == name);
            known.map_or_else(String::new, |(_, meaning)| (*meaning).to_owned())
        }
    }
}
