//! Card profiles.

use axum::Json;
use domain::{Enterprise, ProfileId};

use super::profile_body::{self, ProfileBody};
use crate::call::{Answer, Call};
use crate::paging::Page;
use crate::problem::Problem;

/// `POST /admin/v1/card-profiles`.
pub(crate) async fn create(call: Call) -> Answer<ProfileBody> {
    let profile_id = ProfileId::from_i64(call.state.store.ids().next());
    let profile = profile_body::read(&call.fields()?, profile_id, call.state.store.clock().now())?;
    if call.state.store.find::<Enterprise>(profile.enterprise_id).await?.is_none() {
        return Err(Problem::not_found("enterprise"));
    }
    call.once.answer(ProfileBody::of, call.state.store.create_profile(profile)).await
}

/// `GET /admin/v1/card-profiles`.
pub(crate) async fn list(call: Call) -> Answer<Page<ProfileBody>> {
    let query = call.query()?;
    let enterprise_id = query.id("enterpriseId")?;
    let rows = call.state.store.profiles(enterprise_id, query.page()?).await?;
    Page::of(&query, &rows, ProfileBody::of, |row| row.profile_id).map(Json)
}
