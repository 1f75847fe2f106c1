//! Telling enterprises what networks decided in their place (network-iso8583.md section 5.6).

use domain::{AuthId, Cause, WebhookEvent};

use crate::engine::{Tx, with};
use crate::outbox::insert_events;
use crate::{Job, Store, StoreError, receipts};

/// The result of telling an enterprise.
#[derive(Debug, Clone)]
pub struct AdviceTold {
    /// The job that told it.
    pub job: Job,
    /// What its answer makes of the cause.
    pub cause: Cause,
    /// The whole receipt.
    pub receipt: String,
    /// The result webhook.
    pub event: Option<WebhookEvent>,
}

impl Store {
    /// Records what an enterprise said to an advice, with its result webhook, once: the commit ends
    /// the job.
    pub async fn advice_told(&self, told: AdviceTold) -> Result<(), StoreError> {
        self.write(with(told, record)).await?;
        self.wake_outbox_and(&[]);
        Ok(())
    }

    /// Ends a job without its authorisation.
    pub async fn end_advice_telling(&self, job: Job) -> Result<(), StoreError> {
        self.write(with(job, async |tx, job| end(tx, job).await.map(drop))).await
    }
}

async fn record(tx: &Tx, told: &AdviceTold) -> Result<(), StoreError> {
    if !end(tx, &told.job).await? {
        return Ok(());
    }
    let (enterprise_id, auth_id) = (told.job.enterprise_id, AuthId::from_i64(told.job.subject_id));
    let sql = "UPDATE authorisation SET detail = $1, receipt = '' \
        WHERE enterprise_id = $2 AND auth_id = $3";
    let cause = told.cause.text().into_owned();
    tx.execute(sql, &[cause.into(), enterprise_id.into(), auth_id.into()]).await?;
    receipts::amend(tx, (enterprise_id, auth_id), &told.receipt).await?;
    insert_events(tx, told.event.as_slice()).await
}

/// Ends the job; false if another worker has ended it.
async fn end(tx: &Tx, job: &Job) -> Result<bool, StoreError> {
    let sql = "DELETE FROM job WHERE enterprise_id = $1 AND job_id = $2";
    Ok(tx.execute(sql, &[job.enterprise_id.into(), job.job_id.into()]).await? == 1)
}
