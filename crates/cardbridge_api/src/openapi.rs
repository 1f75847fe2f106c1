//! The OpenAPI document of dialect 1, made from its table of routes.

use described::vocabulary::{self, Use};
use described::{self, JSON, operations, samples};
use domain::ErrorCode;
use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder, Schema,
};
use wire::cardbridge::envelope::{self, SUCCESS_CODE};

use super::operation::{Described, Input, Parameter, Route};
use super::webhooks;

/// Where the document is served, without a signature.
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

/// What belongs together, by the first part of its path.
const TAGS: &[(&str, &str)] = &[
    ("card-order", "Orders of cards, on their road to SUCCEED or FAILED."),
    ("card", "Cards, their data, PINs and limits."),
    ("card-redirect", "Links to hosted pages."),
    ("3ds-challenge", "Purchases that the cardholder has to confirm."),
    ("customer", "Customers, and one-time passwords to them."),
    ("kyc-ticket", "Identity checks."),
    ("kyc", "What identity checks came to."),
    ("intent-ticket", "Evidence, and the upload of documents."),
    ("enterprise", "The deposit, and reconciliation files."),
    ("simulation", "Purchases played, in the sandbox only."),
    ("webhooks", "What the platform sends to the enterprise."),
];
/// Statuses of what did not come to an answer with HTTP 200, each with what it tells of.
const STATUSES: &[(&str, &str)] = &[
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
];
/// The fields that hold words of a list.
const USES: &[Use] = &[
    ("AddressProof", "addressProofType", "PoaDocType"),
    ("Authenticate", "approveStatus", "ChallengeVerdict"),
    ("AuthorisationResultData", "approveFlag", "ApproveFlag"),
    ("AuthorisationResultData", "rejectReason", "DeclineReason"),
    ("CardBody", "type", "CardType"),
    ("CardBody", "status", "CardStatus"),
    ("CardBody", "statusReason", "CardStatusReason"),
    ("CardData", "type", "CardType"),
    ("CardData", "status", "CardStatus"),
    ("CardOrderBody", "type", "OrderType"),
    ("CardOrderBody", "status", "OrderStatus"),
    ("CardOrderBody", "errorCode", "ErrorCode"),
    ("ChallengeBody", "status", "ChallengeStatus"),
    ("CreateIntentTicket", "ticketType", "IntentTicketType"),
    ("Failure", "code", "ErrorCode"),
    ("Freeze", "freezeReason", "FreezeReason"),
    ("FundAuthBody", "errorCode", "DeclineReason"),
    ("IdentityProof", "identityProofType", "IdentityProofType"),
    ("IdentityProof", "identityProofSubType", "IdentityProofSubType"),
    ("IntentTicketBody", "ticketType", "IntentTicketType"),
    ("IntentTicketBody", "ticketStatus", "IntentTicketStatus"),
    ("KycBody", "kycStatus", "KycTicketStatus"),
    ("KycBody", "identityProofType", "IdentityProofType"),
    ("KycCareerInfo", "employmentStatus", "EmploymentStatus"),
    ("KycCareerInfo", "employmentJobIndustry", "EmploymentJobIndustry"),
    ("KycCareerInfo", "occupation", "Occupation"),
    ("KycCareerInfo", "jobSeniority", "JobSeniority"),
    ("KycCareerInfo", "purposeOfAccount", "PurposeOfAccount"),
    ("KycCareerInfo", "sourceOfFunds", "SourceOfFunds"),
    ("KycCareerInfo", "sourceOfWealth", "SourceOfWealth"),
    ("KycInfo", "poaDocType", "PoaDocType"),
    ("KycInfo", "employmentStatus", "EmploymentStatus"),
    ("KycInfo", "employmentJobIndustry", "EmploymentJobIndustry"),
    ("KycInfo", "occupation", "Occupation"),
    ("KycInfo", "jobSeniority", "JobSeniority"),
    ("KycInfo", "purposeOfAccount", "PurposeOfAccount"),
    ("KycInfo", "sourceOfFunds", "SourceOfFunds"),
    ("KycInfo", "sourceOfWealth", "SourceOfWealth"),
    ("KycTicketBody", "type", "KycTicketType"),
    ("KycTicketBody", "status", "KycTicketStatus"),
    ("KycTicketBody", "errorCode", "ErrorCode"),
    ("NoticeData", "direction", "Direction"),
    ("NoticeData", "authType", "AuthType"),
    ("NoticeData", "transactionType", "TransactionType"),
    ("NoticeAnswer", "responseCode", "ResponseCode"),
    ("NoticeEssentials", "direction", "Direction"),
    ("OtpDeliveryBody", "status", "OtpDeliveryStatus"),
    ("Terminate", "invalidateReason", "InvalidateReason"),
];

