//! The OpenAPI document of dialect 1, made from its table of routes.

use domain::ErrorCode;
use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder, Schema,
};
use wire::cardbridge::envelope::SUCCESS_CODE;

use super::operation::{Described, Input, Parameter, Route};

/// Where the document is served, without a signature.
pub(crate) const DOCUMENT_PATH: &str = "/openapi.json";

const JSON: &str = "application/json";
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

/// The document of these routes.
pub(crate) fn document(table: Vec<Route>) -> OpenApi {
    let mut components =
        ComponentsBuilder::new().schema(ENVELOPE, envelope()).schema(FAILURE, failure());
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
        .description(Some(
            "Signed JSON. Whatever reaches the application is answered with HTTP 200 and an \
             envelope; another status, with an envelope too, tells of the transport: unknown path, \
             method, body too large, media type, too many requests, or a failure of the platform.",
        ));
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
        .responses(
            ResponsesBuilder::new()
                .response("200", answer(route.data, &codes, &mut named))
                .response(
                    "default",
                    ResponseBuilder::new()
                        .description(
                            "The request did not reach the application, or the platform failed.",
                        )
                        .content(
                            JSON,
                            ContentBuilder::new().schema(Some(reference(FAILURE))).build(),
                        ),
                ),
        );
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

fn nullable_text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// The keys of every answer (cardbridge-open-api.md section 2).
fn envelope() -> ObjectBuilder {
    ["code", "message", "messageDetail", "data", "success"].into_iter().fold(
        ObjectBuilder::new()
            .property("code", text().description(Some("SYS_SUCCESS, or the code of a failure.")))
            .property("message", nullable_text())
            .property("messageDetail", nullable_text())
            .property("data", ObjectBuilder::new().schema_type(SchemaType::AnyValue))
            .property("success", ObjectBuilder::new().schema_type(Type::Boolean)),
        ObjectBuilder::required,
    )
}

fn failure() -> AllOfBuilder {
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    let universal: Vec<_> = UNIVERSAL.iter().map(|code| code.as_str()).collect();
    AllOfBuilder::new()
        .description(Some(format!("Every operation can answer {}.", universal.join(", "))))
        .item(reference(ENVELOPE))
        .item(
            ObjectBuilder::new()
                .property("code", text().enum_values(Some(codes)))
                .property("data", ObjectBuilder::new().schema_type(Type::Null)),
        )
}
