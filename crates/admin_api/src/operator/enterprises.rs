//! Enterprises: create, list, read, change.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{Enterprise, EnterpriseId};
use listener::once::Once;

use super::PathText;
use super::enterprise_body::EnterpriseBody;
use super::enterprise_patch;
use crate::fields::Fields;
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::request_bodies::NEW_ENTERPRISE;
use crate::state::ApiState;
use wire::field;

/// The enterprise that a path names.
pub(crate) async fn enterprise_of(state: &ApiState, id: &PathText) -> Result<Enterprise, Problem> {
    let enterprise = state.store.find::<Enterprise>(id.id("enterprise")?).await?;
    enterprise.ok_or_else(|| Problem::not_found("enterprise"))
}

/// Creates an enterprise with the platform's key pair for it.
#[utoipa::path(post, path = "/admin/v1/enterprises", operation_id = "create_enterprise",
    tag = "enterprises", request_body = ref("NewEnterprise"),
    responses((status = 200, body = EnterpriseBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<EnterpriseBody>, Problem> {
    let name =
        Fields::parse_as(&NEW_ENTERPRISE, &body)?.required_text(field!(NEW_ENTERPRISE, "name"))?;
    let made = provision::create_enterprise(&state.store, &state.vault, name);
    once.answer(EnterpriseBody::of_new, made).await
}

/// Enterprises, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/enterprises", operation_id = "list_enterprises",
    tag = "enterprises",
    params(("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<EnterpriseBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<EnterpriseBody>>, Problem> {
    let requested = query.page::<EnterpriseId>()?;
    let rows = state.store.enterprises(requested).await?;
    let id = |row: &Enterprise| row.enterprise_id;
    let next_cursor =
        Page::<EnterpriseBody>::cursor_after(&rows, requested.limit, requested.order, id);
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(EnterpriseBody::read(&state, row).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// One enterprise.
#[utoipa::path(get, path = "/admin/v1/enterprises/{id}", operation_id = "read_enterprise",
    tag = "enterprises",
    params(("id" = String, Path)), responses((status = 200, body = EnterpriseBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<EnterpriseBody>, Problem> {
    let enterprise = enterprise_of(&state, &id).await?;
    EnterpriseBody::read(&state, enterprise).await.map(Json)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/admin/v1/enterprises/{id}", tag = "enterprises",
    params(("id" = String, Path)), request_body = ref("EnterpriseChange"),
    responses((status = 200, body = EnterpriseBody)))]
pub(crate) async fn patch(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Json<EnterpriseBody>, Problem> {
    let enterprise = enterprise_of(&state, &id).await?;
    let patch = enterprise_patch::read(&state, enterprise.enterprise_id, &body).await?;
    let changed = state.store.patch_enterprise(enterprise.enterprise_id, patch).await?;
    let changed = changed.ok_or_else(|| Problem::not_found("enterprise"))?;
    EnterpriseBody::read(&state, changed).await.map(Json)
}
