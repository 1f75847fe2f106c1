//! Everything an authorisation reads from the store at its arrival.

use domain::{
    ApiKey, Card, CardProfile, Currency, Enterprise, FxTable, VelocityLimits, VmCard, VmFees,
};
use store::{PlatformKey, Store, VmTariff};

use crate::request::AuthoriseError;

/// The records related to a card.
pub(crate) struct CardContext {
    pub(crate) enterprise: Enterprise,
    pub(crate) profile: CardProfile,
    /// Every record of the card's PAN.
    pub(crate) cards_of_pan: Vec<Card>,
    /// `None` if the enterprise is not asked.
    pub(crate) platform_key: Option<PlatformKey>,
    /// Oldest first.
    pub(crate) api_keys: Vec<ApiKey>,
    /// Empty if no conversion is needed.
    pub(crate) fx_table: FxTable,
    /// The card's own record, if the platform decides for it.
    pub(crate) vm_card: Option<VmCard>,
    /// The fees of such a card's app.
    pub(crate) vm_fees: VmFees,
}

impl CardContext {
    /// The card's limits.
    pub(crate) fn limits(&self) -> VelocityLimits {
        let own = self.vm_card.as_ref().map(|it| it.limits).unwrap_or_default();
        own.within(self.profile.limits)
    }

    /// The fees for an authorisation of the card; `None` if it is free.
    pub(crate) fn tariff(&self, card: &Card) -> Option<VmTariff> {
        let vm_card = self.vm_card.as_ref().filter(|_| self.vm_fees.charges_authorisations())?;
        let (vm_app_id, fees) = (vm_card.vm_app_id, self.vm_fees);
        Some(VmTariff { vm_app_id, currency: card.currency, fees })
    }
}

/// Reads the records. Amounts in `from` are to be converted into the card's currency.
pub(crate) async fn load(
    store: &Store,
    card: &Card,
    from: Currency,
) -> Result<CardContext, AuthoriseError> {
    let found = store.card_surroundings(card).await?;
    let fx_table = if from == card.currency {
        FxTable::default()
    } else {
        store.fx_rate(from, card.currency).await?
    };
    if !card.account.is_forwarded() && found.vm_card.is_none() {
        // Without it the card would have no limits.
        return Err(AuthoriseError::Missing("card of an app"));
    }
    Ok(CardContext {
        enterprise: found.enterprise.ok_or(AuthoriseError::Missing("enterprise"))?,
        profile: found.profile.ok_or(AuthoriseError::Missing("profile"))?,
        cards_of_pan: found.cards_of_pan,
        platform_key: found.platform_key,
        api_keys: found.api_keys,
        fx_table,
        vm_card: found.vm_card,
        vm_fees: found.vm_fees,
    })
}
