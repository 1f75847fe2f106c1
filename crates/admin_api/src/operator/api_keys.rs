//! API keys: handed out, listed, revoked.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::{ApiKey, Mode};
use http::StatusCode;
use listener::once::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::PathText;
use super::enterprise_body::ApiKeyBody;
use super::enterprises::enterprise_of;
use super::idempotency::already_done;
use super::key_extraction::{self, KeyExtractionBody, Recipient};
use crate::fields::Fields;
use crate::paging::ListQuery;
use crate::problem::Problem;
use crate::request_bodies::NEW_API_KEY_REQUEST;
use crate::state::ApiState;

/// The API keys of an enterprise.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeysBody {
    /// Newest first; oldest first with `order=asc`.
    items: Vec<ApiKeyBody>,
}

/// What a new API key's owner or operator gets: one or the other.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum HandedOverBody<'a> {
    /// The key itself.
    Here(NewApiKeyBody<'a>),
    /// Word of the mail.
    ByMail(KeyExtractionBody),
}

/// A new API key; its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApiKeyBody<'a> {
    api_key: &'a str,
    secret_key: &'a str,
}

/// Adds an API key: in the answer (sandbox only), or by a one-time extraction, of which the
/// mailbox gets the code; that answer has no secret.
#[utoipa::path(post, path = "/admin/v1/enterprises/{id}/api-keys", operation_id = "create_api_key",
    tag = "enterprises",
    params(("id" = String, Path)), request_body = ref("NewApiKeyRequest"),
    responses((status = 200, body = HandedOverBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Response, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let fields = Fields::parse_as(&NEW_API_KEY_REQUEST, &body)?;
    if let Some(recipient) = Recipient::read(&fields)? {
        let started = key_extraction::start(&state, id, recipient, &once).await?;
        return Ok(Json(HandedOverBody::ByMail(started)).into_response());
    }
    if state.settings.mode == Mode::Production {
        return Err(Problem::invalid(
            "email and sourceIp are required in production, where no secret is handed over here",
        ));
    }
    let made = provision::create_api_key(&state.store, &state.vault, id);
    let key = once.leaving(|key: &ApiKey| already_done(&key.api_key), made).await?;
    let body = NewApiKeyBody { api_key: &key.api_key, secret_key: key.secret.expose() };
    Ok(Json(HandedOverBody::Here(body)).into_response())
}

#[doc = "Every API key of an enterprise, newest first unless asked otherwise, revoked ones too. \
    No secret is in it."]
#[utoipa::path(get, path = "/admin/v1/enterprises/{id}/api-keys", operation_id = "list_api_keys",
    tag = "enterprises",
    params(("id" = String, Path), ("order" = Option<String>, Query)),
    responses((status = 200, body = ApiKeysBody)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    query: ListQuery,
) -> Result<Json<ApiKeysBody>, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let keys = state.store.api_keys(id).await?;
    let items = query.ordered(keys.into_iter().map(ApiKeyBody::from).collect())?;
    Ok(Json(ApiKeysBody { items }))
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
