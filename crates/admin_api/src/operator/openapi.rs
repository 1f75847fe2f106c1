//! The OpenAPI document of the operator and sandbox APIs, made from their tables of routes.

use described::parts::{SharedAnswers, key_parameter, parameter, request_body};
use described::vocabulary::{self, Use};
use described::{Head, JSON, reference, samples};
use domain::Mode;
use listener::once::{KEY_NAME, MAX_KEY_BYTES};
use serde_json::{Map, Value, json};
use wire::field::Table;

use crate::fields::Strict;
use crate::paging::DEFAULT_LIMIT;
use crate::problem_codes::PROBLEM_CODES;
use crate::route::{Gives, Group, Route};

const TOKEN_SCHEME: &str = "operator_token";
const LICENSE: &str = env!("CARGO_PKG_LICENSE");
const PROBLEM: &str = "Problem";
const PROBLEM_JSON: &str = "application/problem+json";
/// Refusals by status, each with its meaning.
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
        ("504", "No peer of the link answered in time."),
    ],
};
/// Meanings of parameters whose names do not explain them.
const PARAMETERS: &[(&str, &str)] = &[
    ("limit", "Rows of a page."),
    ("parked", "must be true"),
    ("cursor", "`nextCursor` of the page before; the first page without it."),
    ("cardId", "Only of this card: its `cardId`, or the UUID of a card of the VM API."),
    ("enterpriseId", "Only of this enterprise."),
    ("authId", "Only of this authorisation."),
    ("businessId", "Only about the object of this id."),
    ("status", "Only those with this status."),
    ("from", "Only from this moment on, RFC 3339."),
    ("to", "Only before this moment, RFC 3339."),
    ("date", "The UTC+8 day, `yyyyMMdd`."),
    ("order", "`desc` (newest first, default) or `asc`"),
    ("appId", "The app's `appId`."),
    ("apiKey", "The API key."),
    ("name", "The link's name."),
    ("link", "Only of the link of this name."),
    ("mti", "Only of this type, four digits."),
    ("acquirer", "Only of this acquirer (DE32), leading zeros aside."),
    ("stan", "Only with this STAN (DE11)."),
    ("rrn", "Only with this RRN (DE37)."),
    ("delivery", "Only those whose answer this became of: a word of `delivery`."),
    ("unposted", "`true`: only facts that moved no money and that an operator has to look at."),
    ("objectKey", "The key that the upload address came with."),
];
/// Calls that ask the peers of a link.
const MANAGEMENT: [&str; 5] = ["/sign-on", "/sign-off", "/echo", "/cut-over", "/key-request"];
const KEY: &str = "The same request with the same key again gets the first answer again, and \
    nothing happens twice.";
/// Lists of words, and the fields that hold a word of each.
const USES: &[Use] = &[
    ("AnyWebhookType", "webhookType", &["DeliveryBody"]),
    ("AuthType", "authType", &["AuthorisationBody", "ReceiptRequest"]),
    ("AuthorisationStatus", "status", &["AuthorisationBody"]),
    ("CardStatus", "status", &["CardBody"]),
    ("CardStatusReason", "statusReason", &["CardBody"]),
    ("CardType", "type", &["CardBody"]),
    ("DeclineReason", "reason", &["AuthorisationBody"]),
    ("DeclineReason", "rejectReason", &["ReceiptOutcome"]),
    ("DeliveryStatus", "status", &["DeliveryBody"]),
    (
        "Direction",
        "direction",
        &["AuthorisationBody", "ReceiptRequest", "TotalBody", "TransactionBody"],
    ),
    ("ExtractionOutcome", "outcome", &["ExtractionAttemptBody"]),
    ("HoldState", "holdState", &["AuthorisationBody"]),
    ("IntentTicketStatus", "ticketStatus", &["IntentTicketBody"]),
    ("IntentTicketType", "ticketType", &["IntentTicketBody"]),
    ("KycTicketStatus", "status", &["KycTicketBody"]),
    ("KycTicketType", "type", &["KycTicketBody"]),
    (
        "ResponseCode",
        "responseCode",
        &["AuthorisationBody", "LateAnswerBody", "ReceiptAnswer", "ReceiptOutcome"],
    ),
    ("RevealPurpose", "purpose", &["RevealBody"]),
    ("RsaHash", "rsaHash", &["EnterpriseBody", "EnterpriseChange", "ReceiptNotice"]),
    ("RsaPadding", "rsaPadding", &["EnterpriseBody", "EnterpriseChange", "ReceiptNotice"]),
    ("RsaSignedBytes", "rsaSignedBytes", &["EnterpriseBody", "EnterpriseChange", "ReceiptNotice"]),
    ("SettlementFileType", "fileType", &["ClosedFileBody", "FailedFileBody", "FileReportBody"]),
    ("TransactionType", "transactionType", &["AuthorisationBody", "ReceiptRequest"]),
    ("VmFunding", "funding", &["NewVmProduct", "VmProductBody"]),
    ("WebhookSubType", "webhookSubType", &["DeliveryBody"]),
];
/// The same for the sandbox's own operations.
const SANDBOX_USES: &[Use] = &[
    ("AuthType", "authType", &["NewAuthorisation"]),
    ("ChallengeStatus", "status", &["SandboxChallengeBody"]),
    ("DeclineReason", "reason", &["AnswerBody"]),
    ("Direction", "direction", &["RefundBody"]),
    ("ResponseCode", "responseCode", &["AnswerBody"]),
    ("TransactionType", "transactionType", &["NewAuthorisation"]),
];

