//! Who tells of an authorisation that nobody is asked about (vm-api.md section 10). The texts
//! are made elsewhere; here is only when there is something to tell.

use std::sync::Arc;

use domain::{Authorisation, VmCard};
use store::{ChangeNotice, Store, StoreError};

/// Makes the notices of a card of dialect 2.
pub type Teller = Arc<dyn Fn(&VmCard) -> ChangeNotice + Send + Sync>;

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
