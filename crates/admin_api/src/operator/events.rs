//! The feed of events.

use axum::Json;
use domain::EventSubject;
use store::{EventFilter, NumberedEvent};

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::paging::Page;

answer_body! {
    /// Something that happened.
    pub(crate) struct EventBody of it: &NumberedEvent {
        /// Its place among all events, from 1, without gaps.
        position: String = it.position.to_string(),
        /// Its place among the events of its enterprise, from 1, without gaps.
        number: String = it.number.to_string(),
        /// Null for a message about a card that is not one of ours.
        enterprise_id: Option<String> = it.event.enterprise_id.map(|id| id.to_string()),
        /// What happened, as `authorisation.approved` or `webhook.delivered`.
        kind: String = it.event.kind.to_string(),
        /// The authorisation that it happened to.
        auth_id: Option<String> = subject(it, EventSubject::Authorisation),
        /// The webhook that it happened to.
        webhook_id: Option<String> = subject(it, EventSubject::Webhook),
        /// The message that was recorded.
        message_id: Option<String> = subject(it, EventSubject::Message),
        /// The job that it happened to.
        job_id: Option<String> = subject(it, EventSubject::Job),
        /// The app to which the webhook goes.
        app_id: Option<String> = it.event.vm_app_id.map(|id| id.to_string()),
        /// When, in business time, RFC 3339.
        at: String = it.event.at.to_string(),
    }
}

/// The id of the object, if it is of this kind.
fn subject(it: &NumberedEvent, kind: EventSubject) -> Option<String> {
    (it.event.kind.subject() == kind).then(|| it.event.subject_id.to_string())
}

/// `GET /admin/v1/events`.
pub(crate) async fn list(call: Call) -> Answer<Page<EventBody>> {
    let query = call.query()?;
    let filter = EventFilter { enterprise_id: query.id("enterpriseId")?, requested: query.page()? };
    let rows = call.state.store.events(filter).await?;
    let id = |row: &NumberedEvent| match filter.enterprise_id {
        Some(_) => row.number,
        None => row.position,
    };
    Page::of(&query, &rows, EventBody::of, id).map(Json)
}
