//! API keys: handed out, revoked.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::PathText;
use super::enterprises::enterprise_of;
use super::idempotency::BearsSecret;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::provision;
use crate::request_bodies::NewApiKeyRequest;
use crate::state::ApiState;

/// A new API key; its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApiKeyBody<'a> {
    api_key: &'a str,
    secret_key: &'a str,
}

/// Adds an API key.
#[utoipa::path(post, path = "/admin/v1/enterprises/{id}/api-keys", operation_id = "create_api_key", tag = "enterprises",
    params(("id" = String, Path)), request_body = Option<NewApiKeyRequest>,
    responses((status = 200, body = NewApiKeyBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Response, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let fields = Fields::parse(&body, NewApiKeyRequest::FIELDS)?;
    for name in NewApiKeyRequest::FIELDS {
        if fields.text(name)?.is_some() {
            return Err(fields.wrong(name, "is not available yet: leave it out"));
        }
    }
    let key = provision::create_api_key(&state.store, &state.vault, id).await?;
    let body = NewApiKeyBody { api_key: &key.api_key, secret_key: key.secret.expose() };
    let mut response = Json(body).into_response();
    response.extensions_mut().insert(BearsSecret);
    Ok(response)
}

/// Revokes an API key at once.
#[utoipa::path(delete, path = "/admin/v1/enterprises/{id}/api-keys/{apiKey}", tag = "enterprises",
    params(("id" = String, Path), ("apiKey" = String, Path)), responses((status = 204)))]
pub(crate) async fn revoke(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((id, api_key)) = path.map_err(|_| Problem::not_found("API key"))?;
    let enterprise = enterprise_of(&state, &PathText(id)).await?;
    if state.store.revoke_api_key(enterprise.enterprise_id, &api_key).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("API key"))
    }
}
