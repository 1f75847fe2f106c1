//! Deliveries as operators see them.

use domain::{DeliveryStatus, Timestamp, WebhookEvent, WebhookId};
use futures_util::future::try_join_all;

use super::{Attempt, DeliveryFilter, DeliveryView};
use crate::StoreError;
use crate::engine::Tx;
use crate::listing::{Page, PageRequest};
use crate::records::{Record as _, columns, record, select, sql};

/// The most tries of one delivery that are shown, the latest ones: a webhook resent by hand again
/// and again may have any number of them.
const MAX_ATTEMPTS_SHOWN: i64 = 100;

/// One page of deliveries with their tries.
pub(super) async fn views(
    tx: &Tx,
    filter: &DeliveryFilter,
) -> Result<Vec<DeliveryView>, StoreError> {
    let requested = PageRequest { cursor: filter.cursor, order: filter.order, limit: filter.limit };
    let mut page = Page::new("webhook_id", requested, WebhookId::as_i64);
    page.only("enterprise_id", filter.enterprise_id);
    page.only_text("status", filter.status.map(DeliveryStatus::as_str));
    page.only("business_id", filter.business_id);
    let sql = page.sql(StoredDelivery::TABLE, columns::<StoredDelivery>());
    let found = tx.all(&sql, &page.params()).await?;
    try_join_all(found.into_iter().map(|delivery| view_of(tx, delivery))).await
}

/// One delivery with its tries.
pub(super) async fn view(
    tx: &Tx,
    webhook_id: WebhookId,
) -> Result<Option<DeliveryView>, StoreError> {
    let sql = &StoredDelivery::texts().of_anyone;
    let Some(found) = tx.one(sql, &[webhook_id.into()]).await? else { return Ok(None) };
    view_of(tx, found).await.map(Some)
}

/// A delivery as it is stored, without its tries.
struct StoredDelivery {
    event: WebhookEvent,
    status: DeliveryStatus,
    next_attempt_at: Option<Timestamp>,
    seq: u32,
}

record! {
    StoredDelivery in "webhook" key (enterprise_id, webhook_id) {
        event of WebhookEvent,
        status,
        next_attempt_at,
        seq,
    }
}

async fn view_of(tx: &Tx, found: StoredDelivery) -> Result<DeliveryView, StoreError> {
    let StoredDelivery { event, status, next_attempt_at, seq } = found;
    let next_attempt_at = next_attempt_at.filter(|_| status == DeliveryStatus::Pending);
    let attempts = attempts(tx, &event).await?;
    Ok(DeliveryView { event, seq, status, next_attempt_at, attempts })
}

async fn attempts(tx: &Tx, event: &WebhookEvent) -> Result<Vec<Attempt>, StoreError> {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND webhook_id = $2 ORDER BY attempt DESC LIMIT $3",
        select::<Attempt>()
    );
    let params = [event.enterprise_id.into(), event.webhook_id.into(), MAX_ATTEMPTS_SHOWN.into()];
    let mut attempts = tx.all(sql, &params).await?;
    attempts.reverse();
    Ok(attempts)
}

record! {
    Attempt in "webhook_attempt" key () {
        at: [attempted_at],
        status,
        latency_ms,
        excerpt,
        refusal,
    }
}
