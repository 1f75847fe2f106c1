//! Deliveries as operators see them.

use domain::{DeliveryStatus, WebhookEvent, WebhookId};
use futures_util::future::try_join_all;

use super::{Attempt, DeliveryFilter, DeliveryView};
use crate::StoreError;
use crate::engine::{Row, Tx};
use crate::listing::{Page, PageWish};
use crate::rows::{EVENT_COLUMNS, Fields, event_from};

/// Tries of one delivery that are shown, the latest ones: a webhook resent by hand
/// again and again has no end of them.
const MAX_ATTEMPTS_SHOWN: i64 = 100;

/// One page of deliveries with their tries.
pub(super) async fn views(
    tx: &Tx,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryView>, StoreError> {
    let wish = PageWish { cursor: filter.cursor, order: filter.order, limit: filter.limit };
    let mut page = Page::new("webhook_id", wish, WebhookId::as_i64);
    page.only("enterprise_id", filter.enterprise_id);
    page.only_text("status", filter.status.map(DeliveryStatus::as_str));
    page.only("business_id", filter.business_id);
    let sql = page.sql("webhook", &columns());
    let rows = tx.query(&sql, &page.params()).await?;
    let views: Vec<_> = rows.iter().map(view_from).collect::<Result<_, _>>()?;
    try_join_all(views.into_iter().map(|view| with_attempts(tx, view))).await
}

/// One delivery with its tries.
pub(super) async fn view(
    tx: &Tx,
    webhook_id: WebhookId,
) -> Result<Option<DeliveryView>, StoreError> {
    let sql = format!("SELECT {} FROM webhook WHERE webhook_id = $1", columns());
    let Some(row) = tx.query_opt(&sql, &[webhook_id.into()]).await? else { return Ok(None) };
    with_attempts(tx, view_from(&row)?).await.map(Some)
}

fn columns() -> String {
    format!("{EVENT_COLUMNS}, status, next_attempt_at, seq")
}

fn view_from(row: &Row) -> Result<DeliveryView, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    let event = event_from(f)?;
    let status: DeliveryStatus = f.parsed("webhook.status")?;
    let next_attempt_at = f.opt_time()?.filter(|_| status == DeliveryStatus::Pending);
    let seq = f.small("webhook.seq")?;
    Ok(DeliveryView { event, seq, status, next_attempt_at, attempts: Vec::new() })
}

async fn with_attempts(tx: &Tx, view: DeliveryView) -> Result<DeliveryView, StoreError> {
    let attempts = attempts(tx, &view.event).await?;
    Ok(DeliveryView { attempts, ..view })
}

async fn attempts(tx: &Tx, event: &WebhookEvent) -> Result<Vec<Attempt>, StoreError> {
    let sql = "SELECT attempted_at, status, latency_ms, excerpt, refusal FROM webhook_attempt \
        WHERE enterprise_id = $1 AND webhook_id = $2 ORDER BY attempt DESC LIMIT $3";
    let params = [event.enterprise_id.into(), event.webhook_id.into(), MAX_ATTEMPTS_SHOWN.into()];
    tx.query(sql, &params).await?.iter().rev().map(attempt_from).collect()
}

fn attempt_from(row: &Row) -> Result<Attempt, StoreError> {
    let mut f = Fields::of(row);
    Ok(Attempt {
        at: f.time()?,
        status: f
            .opt_int()?
            .map(|status| {
                u16::try_from(status).map_err(|_| StoreError::Corrupt("webhook_attempt.status"))
            })
            .transpose()?,
        latency_ms: f.small("webhook_attempt.latency_ms")?,
        excerpt: f.text()?,
        refusal: f.opt_text()?,
    })
}
