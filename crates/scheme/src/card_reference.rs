//! Resolves the data that the shop read off a card to the card's record. The clear PAN, CVV2 and
//! CVV end here.

use authorise::{Presented, PresentedValue};
use domain::{Card, CardStatus};
use store::Store;
use vault::{ClearPan, Vault, expiry_yymm, parse_expiry};
use zeroize::Zeroizing;

use crate::error::SchemeError;
use crate::order::{OrderCard, TrackCvv};

/// The record that is used, and the comparison of the presented expiry, CVV2 and CVV with it.
pub(crate) struct UsedCard {
    pub(crate) card: Card,
    pub(crate) presented: Presented,
}

/// Finds the record.
pub(crate) async fn find(
    store: &Store,
    vault: &Vault,
    reference: OrderCard,
) -> Result<UsedCard, SchemeError> {
    let (pan, expiry, cvv2, cvv1) = match reference {
        OrderCard::Record(card) => {
            return Ok(UsedCard { card: *card, presented: Presented::default() });
        }
        OrderCard::Id(card_id) => {
            let card =
                store.find_of_anyone::<Card>(card_id).await?.ok_or(SchemeError::CardNotFound)?;
            return Ok(UsedCard { card, presented: Presented::default() });
        }
        OrderCard::Pan { pan, expiry, cvv2, cvv1 } => (pan, expiry, cvv2, cvv1),
    };
    let expiry = expiry.map(|text| parse_expiry(&text).ok_or(SchemeError::Expiry)).transpose()?;
    let card = record_of_pan(store, vault, &pan).await?;
    let presented = Presented {
        cvv1: value(cvv1.map(|cvv1| track_cvv_matches(vault, &card, &pan, &cvv1))),
        ..compare(vault, &card, &pan, expiry.as_deref(), cvv2)
    };
    Ok(UsedCard { card, presented })
}

/// The record that a PAN stands for.
pub(crate) async fn record_of_pan(
    store: &Store,
    vault: &Vault,
    pan: &ClearPan,
) -> Result<Card, SchemeError> {
    let found = store.pan_by_fingerprint(vault.fingerprint(pan)).await?;
    let record = found.ok_or(SchemeError::CardNotFound)?;
    let cards = store.cards_of_pan(record.enterprise_id, record.pan_id).await?;
    active_record(cards).ok_or(SchemeError::CardNotFound)
}

fn compare(
    vault: &Vault,
    card: &Card,
    pan: &ClearPan,
    expiry: Option<&str>,
    cvv2: Option<Zeroizing<String>>,
) -> Presented {
    let own_expiry = expiry_yymm(card.valid_until);
    let cvv2 = cvv2.map(|cvv2| {
        // Computed over the card's own expiry, so each of the two is judged by itself.
        let own_cvv2 = vault.cvv2(card.enterprise_id, pan, &own_expiry);
        own_cvv2.is_ok_and(|own| own.matches(&cvv2))
    });
    Presented {
        expiry: value(expiry.map(|expiry| expiry == own_expiry)),
        cvv2: value(cvv2),
        ..Presented::default()
    }
}

/// Compares the CVV of a track, over the card's own expiry like CVV2.
fn track_cvv_matches(vault: &Vault, card: &Card, pan: &ClearPan, presented: &TrackCvv) -> bool {
    let TrackCvv { service_code: Some(service_code), digits: Some(digits) } = presented else {
        return false;
    };
    let own = vault.cvv(card.enterprise_id, pan, &expiry_yymm(card.valid_until), service_code);
    own.is_ok_and(|own| own.matches(digits))
}

const fn value(matches: Option<bool>) -> PresentedValue {
    match matches {
        None => PresentedValue::Absent,
        Some(true) => PresentedValue::Matched,
        Some(false) => PresentedValue::Mismatched,
    }
}

/// Of the records of one PAN, the one that a purchase uses: the active one, otherwise the newest
/// that is not ended, otherwise the newest (cardbridge-open-api.md section 14, U16). `cards` are
/// oldest first.
pub(crate) fn active_record(cards: Vec<Card>) -> Option<Card> {
    let rank = |card: &Card| match card.status {
        CardStatus::Activated => 2,
        CardStatus::WaitingActive | CardStatus::Frozen | CardStatus::Blocked => 1,
        CardStatus::Invalid => 0,
    };
    cards.into_iter().max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use domain::{
        CardId, CardStatusReason, CardType, Currency, CustomerId, EnterpriseId, PanId, ProfileId,
        Timestamp,
    };

    use super::*;

    fn card(id: i64, status: CardStatus) -> Card {
        Card {
            enterprise_id: EnterpriseId::from_i64(1),
            card_id: CardId::from_i64(id),
            profile_id: ProfileId::from_i64(2),
            customer_id: CustomerId::from_i64(4),
            pan_id: PanId::from_i64(5),
            card_type: CardType::Virtual,
            status,
            status_reason: CardStatusReason::Normal,
            pan_first6: "411111".to_owned(),
            pan_last4: "1111".to_owned(),
            currency: Currency::USD,
            valid_until: Timestamp::from_micros(0),
            account: domain::AccountOwner::Deposit,
            invalidate_reason: None,
            created_at: Timestamp::from_micros(0),
            modified_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn the_active_record_of_a_pan_is_used() {
        let used = |statuses: &[CardStatus]| {
            let cards = (0..).zip(statuses).map(|(id, status)| card(id, *status)).collect();
            active_record(cards).map(|card| card.card_id.as_i64())
        };
        use CardStatus::{Activated, Frozen, Invalid, WaitingActive};
        assert_eq!(used(&[]), None);
        assert_eq!(used(&[Activated, WaitingActive]), Some(0));
        assert_eq!(used(&[Invalid, Activated, Frozen]), Some(1));
        assert_eq!(used(&[Frozen, Invalid]), Some(0));
        assert_eq!(used(&[Invalid, Invalid]), Some(1));
    }
}
