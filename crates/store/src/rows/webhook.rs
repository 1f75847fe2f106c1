//! The columns of a webhook's event; where its delivery stands is the outbox's own.

use domain::{EnterpriseId, VmAppId, WebhookEvent, WebhookId};

use super::Fields;
use crate::StoreError;
use crate::engine::Value;

/// The columns of an event.
pub(crate) const EVENT_COLUMNS: &str = "enterprise_id, webhook_id, webhook_type, sub_type, \
    business_id, body, created_at, vm_app_id";
/// Stands for "no app" in the column: the enterprise itself is told.
pub(crate) const NO_APP: i64 = 0;

/// Reads an event from [`EVENT_COLUMNS`], which others may follow.
pub(crate) fn event_from(f: &mut Fields<'_>) -> Result<WebhookEvent, StoreError> {
    Ok(WebhookEvent {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        webhook_id: f.id(WebhookId::from_i64)?,
        webhook_type: f.parsed("webhook.webhook_type")?,
        sub_type: f.parsed("webhook.sub_type")?,
        business_id: f.int()?,
        body: f.bytes()?,
        created_at: f.time()?,
        vm_app_id: Some(f.int()?).filter(|id| *id != NO_APP).map(VmAppId::from_i64),
    })
}

/// The values of an event for [`EVENT_COLUMNS`].
pub(crate) fn event_values(event: &WebhookEvent) -> Vec<Value> {
    vec![
        event.enterprise_id.into(),
        event.webhook_id.into(),
        event.webhook_type.as_str().into(),
        event.sub_type.as_str().into(),
        event.business_id.into(),
        event.body.as_slice().into(),
        event.created_at.into(),
        event.vm_app_id.map_or(NO_APP, VmAppId::as_i64).into(),
    ]
}
