//! Reversals, clearings, refunds and the expiry of holds.

use domain::{Authorisation, CardEvent, Currency, Direction, HoldState, TransactionType};
use scheme::{Purchase, Refund, RefundOf, SchemeError};

use crate::bed::{Bed, DEPOSIT_MINOR};

fn refund(of: RefundOf, amount: &str, currency: Currency) -> Refund {
    Refund { of, amount_text: amount.to_owned(), currency, stan: None, rrn: None }
}

async fn approved(bed: &Bed, amount: &str) -> Authorisation {
    let it = bed.network.purchase(bed.purchase(amount)).await.unwrap().authorisation;
    assert_eq!(it.hold_state, HoldState::Pending);
    it
}

#[tokio::test]
async fn a_clearing_in_part_and_a_final_one_spend_and_give_back() {
    let bed = Bed::new().await;
    let it = approved(&bed, "15.50").await;
    let first = bed.network.clear(it.auth_id, Some("5.00"), false).await.unwrap();
    assert_eq!(first.posting.amount.amount_minor(), 500);
    bed.network.clear(it.auth_id, Some("4"), true).await.unwrap();
    let account = bed.account().await;
    let balances = (account.available_minor, account.held_minor, account.posted_minor);
    assert_eq!(balances, (DEPOSIT_MINOR - 900, 0, 900));
    bed.assert_verified().await;
}

#[tokio::test]
async fn later_messages_work_on_a_terminated_card() {
    let bed = Bed::new().await;
    let (cleared, reversed) = (approved(&bed, "10").await, approved(&bed, "7").await);
    bed.change_card(CardEvent::Terminate).await;
    bed.network.clear(cleared.auth_id, None, true).await.unwrap();
    let reversal = bed.network.reverse(reversed.auth_id, None).await.unwrap().authorisation;
    assert_eq!(reversal.original_auth_id, Some(reversed.auth_id));
    assert_eq!((reversal.direction, reversal.outs_id), (Direction::Incoming, reversed.outs_id));
    let of = RefundOf::Authorisation(cleared.auth_id);
    let record = bed.network.refund(refund(of, "4", Currency::USD)).await.unwrap().authorisation;
    assert_eq!(record.transaction_type, TransactionType::Refund);
    assert_eq!((record.direction, record.outs_id), (Direction::Incoming, cleared.outs_id));
    assert_eq!(record.original_auth_id, Some(cleared.auth_id));
    let account = bed.account().await;
    let balances = (account.available_minor, account.held_minor, account.posted_minor);
    assert_eq!(balances, (DEPOSIT_MINOR - 600, 0, 600));
    assert_eq!(bed.enterprise.notices(), 4);
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_refund_of_a_card_in_another_currency_is_converted() {
    let bed = Bed::new().await;
    let it = approved(&bed, "50").await;
    bed.network.clear(it.auth_id, None, true).await.unwrap();
    let of = RefundOf::Card(bed.card.card_id);
    let without = bed.network.refund(refund(of, "10", Currency::SGD)).await.unwrap();
    assert_eq!(without.authorisation.detail().as_deref(), Some("no_fx_rate"));
    bed.set_rate(Currency::SGD, Currency::USD, "0.75").await;
    let record = bed.network.refund(refund(of, "10", Currency::SGD)).await.unwrap().authorisation;
    assert_eq!(record.amount.amount_minor(), 750);
    assert_eq!(record.acquirer_amount.to_major(), "10.00");
    assert_eq!(record.original_auth_id, None);
    assert_eq!(bed.account().await.posted_minor, 5000 - 750);
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_reversal_takes_back_at_most_what_is_left() {
    let bed = Bed::new().await;
    let it = approved(&bed, "15.50").await;
    bed.network.reverse(it.auth_id, Some("5.50")).await.unwrap();
    assert_eq!(bed.held_minor().await, 1000);
    for amount in ["10.01", "0", "-1", "1.234"] {
        assert!(bed.network.reverse(it.auth_id, Some(amount)).await.is_err(), "{amount}");
    }
    bed.network.reverse(it.auth_id, None).await.unwrap();
    bed.assert_untouched().await;
}

#[tokio::test]
async fn unknown_and_declined_authorisations_accept_no_later_message() {
    let bed = Bed::new().await;
    let unknown = domain::AuthId::from_i64(1);
    let result = bed.network.reverse(unknown, None).await;
    assert!(matches!(result, Err(SchemeError::AuthorisationNotFound)));
    bed.change_card(CardEvent::Freeze).await;
    let declined = bed.network.purchase(bed.purchase("1")).await.unwrap().authorisation.auth_id;
    assert!(bed.network.reverse(declined, None).await.is_err());
    assert!(bed.network.clear(declined, None, true).await.is_err());
    let of = RefundOf::Authorisation(declined);
    assert!(bed.network.refund(refund(of, "1", Currency::USD)).await.is_err());
    bed.assert_untouched().await;
}

#[tokio::test]
async fn a_clearing_is_in_the_currency_that_the_shop_asked_for() {
    let bed = Bed::new().await;
    bed.set_rate(Currency::SGD, Currency::USD, "0.75").await;
    let purchase = Purchase { currency: Currency::SGD, ..bed.purchase("20.00") };
    let it = bed.network.purchase(purchase).await.unwrap().authorisation;
    let cleared = bed.network.clear(it.auth_id, Some("10.00"), true).await.unwrap();
    assert_eq!(cleared.posting.acquirer_amount.to_major(), "10.00");
    assert_eq!(cleared.posting.amount.amount_minor(), 750);
    assert_eq!(bed.account().await.available_minor, DEPOSIT_MINOR - 750);
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_hold_is_released_when_its_days_are_over() {
    const DAY_SECONDS: u32 = 86_400;
    let bed = Bed::new().await;
    let it = approved(&bed, "15.50").await;
    bed.schedule.advance(6 * DAY_SECONDS).await.unwrap();
    assert_eq!(bed.held_minor().await, 1550);
    bed.schedule.advance(DAY_SECONDS).await.unwrap();
    bed.assert_untouched().await;
    assert_eq!(bed.view(it.auth_id).await.authorisation.hold_state, HoldState::Expired);
}
