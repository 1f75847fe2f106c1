//! Work in the background that was given up.

use axum::Json;
use store::Job;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::paging::Page;
use crate::problem::Problem;

answer_body! {
    /// A job that failed so often that it is not tried again by itself.
    pub(crate) struct ParkedJobBody of job: &Job {
        enterprise_id: String = job.enterprise_id.to_string(),
        job_id: String = job.job_id.to_string(),
        /// What it does, as `ORDER_STEP` or `SETTLEMENT_RECUT`.
        kind: String = job.kind.as_str().to_owned(),
        /// The id of what it works on; of `SETTLEMENT_RECUT`, the day counted from 1970-01-01.
        subject_id: String = job.subject_id.to_string(),
        attempts: u32 = job.attempts,
    }
}

/// `GET /admin/v1/jobs`.
pub(crate) async fn list(call: Call) -> Answer<Page<ParkedJobBody>> {
    let query = call.query()?;
    if query.text("parked")?.as_deref() != Some("true") {
        return Err(Problem::invalid("parked must be true: other jobs are not listed"));
    }
    let rows = call.state.store.parked_jobs(query.page()?).await?;
    Page::of(&query, &rows, ParkedJobBody::of, |row| row.job_id).map(Json)
}

/// `POST /admin/v1/jobs/{id}/retry`.
pub(crate) async fn retry(call: Call) -> Answer<ParkedJobBody> {
    const WHAT: &str = "parked job";
    call.fields()?;
    let job_id = call.id(WHAT)?;
    let retried = call.state.store.retry_job(job_id, call.state.store.clock().now());
    let body = |job: &Option<Job>| Ok(job.as_ref().map(ParkedJobBody::of));
    let job = call.once.answering(body, retried).await?;
    let job = job.ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(Json(ParkedJobBody::of(&job)))
}
