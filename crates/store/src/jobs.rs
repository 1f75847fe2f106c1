//! Leased jobs: work that is due at a business time and survives its worker.

use domain::{EnterpriseId, JobId, Timestamp};

use crate::{Store, StoreError};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Moves a card order one state on; the subject is the order's id.
    OrderStep,
}

impl JobKind {
    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderStep => "ORDER_STEP",
        }
    }

    /// Reads the stored text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::OrderStep].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Owner of the subject.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub job_id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// What it works on.
    pub subject_id: i64,
    /// When it is due (business time).
    pub due_at: Timestamp,
    /// How often it was leased so far.
    pub attempts: u32,
    /// Until when (real time) the present worker holds it; none if nobody does. Also the
    /// token that proves the lease.
    pub leased_until: Option<Timestamp>,
}

impl Store {
    /// When the next job of a kind is due (business time), leased or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_job_due(&self, kind: JobKind) -> Result<Option<Timestamp>, StoreError> {
        let _ = kind;
        todo!()
    }

    /// Leases jobs of a kind that are due by `now`, earliest first, at most `limit`, for
    /// `lease_ms` of real time. Jobs leased by others are passed over until their lease ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_jobs(
        &self,
        kind: JobKind,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let _ = (kind, now, lease_ms, limit);
        todo!()
    }

    /// Gives a leased job back, due again at `due_at`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postpone_job(&self, job: &Job, due_at: Timestamp) -> Result<(), StoreError> {
        let _ = (job, due_at);
        todo!()
    }

    /// Ends every lease of jobs and deliveries: at the start of an embedded store nobody
    /// else can hold one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_over_leases(&self) -> Result<(), StoreError> {
        todo!()
    }
}
