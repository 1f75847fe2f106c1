//! Webhooks and the tries to deliver them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{DeliveryStatus, WebhookId};
use listener::once::Once;
use serde::Serialize;
use store::{Attempt, DeliveryFilter, DeliveryView};
use utoipa::ToSchema;

use super::PathText;
use crate::fields::NoBody;
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// One try.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptBody {
    /// When it began, RFC 3339.
    at: String,
    /// HTTP status, if an answer came.
    status: Option<u16>,
    latency_ms: u32,
    /// The first bytes of the answer, or what went wrong.
    excerpt: String,
    /// Why the answer did not acknowledge, such as a `code` that is a text.
    refusal: Option<String>,
}

impl From<&Attempt> for AttemptBody {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at.to_string(),
            status: attempt.status,
            latency_ms: attempt.latency_ms,
            excerpt: attempt.excerpt.clone(),
            refusal: attempt.refusal.clone(),
        }
    }
}

/// A webhook and its tries.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryBody {
    webhook_id: String,
    enterprise_id: String,
    webhook_type: String,
    webhook_sub_type: String,
    business_id: String,
    /// Place among the webhooks of its object, from 1; 0 = it was delivered before places were
    /// counted.
    sequence: u32,
    /// `PENDING`, `DELIVERED` or `DEAD`.
    status: String,
    next_attempt_at: Option<String>,
    created_at: String,
    attempts: Vec<AttemptBody>,
}

impl From<&DeliveryView> for DeliveryBody {
    fn from(view: &DeliveryView) -> Self {
        Self {
            webhook_id: view.event.webhook_id.to_string(),
            enterprise_id: view.event.enterprise_id.to_string(),
            webhook_type: view.event.webhook_type.to_string(),
            webhook_sub_type: view.event.sub_type.to_string(),
            business_id: view.event.business_id.to_string(),
            sequence: view.seq,
            status: view.status.to_string(),
            next_attempt_at: view.next_attempt_at.map(|at| at.to_string()),
            created_at: view.event.created_at.to_string(),
            attempts: view.attempts.iter().map(AttemptBody::from).collect(),
        }
    }
}

/// Webhooks, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/webhook-deliveries", operation_id = "list_webhook_deliveries",
    tag = "webhooks",
    params(("status" = Option<String>, Query), ("businessId" = Option<String>, Query),
        ("enterpriseId" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<DeliveryBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<DeliveryBody>>, Problem> {
    let filter = DeliveryFilter {
        enterprise_id: query.id("enterpriseId")?,
        status: query.parsed("status", "must be PENDING, DELIVERED or DEAD")?,
        business_id: query.id("businessId")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let (limit, order) = (filter.limit, filter.order);
    let rows = state.store.deliveries(filter).await?;
    Ok(Json(Page::of(&rows, limit, order, |row| row.event.webhook_id)))
}

/// One webhook with its tries.
#[utoipa::path(get, path = "/admin/v1/webhook-deliveries/{id}",
    operation_id = "read_webhook_delivery", tag = "webhooks",
    params(("id" = String, Path)), responses((status = 200, body = DeliveryBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<DeliveryBody>, Problem> {
    let view = state.store.delivery(id.id::<WebhookId>("webhook")?).await?;
    let view = view.ok_or_else(|| Problem::not_found("webhook"))?;
    Ok(Json(DeliveryBody::from(&view)))
}

/// Sends a delivered or parked webhook again, to the URL in force now.
#[utoipa::path(post, path = "/admin/v1/webhook-deliveries/{id}/resend", tag = "webhooks",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = DeliveryBody)))]
pub(crate) async fn resend(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    _: NoBody,
) -> Result<Json<DeliveryBody>, Problem> {
    let webhook_id = id.id::<WebhookId>("webhook")?;
    let resent = state.store.resend_delivery(webhook_id, state.store.clock().now());
    let body = |view: &Option<DeliveryView>| Ok(view.as_ref().map(DeliveryBody::from));
    if let Some(view) = once.answering(body, resent).await? {
        return Ok(Json(DeliveryBody::from(&view)));
    }
    let view = state.store.delivery(webhook_id).await?;
    let view = view.ok_or_else(|| Problem::not_found("webhook"))?;
    if view.status != DeliveryStatus::Pending {
        let detail = "an app is not told again what it acknowledged, and a wiped code is gone";
        return Err(Problem::conflict("delivery_over", detail));
    }
    let detail = "the webhook is still pending and will be sent by itself";
    Err(Problem::conflict("delivery_pending", detail))
}
