//! Work in the background that was given up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::JobId;
use listener::once::Once;
use serde::Serialize;
use store::Job;
use utoipa::ToSchema;

use super::PathText;
use crate::fields::NoBody;
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// A job that failed so often that it is not tried again by itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParkedJobBody {
    enterprise_id: String,
    job_id: String,
    /// What it does, as `ORDER_STEP` or `SETTLEMENT_RECUT`.
    kind: String,
    /// The id of what it works on; of `SETTLEMENT_RECUT`, the day counted from 1970-01-01.
    subject_id: String,
    attempts: u32,
}

impl From<&Job> for ParkedJobBody {
    fn from(job: &Job) -> Self {
        Self {
            enterprise_id: job.enterprise_id.to_string(),
            job_id: job.job_id.to_string(),
            kind: job.kind.as_str().to_owned(),
            subject_id: job.subject_id.to_string(),
            attempts: job.attempts,
        }
    }
}

/// Parked jobs, newest first unless asked otherwise. The log tells why each failed.
#[utoipa::path(get, path = "/admin/v1/jobs", operation_id = "list_jobs", tag = "jobs",
    params(("parked" = bool, Query, description = "must be true"),
        ("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ParkedJobBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<ParkedJobBody>>, Problem> {
    if query.text("parked")?.as_deref() != Some("true") {
        return Err(Problem::invalid("parked must be true: other jobs are not listed"));
    }
    let requested = query.page::<JobId>()?;
    let rows = state.store.parked_jobs(requested).await?;
    Ok(Json(Page::of(&rows, requested.limit, requested.order, |row| row.job_id)))
}

/// Makes a parked job due at once, with all its attempts before it; another one is not found.
#[utoipa::path(post, path = "/admin/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "jobs",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = ParkedJobBody)))]
pub(crate) async fn retry(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    _: NoBody,
) -> Result<Json<ParkedJobBody>, Problem> {
    const WHAT: &str = "parked job";
    let job_id = id.id::<JobId>(WHAT)?;
    let retried = state.store.retry_job(job_id, state.store.clock().now());
    let body = |job: &Option<Job>| Ok(job.as_ref().map(ParkedJobBody::from));
    let job = once.answering(body, retried).await?;
    let job = job.ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(Json(ParkedJobBody::from(&job)))
}