/// The document of these routes.
pub(crate) fn document(table: Vec<Route>) -> Value {
    let document = serde_json::to_value(of_routes(table)).expect("a description is JSON");
    completed(document)
}

/// What stands beside the operations, and the words and samples in them.
fn completed(mut document: Value) -> Value {
    document["servers"] = described::servers("http://127.0.0.1:8080");
    document["tags"] = described::tags(TAGS);
    described::refer_to_named(&mut document);
    webhooks::describe(&mut document);
    vocabulary::apply(&mut document, USES);
    let statuses = STATUSES.iter().map(|(status, meaning)| {
        let content = json!({ JSON: { "schema": described::reference(FAILURE) } });
        (status_name(status), json!({ "description": meaning, "content": content }))
    });
    document["components"]["responses"] = Value::Object(statuses.collect());
    let components = document["components"].clone();
    for (path, method, operation) in operations(&mut document) {
        let group = path.trim_start_matches("/open-api/").split('/').next().unwrap_or_default();
        operation["tags"] = json!([group]);
        let sending = STATUSES.iter().filter(|(status, _)| *status != "415" || method != "get");
        for (status, _) in sending {
            operation["responses"][status] =
                json!({ "$ref": format!("#/components/responses/{}", status_name(status)) });
        }
        show(operation, &components);
    }
    samples::fill(&mut document);
    document
}

fn status_name(status: &str) -> String {
    format!("Transport{status}")
}

/// A success and a refusal of an operation, as they travel.
fn show(operation: &mut Value, components: &Value) {
    let own = operation["x-refusals"][0].as_str().and_then(|code| code.parse().ok());
    let refusal = envelope::failure(own.unwrap_or(ErrorCode::SysIllegalParam), None);
    let refusal: Value = serde_json::from_slice(&refusal).expect("an envelope is JSON");
    let media = &mut operation["responses"]["200"]["content"][JSON];
    let success = samples::sample(&media["schema"], components);
    media["examples"] = json!({
        "success": { "summary": "A success", "value": success },
        "refusal": { "summary": "A refusal", "value": refusal },
    });
}

fn of_routes(table: Vec<Route>) -> OpenApi {
    let mut components =
        ComponentsBuilder::new().schema(ENVELOPE, outer()).schema(FAILURE, failure());
    for (scheme, header, meaning) in SIGNATURE {
        let value = ApiKeyValue::with_description(header, meaning);
        components =
            components.security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Header(value)));
    }
    let mut paths = PathsBuilder::new();
    for route in table {
        let (path, weight) = (route.path, route.weight);
        let (method, operation, described) = operation(route, weight);
        for (name, schema) in described {
            components = components.schema(name, schema);
        }
        paths = paths.path(path, PathItem::new(method, operation));
    }
    let info = InfoBuilder::new()
        .title("CardBridge open API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("openapi.md")));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some([signed()]))
        .build()
}

fn signed() -> SecurityRequirement {
    let mut requirement = SecurityRequirement::default();
    for (scheme, ..) in SIGNATURE {
        requirement = requirement.add::<_, [&str; 0], &str>(scheme, []);
    }
    requirement
}

