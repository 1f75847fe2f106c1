//! Creates the card and PAN records of a new virtual card.

use domain::{
    AccountOwner, Card, CardId, CardOrder, CardProfile, CardStatus, CardStatusReason, CardType,
    CustomerId, EnterpriseId, PanId, Timestamp,
};
use store::{IssuedCard, PanRecord, Store};
use vault::Vault;

/// Creates, without storing it, a virtual card on the deposit, with a random PAN from the profile's
/// range. The caller must handle a PAN that is already taken. The card is valid to the end of the
/// 48th month after the month of `now`, in UTC+8
/// (operator-and-sandbox.md section 5, Authorisations).
pub fn draw_card(
    vault: &Vault,
    store: &Store,
    order: &CardOrder,
    profile: &CardProfile,
    now: Timestamp,
) -> IssuedCard {
    let bearer = (order.enterprise_id, order.customer_id);
    let card_id = CardId::from_i64(store.ids().next());
    draw_card_of(vault, store, bearer, (card_id, AccountOwner::Deposit), profile, now)
}

/// Like [`draw_card`], but for a given customer, card id and account, without an order.
pub fn draw_card_of(
    vault: &Vault,
    store: &Store,
    (enterprise_id, customer_id): (EnterpriseId, CustomerId),
    (card_id, account): (CardId, AccountOwner),
    profile: &CardProfile,
    now: Timestamp,
) -> IssuedCard {
    let pan = vault.draw_pan(&profile.bin_range);
    let pan_id = PanId::from_i64(store.ids().next());
    let card = Card {
        enterprise_id,
        card_id,
        profile_id: profile.profile_id,
        customer_id,
        pan_id,
        card_type: CardType::Virtual,
        status: CardStatus::Activated,
        status_reason: CardStatusReason::Normal,
        pan_first6: pan.first6().to_owned(),
        pan_last4: pan.last4().to_owned(),
        currency: profile.currency,
        valid_until: now.utc8_month_start_after(CardProfile::VALID_MONTHS + 1),
        account,
        invalidate_reason: None,
        created_at: now,
        modified_at: now,
    };
    let record = PanRecord {
        enterprise_id,
        pan_id,
        fingerprint: vault.fingerprint(&pan),
        sealed_pan: vault.seal_pan(enterprise_id, pan_id, &pan),
        created_at: now,
    };
    IssuedCard { pan: record, card }
}
