//! The answer to an unknown path or method of the public listener, in the dialect of the path, or
//! of the caller as far as that can be determined.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::response::Response;
use cardbridge_api::transport_failure;
use http::request::Parts;
use http::{StatusCode, header};
use listener::body::read_body;
use listener::shell::LoggedCode;
use vm_api::{json, vm_paths};
use wire::cardbridge::signature::API_KEY_HEADER;
use wire::vm::VmError;
use wire::vm::envelope;
use wire::vm::error_code::ErrorCodes;

static PATHS: LazyLock<Vec<&'static str>> = LazyLock::new(vm_paths);

/// Answers an unknown path.
pub async fn unknown_path(codes: ErrorCodes, request: Request) -> Response {
    refused(codes, request, StatusCode::NOT_FOUND, &VmError::UnknownPath).await
}

/// Answers an unsupported method of a path.
pub async fn wrong_method(codes: ErrorCodes, request: Request) -> Response {
    refused(codes, request, StatusCode::METHOD_NOT_ALLOWED, &VmError::WrongMethod).await
}

async fn refused(
    codes: ErrorCodes,
    request: Request,
    status: StatusCode,
    error: &VmError,
) -> Response {
    if !is_of_this_dialect(request).await {
        return transport_failure(status);
    }
    let mut response = json(envelope::failure(&codes, error));
    *response.status_mut() = status;
    response.extensions_mut().insert(LoggedCode(error.name().as_str()));
    response
}

/// Dialect 2's operations are at the root. If no path matches, a token or a `content` identifies
/// its callers, none of whom sends the key of dialect 1.
async fn is_of_this_dialect(request: Request) -> bool {
    let (parts, body) = request.into_parts();
    if PATHS.contains(&parts.uri.path()) {
        return true;
    }
    if !is_at_root(&parts) || parts.headers.contains_key(API_KEY_HEADER) {
        return false;
    }
    if parts.headers.get(header::AUTHORIZATION).is_some_and(|token| !token.is_empty()) {
        return true;
    }
    read_body(body).await.is_ok_and(|body| envelope::is_request(&body))
}

fn is_at_root(parts: &Parts) -> bool {
    let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
    !path.is_empty() && !path.contains('/')
}
