//! What a message comes to before anybody is asked.

use std::sync::Arc;
use std::time::Duration;

use domain::{Authorisation, Enterprise};
use store::{VmTariff, Webhooks};
use tokio::time::Instant;

use crate::forward::AuthEndpoint;
use crate::receipt::Receipt;

/// An authorisation whose hold is taken, or a reversal whose money has moved.
pub(crate) struct Held {
    pub(crate) authorisation: Arc<Authorisation>,
    /// Whom to ask; none = it is approved here.
    pub(crate) endpoint: Option<Arc<AuthEndpoint>>,
    /// Of the decision.
    pub(crate) webhooks: Webhooks,
    /// What the decision is charged.
    pub(crate) tariff: Option<VmTariff>,
    pub(crate) deadline: Instant,
    pub(crate) receipt: Receipt,
}

/// What a message leads to before anybody is asked.
pub(crate) enum HoldOutcome {
    /// Decided without asking.
    Answered { authorisation: Box<Authorisation>, repeated: bool },
    /// The enterprise is to be asked, or nobody and it is approved.
    Held(Box<Held>),
}

/// The time that an enterprise has for its answer, from the arrival.
pub(crate) fn deadline_of(enterprise: &Enterprise) -> Duration {
    Duration::from_millis(u64::from(enterprise.auth_deadline_ms))
}
