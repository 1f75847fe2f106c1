//! Events: what happened to an enterprise's authorisations, webhooks, messages and jobs.

use crate::text::text_enum;
use crate::{EnterpriseId, Timestamp, VmAppId};

text_enum! {
    /// What happened.
    EventKind {
        /// An authorisation began: its hold is taken, nobody has decided yet.
        AuthorisationBegun = "authorisation.begun",
        /// An authorisation was approved.
        AuthorisationApproved = "authorisation.approved",
        /// An authorisation was declined.
        AuthorisationDeclined = "authorisation.declined",
        /// A decided authorisation changed: a part was cleared or given back.
        AuthorisationChanged = "authorisation.changed",
        /// An authorisation was cleared: nothing is held any longer.
        AuthorisationPosted = "authorisation.posted",
        /// An authorisation's hold was released.
        AuthorisationVoided = "authorisation.voided",
        /// What was left of an authorisation's hold was released because it expired.
        AuthorisationExpired = "authorisation.expired",
        /// A webhook entered the outbox.
        WebhookQueued = "webhook.queued",
        /// A webhook was acknowledged.
        WebhookDelivered = "webhook.delivered",
        /// A try to deliver a webhook failed; it will be tried again.
        WebhookFailed = "webhook.failed",
        /// A webhook was parked after its last try.
        WebhookParked = "webhook.parked",
        /// An operator sent a webhook again.
        WebhookResent = "webhook.resent",
        /// A message of a link was recorded.
        MessageRecorded = "message.recorded",
        /// A job was parked after its last try.
        JobParked = "job.parked",
        /// An operator made a parked job due again.
        JobRetried = "job.retried",
    }
}

/// The kind of object that an event is about, whose id is [`Event::subject_id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSubject {
    /// An authorisation.
    Authorisation,
    /// A webhook.
    Webhook,
    /// A message of a link.
    Message,
    /// A job.
    Job,
}

impl EventKind {
    /// The kind of object that it is about.
    #[must_use]
    pub const fn subject(self) -> EventSubject {
        match self {
            Self::AuthorisationBegun
            | Self::AuthorisationApproved
            | Self::AuthorisationDeclined
            | Self::AuthorisationChanged
            | Self::AuthorisationPosted
            | Self::AuthorisationVoided
            | Self::AuthorisationExpired => EventSubject::Authorisation,
            Self::WebhookQueued
            | Self::WebhookDelivered
            | Self::WebhookFailed
            | Self::WebhookParked
            | Self::WebhookResent => EventSubject::Webhook,
            Self::MessageRecorded => EventSubject::Message,
            Self::JobParked | Self::JobRetried => EventSubject::Job,
        }
    }
}

/// Something that happened, recorded with the commit that made it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The enterprise; None if it is not known whose card a message is about.
    pub enterprise_id: Option<EnterpriseId>,
    /// The app to which the webhook goes; None for the enterprise's own and for all other events.
    pub vm_app_id: Option<VmAppId>,
    /// What happened.
    pub kind: EventKind,
    /// The id of the object that it happened to.
    pub subject_id: i64,
    /// When, in business time.
    pub at: Timestamp,
}
