//! The webhooks of authorisations, rendered within their commits: one for the decision if the
//! enterprise is asked (cardbridge-open-api.md section 9), one for each change of the row if an app
//! owns the card (vm-api.md section 10).

use std::sync::Arc;

use domain::{Authorisation, VmAppId, VmCard, WebhookEvent, WebhookSubType};
use store::{Change, Store, StoreError, WebhookRenderer, Webhooks};
use wire::cardbridge::webhook::authorisation_result_event;
use wire::vm::VmSettings;
use wire::vm::webhook::{is_news, transaction_event};

/// AUTHORISATION_RESULT, for the decision only.
#[derive(Debug)]
struct ResultWebhooks;

impl WebhookRenderer for ResultWebhooks {
    fn webhook(&self, change: &Change<'_>) -> Option<WebhookEvent> {
        let decided_at = change.after.decided_at.filter(|_| change.before.is_none())?;
        let (it, webhook_id) = (change.after, change.webhook_id);
        authorisation_result_event(it, webhook_id, WebhookSubType::Create, decided_at).ok()
    }
}

/// The webhooks of an app's card, for each change that its row shows.
#[derive(Debug)]
struct TransactionWebhooks {
    vm_app_id: VmAppId,
    card_uuid: String,
    settings: VmSettings,
}

impl WebhookRenderer for TransactionWebhooks {
    fn webhook(&self, change: &Change<'_>) -> Option<WebhookEvent> {
        let Change { before, after, webhook_id, now } = *change;
        if before.is_some_and(|before| !is_news(before, after, &self.settings)) {
            return None;
        }
        let owner = (self.vm_app_id, self.card_uuid.clone());
        Some(transaction_event(after, owner, webhook_id, now, &self.settings))
    }
}

/// Webhooks of the transactions of an app's card; none without settings.
pub(crate) fn transactions(card: Option<&VmCard>, settings: Option<VmSettings>) -> Webhooks {
    let (card, settings) = card.zip(settings)?;
    let (vm_app_id, card_uuid) = (card.vm_app_id, card.card_uuid.clone());
    Some(Arc::new(TransactionWebhooks { vm_app_id, card_uuid, settings }))
}

/// Webhooks of the decision of an authorisation; `card` is the app's, if an app owns it.
pub(crate) fn decision_webhooks(
    is_forwarded: bool,
    card: Option<&VmCard>,
    settings: Option<VmSettings>,
) -> Webhooks {
    if is_forwarded { Some(Arc::new(ResultWebhooks)) } else { transactions(card, settings) }
}

/// The app's card that an authorisation was made with; `None` if no app is notified.
pub(crate) async fn told_card(
    store: &Store,
    settings: Option<VmSettings>,
    it: &Authorisation,
) -> Result<Option<VmCard>, StoreError> {
    if it.account.is_forwarded() || settings.is_none() {
        return Ok(None);
    }
    store.find::<VmCard>((it.enterprise_id, it.card_id)).await
}
