//! Enterprises: create, list, read, change.

use axum::Json;

use super::enterprise_body::EnterpriseBody;
use super::enterprise_patch;
use crate::call::{Answer, Call};
use crate::paging::Page;
use crate::problem::Problem;
use crate::request_bodies::NEW_ENTERPRISE;
use wire::field;

/// `POST /admin/v1/enterprises`.
pub(crate) async fn create(call: Call) -> Answer<EnterpriseBody> {
    let name = call.fields()?.required_text(field!(NEW_ENTERPRISE, "name"))?;
    let made = provision::create_enterprise(&call.state.store, &call.state.vault, name);
    call.once.answer(EnterpriseBody::of_new, made).await
}

/// `GET /admin/v1/enterprises`.
pub(crate) async fn list(call: Call) -> Answer<Page<EnterpriseBody>> {
    let query = call.query()?;
    let rows = call.state.store.enterprises(query.page()?).await?;
    let next_cursor = query.cursor_after(&rows, |row| row.enterprise_id)?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(EnterpriseBody::read(&call.state, &row).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// `GET /admin/v1/enterprises/{id}`.
pub(crate) async fn read(call: Call) -> Answer<EnterpriseBody> {
    let enterprise = call.enterprise().await?;
    EnterpriseBody::read(&call.state, &enterprise).await.map(Json)
}

/// `PATCH /admin/v1/enterprises/{id}`.
pub(crate) async fn patch(call: Call) -> Answer<EnterpriseBody> {
    let enterprise = call.enterprise().await?;
    let patch =
        enterprise_patch::read(&call.state, enterprise.enterprise_id, &call.fields()?).await?;
    let changed = call.state.store.patch_enterprise(enterprise.enterprise_id, patch).await?;
    let changed = changed.ok_or_else(|| Problem::not_found("enterprise"))?;
    EnterpriseBody::read(&call.state, &changed).await.map(Json)
}
