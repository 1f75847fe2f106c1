//! What a card that is decided here has, for networks that inquire (network-iso8583.md
//! section 3.4).

use domain::{Authorisation, Money, VmFunding};
use store::StoreError;

use crate::authoriser::Authoriser;

/// The balances of a card, in its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardBalances {
    /// What it can spend now.
    pub available: Money,
    /// Its own money, including what is held; `None` for a credit-line card, which has none.
    pub ledger: Option<Money>,
}

impl Authoriser {
    /// The balances of an authorisation's card; `None` for a forwarded card, whose deposit is its
    /// enterprise's and is not disclosed.
    ///
    /// # Errors
    /// The store.
    pub async fn balances(&self, it: &Authorisation) -> Result<Option<CardBalances>, StoreError> {
        if it.account.is_forwarded() {
            return Ok(None);
        }
        let offset_seconds = self.parts.vm_settings.unwrap_or_default().offset.seconds();
        let store = &self.parts.store;
        let found = store.vm_card_funds(it.enterprise_id, it.card_id, offset_seconds).await?;
        Ok(found.map(|(row, held_minor)| {
            let money = |minor| Money::new(minor, row.card.currency);
            let vm_card = &row.vm_card;
            let spendable =
                vm_card.spendable_minor(row.card.status, row.available_minor, &row.used);
            let is_prepaid = vm_card.funding == VmFunding::Prepaid;
            CardBalances {
                available: money(spendable),
                ledger: is_prepaid.then(|| money(row.available_minor.saturating_add(held_minor))),
            }
        }))
    }
}