type Named = Vec<(String, RefOr<Schema>)>;

fn operation(route: Route, weight: u64) -> (HttpMethod, Operation, Named) {
    let mut named = Named::new();
    let id =
        route.path.trim_start_matches("/open-api/").replace("/v1/", "_").replace(['/', '-'], "_");
    let codes: Vec<_> = route.refusals.iter().map(|code| code.as_str()).collect();
    let extensions =
        ExtensionsBuilder::new().add("x-weight", json!(weight)).add("x-refusals", json!(codes));
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(route.summary))
        .extensions(Some(extensions.build()))
        .responses(ResponsesBuilder::new().response("200", answer(route.data, &codes, &mut named)));
    let method = match route.input {
        Input::Query(parameters) => {
            for parameter in parameters {
                operation = operation.parameter(query_parameter(parameter));
            }
            HttpMethod::Get
        }
        Input::Body(body) => {
            let content = ContentBuilder::new().schema(Some(place(*body, &mut named))).build();
            let body =
                RequestBodyBuilder::new().required(Some(Required::True)).content(JSON, content);
            operation = operation.request_body(Some(body.build()));
            HttpMethod::Post
        }
    };
    (method, operation.build(), named)
}

fn query_parameter(parameter: Parameter) -> ParameterBuilder {
    let required = if parameter.is_required { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(parameter.meaning))
        .schema(Some(text()))
}

/// The answer with HTTP 200: the success with its payload, or a failure.
fn answer(data: Option<Described>, codes: &[&str], named: &mut Named) -> ResponseBuilder {
    let data = data.map_or_else(|| text().into(), |data| place(data, named));
    let success = AllOfBuilder::new().item(reference(ENVELOPE)).item(
        ObjectBuilder::new()
            .property("code", text().enum_values(Some([SUCCESS_CODE])))
            .property("data", data)
            .required("data"),
    );
    let schema = OneOfBuilder::new().item(success).item(reference(FAILURE));
    let description = if codes.is_empty() {
        "The outcome. Failures: those of every operation.".to_owned()
    } else {
        format!("The outcome. Failures: those of every operation, and {}.", codes.join(", "))
    };
    ResponseBuilder::new()
        .description(description)
        .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
}

/// A named type goes to the components and is referred to; another stands where it is.
fn place(described: Described, named: &mut Named) -> RefOr<Schema> {
    named.extend(described.inner);
    match described.name {
        Some(name) => {
            let reference = reference(&name);
            named.push((name, described.schema));
            reference.into()
        }
        None => described.schema,
    }
}

fn reference(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn nullable_text(meaning: &str) -> ObjectBuilder {
    let types = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(types).description(Some(meaning))
}

/// The keys of every answer (cardbridge-open-api.md section 2).
fn outer() -> ObjectBuilder {
    ["code", "message", "messageDetail", "data", "success"].into_iter().fold(
        ObjectBuilder::new()
            .description(Some("What stands round every answer."))
            .property("code", text().description(Some("SYS_SUCCESS, or the code of a failure.")))
            .property("message", nullable_text("The code's short text; null on success."))
            .property("messageDetail", nullable_text("What exactly is wrong, for people."))
            .property("data", ObjectBuilder::new().schema_type(SchemaType::AnyValue))
            .property(
                "success",
                ObjectBuilder::new()
                    .schema_type(Type::Boolean)
                    .description(Some("Whether `code` is SYS_SUCCESS.")),
            ),
        ObjectBuilder::required,
    )
}

fn failure() -> AllOfBuilder {
    let universal: Vec<_> = UNIVERSAL.iter().map(|code| code.as_str()).collect();
    AllOfBuilder::new()
        .description(Some(format!("Every operation can answer {}.", universal.join(", "))))
        .item(reference(ENVELOPE))
        .item(
            ObjectBuilder::new()
                .property("code", text())
                .property("data", ObjectBuilder::new().schema_type(Type::Null)),
        )
}
