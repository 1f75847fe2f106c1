//! Authorisations and their decision receipts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{AuthId, Timestamp};
use store::{AuthorisationFilter, AuthorisationView};

use super::receipt::ReceiptBody;
use super::{AuthorisationBody, PathText};
use crate::card_reference::{card_id_filter, named};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// Authorisations, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/authorisations", operation_id = "list_authorisations",
    tag = "authorisations",
    params(("cardId" = Option<String>, Query), ("enterpriseId" = Option<String>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<AuthorisationBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<AuthorisationBody>>, Problem> {
    let filter = AuthorisationFilter {
        card_id: card_id_filter(&state, &query).await?,
        enterprise_id: query.id("enterpriseId")?,
        from: moment(&query, "from")?,
        to: moment(&query, "to")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let (limit, order) = (filter.limit, filter.order);
    let rows = state.store.authorisations(filter).await?;
    named(&state, Page::of(&rows, limit, order, |row| row.auth_id)).await
}

fn moment(query: &ListQuery, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    let wrong = || Problem::invalid(format!("{name} must be an RFC 3339 time"));
    Timestamp::parse_rfc3339(&text).map(Some).ok_or_else(wrong)
}

/// The decision receipt.
#[utoipa::path(get, path = "/admin/v1/authorisations/{id}", operation_id = "read_authorisation",
    tag = "authorisations",
    params(("id" = String, Path)), responses((status = 200, body = ReceiptBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<ReceiptBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let view = state.store.find_of_anyone::<AuthorisationView>(auth_id).await?;
    let view = view.ok_or_else(|| Problem::not_found("authorisation"))?;
    let enterprise_id = view.authorisation.enterprise_id;
    let transfers = state.store.transfers_of(enterprise_id, auth_id).await?;
    named(&state, ReceiptBody::of(&view, &transfers)).await
}
