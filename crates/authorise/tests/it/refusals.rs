//! Purchases that are refused without asking the enterprise.

use domain::{
    Authorisation, AuthorisationStatus, CardEvent, Currency, HoldState, ResponseCode,
    TransactionType,
};
use scheme::Purchase;
use store::EnterprisePatch;

use crate::bed::{Bed, DEPOSIT_MINOR, LIMIT_MINOR};

/// Sends a purchase that is refused with this code and detail, without asking and with no money
/// moved.
async fn refused(bed: &Bed, purchase: Purchase, code: &str, detail: &str) -> Authorisation {
    let answer = bed.network.purchase(purchase).await.unwrap();
    let it = answer.authorisation;
    assert_eq!(it.status, AuthorisationStatus::Declined);
    assert_eq!((it.response_code.unwrap().as_str(), it.detail().as_deref()), (code, Some(detail)));
    assert_eq!(it.reject_reason.unwrap().as_str(), "DAPI_AUTH_INTERNAL_REJECT");
    assert_eq!((it.hold_state, it.hold_expires_at), (HoldState::None, None));
    assert_eq!((bed.enterprise.notices(), answer.enterprise_ms), (0, None));
    bed.assert_untouched().await;
    let view = bed.view(it.auth_id).await;
    assert_eq!(view.authorisation, it);
    let receipt: serde_json::Value = serde_json::from_str(&view.receipt).unwrap();
    assert_eq!(receipt["outcome"]["detail"], detail);
    assert_eq!(receipt["outcome"]["responseCode"], code);
    let failed: Vec<_> = receipt["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["passed"] == false)
        .map(|check| check["detail"].as_str().unwrap())
        .collect();
    assert_eq!(failed, [detail]);
    let results = bed.results(it.auth_id).await;
    assert_eq!(results.len(), 1);
    assert!(results[0].contains("DAPI_AUTH_INTERNAL_REJECT"));
    it
}

#[tokio::test]
async fn a_card_that_is_not_active_is_refused() {
    let bed = Bed::new().await;
    for (event, detail) in [
        (CardEvent::Freeze, "card_frozen"),
        (CardEvent::Block, "card_blocked"),
        (CardEvent::Terminate, "card_invalid"),
    ] {
        bed.change_card(event).await;
        refused(&bed, bed.purchase("1"), "11", detail).await;
    }
}

#[tokio::test]
async fn an_unfrozen_card_works_again() {
    let bed = Bed::new().await;
    bed.change_card(CardEvent::Freeze).await;
    bed.change_card(CardEvent::Unfreeze).await;
    let answer = bed.network.purchase(bed.purchase("1")).await.unwrap();
    assert_eq!(answer.authorisation.status, AuthorisationStatus::Approved);
}

#[tokio::test]
async fn an_expired_card_is_refused() {
    let bed = Bed::new().await;
    bed.store.clock().advance_to(bed.card.valid_until);
    refused(&bed, bed.purchase("1"), "11", "card_expired").await;
}

#[tokio::test]
async fn a_deposit_that_does_not_cover_the_amount_refuses_with_01() {
    let bed = Bed::new().await;
    refused(&bed, bed.purchase("1000.01"), "01", "deposit_exhausted").await;
    let answer = bed.network.purchase(bed.purchase("1000.00")).await.unwrap();
    assert_eq!(answer.authorisation.status, AuthorisationStatus::Approved);
    assert_eq!(bed.held_minor().await, DEPOSIT_MINOR);
}

#[tokio::test]
async fn an_amount_above_the_single_limit_refuses_with_01() {
    let bed = Bed::new().await;
    let above = domain::Money::new(LIMIT_MINOR + 1, Currency::USD).to_major();
    refused(&bed, bed.purchase(&above), "01", "single_limit_exceeded").await;
}

#[tokio::test]
async fn an_enterprise_that_cannot_be_asked_refuses() {
    let bed = Bed::new().await;
    let no_key = EnterprisePatch { external_public_key: Some(None), ..Default::default() };
    bed.patch(no_key).await;
    refused(&bed, bed.purchase("1"), "11", "no_external_public_key").await;
    bed.patch(EnterprisePatch { auth_url: Some(None), ..Default::default() }).await;
    refused(&bed, bed.purchase("1"), "11", "no_auth_url").await;
}

#[tokio::test]
async fn an_amount_that_cannot_be_converted_is_refused() {
    let bed = Bed::new().await;
    let in_sgd = || Purchase { currency: Currency::SGD, ..bed.purchase("0.01") };
    refused(&bed, in_sgd(), "11", "no_fx_rate").await;
    bed.set_rate(Currency::SGD, Currency::USD, "0.4").await;
    refused(&bed, in_sgd(), "11", "amount_rounds_to_zero").await;
}

#[tokio::test]
async fn an_inquiry_is_forwarded_and_never_moves_money() {
    let bed = Bed::new().await;
    for amount in ["0", "15.50"] {
        let purchase =
            Purchase { transaction_type: TransactionType::Inquiry, ..bed.purchase(amount) };
        let it = bed.network.purchase(purchase).await.unwrap().authorisation;
        assert_eq!(it.response_code, Some(ResponseCode::Approved));
        assert_eq!((it.hold_state, it.hold_expires_at), (HoldState::None, None));
        assert!(bed.network.clear(it.auth_id, None, true).await.is_err());
        assert!(bed.network.reverse(it.auth_id, None).await.is_err());
    }
    assert_eq!(bed.enterprise.notices(), 2);
    bed.assert_untouched().await;
}

#[tokio::test]
async fn invalid_amounts_write_nothing() {
    let bed = Bed::new().await;
    for amount in ["0", "-1", "1.001", "", "1e-3", "99999999999999999999"] {
        assert!(bed.network.purchase(bed.purchase(amount)).await.is_err(), "{amount}");
    }
    let refund = Purchase { transaction_type: TransactionType::Refund, ..bed.purchase("0") };
    assert!(bed.network.purchase(refund).await.is_err());
    let filter = store::AuthorisationFilter { limit: 10, ..Default::default() };
    assert_eq!(bed.store.authorisations(filter).await.unwrap(), []);
}
