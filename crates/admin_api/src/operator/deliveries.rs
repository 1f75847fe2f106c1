//! Webhooks and the tries to deliver them.

use axum::Json;
use domain::{DeliveryStatus, WebhookId};
use store::{Attempt, DeliveryFilter, DeliveryView};

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::paging::Page;
use crate::problem::Problem;

answer_body! {
    /// One try.
    pub(crate) struct AttemptBody of attempt: &Attempt {
        /// When it began, RFC 3339.
        at: String = attempt.at.to_string(),
        /// HTTP status, if an answer came.
        status: Option<u16> = attempt.status,
        latency_ms: u32 = attempt.latency_ms,
        /// The first bytes of the answer, or what went wrong.
        excerpt: String = attempt.excerpt.clone(),
        /// Why the answer did not acknowledge, such as a `code` that is a text.
        refusal: Option<String> = attempt.refusal.clone(),
    }
}

answer_body! {
    /// A webhook and its tries.
    pub(crate) struct DeliveryBody of view: &DeliveryView {
        webhook_id: String = view.event.webhook_id.to_string(),
        enterprise_id: String = view.event.enterprise_id.to_string(),
        webhook_type: String = view.event.webhook_type.to_string(),
        webhook_sub_type: String = view.event.sub_type.to_string(),
        business_id: String = view.event.business_id.to_string(),
        /// Place among the webhooks of its object, from 1; 0 = it was delivered before places were
        /// counted.
        sequence: u32 = view.seq,
        /// `PENDING`, `DELIVERED` or `DEAD`.
        status: String = view.status.to_string(),
        next_attempt_at: Option<String> = view.next_attempt_at.map(|at| at.to_string()),
        created_at: String = view.event.created_at.to_string(),
        attempts: Vec<AttemptBody> = view.attempts.iter().map(AttemptBody::of).collect(),
    }
}

/// `GET /admin/v1/webhook-deliveries`.
pub(crate) async fn list(call: Call) -> Answer<Page<DeliveryBody>> {
    let query = call.query()?;
    let filter = DeliveryFilter {
        enterprise_id: query.id("enterpriseId")?,
        status: query.parsed("status", "must be PENDING, DELIVERED or DEAD")?,
        business_id: query.id("businessId")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let rows = call.state.store.deliveries(filter).await?;
    Page::of(&query, &rows, DeliveryBody::of, |row| row.event.webhook_id).map(Json)
}

/// `GET /admin/v1/webhook-deliveries/{id}`.
pub(crate) async fn read(call: Call) -> Answer<DeliveryBody> {
    let view = call.object("webhook", |id| call.state.store.delivery(id)).await?;
    Ok(Json(DeliveryBody::of(&view)))
}

/// `POST /admin/v1/webhook-deliveries/{id}/resend`.
pub(crate) async fn resend(call: Call) -> Answer<DeliveryBody> {
    call.fields()?;
    let webhook_id = call.id::<WebhookId>("webhook")?;
    let resent = call.state.store.resend_delivery(webhook_id, call.state.store.clock().now());
    let body = |view: &Option<DeliveryView>| Ok(view.as_ref().map(DeliveryBody::of));
    if let Some(view) = call.once.answering(body, resent).await? {
        return Ok(Json(DeliveryBody::of(&view)));
    }
    let view = call.object("webhook", |id| call.state.store.delivery(id)).await?;
    if view.status != DeliveryStatus::Pending {
        let detail = "an app is not told again what it acknowledged, and a wiped code is gone";
        return Err(Problem::conflict("delivery_over", detail));
    }
    let detail = "the webhook is still pending and will be sent by itself";
    Err(Problem::conflict("delivery_pending", detail))
}
