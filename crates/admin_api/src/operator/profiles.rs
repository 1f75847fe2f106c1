//! Card profiles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{CardProfile, Enterprise, EnterpriseId, ProfileId};
use listener::once::Once;

use super::profile_body::{self, ProfileBody};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// Creates a card profile.
#[utoipa::path(post, path = "/admin/v1/card-profiles", operation_id = "create_card_profile",
    tag = "cards", request_body = ref("NewCardProfile"),
    responses((status = 200, body = ProfileBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<ProfileBody>, Problem> {
    let profile_id = ProfileId::from_i64(state.store.ids().next());
    let profile = profile_body::read(&body, profile_id, state.store.clock().now())?;
    if state.store.find::<Enterprise>(profile.enterprise_id).await?.is_none() {
        return Err(Problem::not_found("enterprise"));
    }
    once.answer(|made: &CardProfile| ProfileBody::from(made), state.store.create_profile(profile))
        .await
}

/// Card profiles, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/card-profiles", operation_id = "list_card_profiles",
    tag = "cards",
    params(("enterpriseId" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ProfileBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<ProfileBody>>, Problem> {
    let enterprise_id = query.id::<EnterpriseId>("enterpriseId")?;
    let requested = query.page()?;
    let rows = state.store.profiles(enterprise_id, requested).await?;
    Ok(Json(Page::of(&rows, requested.limit, requested.order, |row| row.profile_id)))
}
