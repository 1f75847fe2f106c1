//! API keys: handed out, listed, revoked.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use domain::{ApiKey, Mode};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::enterprise_body::ApiKeyBody;
use super::idempotency::already_done;
use super::key_extraction::{self, KeyExtractionBody, Recipient};
use crate::call::{Answer, Call};
use crate::problem::Problem;

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

/// `POST /admin/v1/enterprises/{id}/api-keys`.
pub(crate) async fn create(call: Call) -> Result<Response, Problem> {
    let id = call.enterprise().await?.enterprise_id;
    let fields = call.fields()?;
    if let Some(recipient) = Recipient::read(&fields)? {
        let started = key_extraction::start(&call.state, id, recipient, &call.once).await?;
        return Ok(Json(HandedOverBody::ByMail(started)).into_response());
    }
    if call.state.settings.mode == Mode::Production {
        return Err(Problem::invalid(
            "email and sourceIp are required in production, where no secret is handed over here",
        ));
    }
    let made = provision::create_api_key(&call.state.store, &call.state.vault, id);
    let key = call.once.leaving(|key: &ApiKey| already_done(&key.api_key), made).await?;
    let body = NewApiKeyBody { api_key: &key.api_key, secret_key: key.secret.expose() };
    Ok(Json(HandedOverBody::Here(body)).into_response())
}

/// `GET /admin/v1/enterprises/{id}/api-keys`.
pub(crate) async fn list(call: Call) -> Answer<ApiKeysBody> {
    let query = call.query()?;
    let id = call.enterprise().await?.enterprise_id;
    let keys = call.state.store.api_keys(id).await?;
    let items = query.ordered(keys.iter().map(ApiKeyBody::of).collect())?;
    Ok(Json(ApiKeysBody { items }))
}

/// `DELETE /admin/v1/enterprises/{id}/api-keys/{apiKey}`.
pub(crate) async fn revoke(call: Call) -> Result<StatusCode, Problem> {
    let [_, api_key] = call.path("API key")?;
    let id = call.enterprise().await?.enterprise_id;
    if call.state.store.revoke_api_key(id, api_key).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("API key"))
    }
}
