//! Who tells of an authorisation that nobody is asked about (vm-api.md section 10).

use std::sync::Arc;

use domain::{Authorisation, VmCard, WebhookId};
use store::{ChangeNotice, Store, StoreError};
use wire::vm::VmSettings;
use wire::vm::notice::{is_news, transaction_event};

/// Makes the notices of a card of dialect 2.
pub type Teller = Arc<dyn Fn(&VmCard) -> ChangeNotice + Send + Sync>;

/// Tells the apps of each change of their cards' transactions, as these settings
/// tell them (vm-api.md section 10.1).
#[must_use]
pub fn transaction_teller(store: Store, settings: VmSettings) -> Teller {
    Arc::new(move |card| {
        let (store, card) = (store.clone(), card.clone());
        ChangeNotice::new(move |before, it| {
            if before.is_some_and(|before| !is_news(before, it, &settings)) {
                return None;
            }
            // Drawn within the commit: their order is that of the changes.
            let webhook_id = WebhookId::from_i64(store.ids().next());
            Some(transaction_event(it, &card, webhook_id, store.clock().now(), &settings))
        })
    })
}

/// The notice of whatever happens to an authorisation; none of a forwarded card.
pub(crate) async fn notice_of(
    store: &Store,
    teller: Option<&Teller>,
    it: &Authorisation,
) -> Result<Option<ChangeNotice>, StoreError> {
    let Some(teller) = teller.filter(|_| !it.account.is_forwarded()) else { return Ok(None) };
    let vm_card = store.vm_card_of(it.enterprise_id, it.card_id).await?;
    Ok(vm_card.map(|vm_card| teller(&vm_card)))
}