/// The document of the groups that a mode has.
pub(super) fn document(groups: Vec<Group>, mode: Mode) -> Value {
    let tags: Vec<_> = groups.iter().map(|group| (group.tag, group.meaning)).collect();
    let (mut paths, mut named) = (Map::new(), Map::new());
    for group in groups {
        for route in group.routes {
            let (path, method) = (route.path.replace("{*", "{"), route.method.to_lowercase());
            let path = paths.entry(path).or_insert_with(|| json!({}));
            path[method] = operation(route, group.tag, &mut named);
        }
    }
    named.insert(PROBLEM.to_owned(), problem());
    let head = Head {
        title: "CardBridge operator and sandbox API",
        description: include_str!("openapi.md"),
        security: json!({ TOKEN_SCHEME: [] }),
        security_schemes: json!({ TOKEN_SCHEME: { "type": "http", "scheme": "bearer" } }),
        local_url: "http://127.0.0.1:8081",
        tags: &tags,
    };
    let mut document = head.document(paths, named);
    document["info"]["license"] = json!({ "name": LICENSE, "identifier": LICENSE });
    vocabulary::apply(&mut document, USES);
    if mode == Mode::Sandbox {
        vocabulary::apply(&mut document, SANDBOX_USES);
    }
    REFUSALS.put(&mut document, refusal);
    samples::fill(&mut document);
    document
}

/// An operation; the schemas that it names go to the others.
fn operation(route: Route, tag: &str, named: &mut Map<String, Value>) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "tags": [tag],
        "summary": route.summary,
        "responses": success(route.gives, route.summary, named),
    });
    if let Some(table) = &route.takes {
        operation["requestBody"] = body(table, route.method);
        table.describe::<Strict>(named);
    }
    let mut parameters: Vec<_> =
        variables(route.path).map(|it| described(it, "path", route.path)).collect();
    parameters.extend(route.asks.iter().map(|name| described(name, "query", route.path)));
    let (is_writing, has_body) = (route.method != "GET", route.takes.is_some());
    REFUSALS.refer(&mut operation, |status| match status {
        "400" | "422" => has_body || !parameters.is_empty() || route.method == "POST",
        "404" => route.path.contains('{') || has_body,
        "409" => is_writing,
        "408" | "413" => has_body,
        "502" => is_writing && route.path.ends_with("/api-keys"),
        "504" => MANAGEMENT.iter().any(|it| route.path.ends_with(it)),
        _ => true,
    });
    if route.method == "POST" {
        parameters.push(key_parameter(KEY_NAME, MAX_KEY_BYTES, KEY));
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    operation
}

/// The answer to an operation that was carried out.
fn success(gives: Gives, summary: &str, named: &mut Map<String, Value>) -> Value {
    match gives {
        Gives::Nothing => json!({ "204": { "description": summary } }),
        Gives::Object(object) => {
            let meaning = object.schemas[&object.name]["description"].clone();
            named.extend(object.schemas);
            let content = json!({ JSON: { "schema": object.schema } });
            json!({ "200": { "description": meaning, "content": content } })
        }
        Gives::File => {
            let bytes = json!({
                "type": "array",
                "items": { "type": "integer", "format": "int32", "minimum": 0 },
            });
            let content = json!({ "application/octet-stream": { "schema": bytes } });
            let elsewhere = "The document is in the bucket that `Location` names.";
            json!({
                "200": { "description": summary, "content": content },
                "307": { "description": elsewhere },
            })
        }
    }
}

/// A request's body. It may be left out if no field is required, but not from a PATCH, which would
/// then change nothing.
fn body(table: &Table, method: &str) -> Value {
    if table.asks_for_something() || method == "PATCH" {
        return request_body(true, reference(table.name));
    }
    let schema = json!({ "oneOf": [reference(table.name), { "type": "null" }] });
    json!({ "content": { JSON: { "schema": schema } } })
}

/// The content of a refusal with this status.
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
                "description": "The id of the object it is about, if there is one.",
            },
        },
    })
}

/// The names of a path's variable parts.
fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|it| it.trim_start_matches('*').split('}').next())
}

/// A parameter of this path.
fn described(name: &str, place: &str, path: &str) -> Value {
    let is_required = place == "path" || ["date", "parked"].contains(&name);
    let mut parameter = parameter(place, name, is_required, &meaning(name, path));
    match name {
        "limit" => {
            parameter["schema"] = json!({
                "type": "integer", "minimum": 1, "maximum": store::MAX_PAGE_ROWS,
                "default": DEFAULT_LIMIT,
            });
        }
        "parked" => parameter["schema"] = json!({ "type": "boolean" }),
        "status" => parameter["schema"] = reference("DeliveryStatus"),
        _ => {}
    }
    parameter
}

fn meaning(name: &str, path: &str) -> String {
    match name {
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
