//! Cards with their own money: decided here, without involving the enterprise.

use domain::{AccountOwner, AuthId, CardEvent, Currency, HoldState};
use ledger::Account;
use scheme::{Increment, Refund, RefundOf};
use store::AccountFilter;

use crate::bed::{Bed, DEPOSIT_MINOR};

/// A test bed whose deposit is the balance of its card.
async fn prepaid() -> Bed {
    limited("0, 0, 0, 0").await
}

/// The same with limits: per purchase, per day, per month and in total, minor units.
async fn limited(limits: &str) -> Bed {
    let mut bed = Bed::new().await;
    let card = bed.card.card_id;
    bed.change_store(&format!(
        "UPDATE card SET account_purpose = 'CARD', account_owner_id = {card};
         UPDATE ledger_account SET purpose = 'CARD', owner_id = {card};
         INSERT INTO vm_card (enterprise_id, card_id, vm_app_id, card_uuid, product_code, funding,
             label, sealed_holder, single_minor, day_minor, month_minor, total_minor, created_at)
         VALUES ({enterprise}, {card}, 9, '9a1d', 'S1', 'save', '', x'', {limits}, 0);
         INSERT INTO vm_app (enterprise_id, vm_app_id, app_id, secret_digest, signs_webhooks,
             ip_whitelist, created_at)
         VALUES ({enterprise}, 9, 'app', x'00', 0, '', 0);",
        enterprise = bed.enterprise_id
    ));
    bed.card.account = AccountOwner::Card(card);
    bed
}

async fn balance(bed: &Bed) -> Account {
    let filter =
        AccountFilter { enterprise_id: Some(bed.enterprise_id), limit: 10, ..Default::default() };
    let mut accounts = bed.store.accounts(filter).await.unwrap();
    assert_eq!(accounts.len(), 1);
    accounts.remove(0)
}

async fn assert_balances(bed: &Bed, available: i64, held: i64, posted: i64) {
    let account = balance(bed).await;
    let balances = (account.available_minor, account.held_minor, account.posted_minor);
    assert_eq!(balances, (available, held, posted));
    bed.assert_verified().await;
}

#[tokio::test]
async fn the_card_balance_decides_and_nobody_is_asked_or_notified() {
    let bed = prepaid().await;
    let answer = bed.network.purchase(bed.purchase("999.99")).await.unwrap();
    let approved = answer.authorisation;
    assert_eq!(approved.response_code.map(|code| code.as_str()), Some("00"));
    assert_eq!(approved.auth_code.as_ref().map(String::len), Some(6));
    assert_eq!((approved.hold_state, answer.enterprise_ms), (HoldState::Pending, None));
    let declined = bed.network.purchase(bed.purchase("0.02")).await.unwrap().authorisation;
    assert_eq!(declined.response_code.map(|code| code.as_str()), Some("01"));
    assert_eq!(declined.detail().as_deref(), Some("deposit_exhausted"));
    let receipt = bed.view(approved.auth_id).await.receipt;
    assert!(receipt.contains("\"approved\":true") && !receipt.contains("auth_url"), "{receipt}");
    for it in [approved.auth_id, declined.auth_id] {
        assert_eq!(bed.results(it).await, [] as [String; 0]);
    }
    assert_eq!(bed.enterprise.notices(), 0);
    assert_balances(&bed, 1, DEPOSIT_MINOR - 1, 0).await;
}

#[tokio::test]
async fn a_card_that_is_not_active_is_refused() {
    let bed = prepaid().await;
    bed.change_card(CardEvent::Freeze).await;
    let it = bed.network.purchase(bed.purchase("1")).await.unwrap().authorisation;
    assert_eq!(it.response_code.map(|code| code.as_str()), Some("11"));
    assert_eq!(it.detail().as_deref(), Some("card_frozen"));
    assert_balances(&bed, DEPOSIT_MINOR, 0, 0).await;
}

#[tokio::test]
async fn later_messages_move_the_money_of_a_frozen_card() {
    let bed = prepaid().await;
    let mut held = Vec::new();
    for amount in ["10", "20", "30"] {
        held.push(bed.network.purchase(bed.purchase(amount)).await.unwrap().authorisation.auth_id);
    }
    bed.change_card(CardEvent::Freeze).await;
    bed.network.clear(held[0], Some("12.50"), true).await.unwrap();
    bed.network.reverse(held[1], Some("5")).await.unwrap();
    let reversal = bed.network.reverse(held[1], None).await.unwrap().authorisation;
    assert_eq!(reversal.detail().as_deref(), Some("reversal"));
    assert_eq!(bed.view(held[1]).await.authorisation.hold_state, HoldState::Voided);
    bed.network.clear(held[2], Some("25"), true).await.unwrap();
    assert_balances(&bed, DEPOSIT_MINOR - 3_750, 0, 3_750).await;
    let of = RefundOf::Authorisation(held[0]);
    let currency = Currency::USD;
    let refund = Refund { of, amount_text: "2.50".to_owned(), currency, stan: None, rrn: None };
    let refund = bed.network.refund(refund).await.unwrap().authorisation;
    assert_eq!(refund.response_code.map(|code| code.as_str()), Some("00"));
    assert_balances(&bed, DEPOSIT_MINOR - 3_500, 0, 3_500).await;
    assert_eq!(bed.enterprise.notices(), 0);
}

#[tokio::test]
async fn an_expired_hold_is_released() {
    let bed = prepaid().await;
    let it = bed.network.purchase(bed.purchase("10")).await.unwrap().authorisation;
    bed.schedule.advance(8 * 86_400).await.unwrap();
    assert_eq!(bed.view(it.auth_id).await.authorisation.hold_state, HoldState::Expired);
    assert_balances(&bed, DEPOSIT_MINOR, 0, 0).await;
}

/// The cause of a purchase's decline; empty if it is approved.
async fn refusal(bed: &Bed, amount: &str) -> String {
    let it = bed.network.purchase(bed.purchase(amount)).await.unwrap().authorisation;
    let is_approved = it.response_code.map(|code| code.as_str()) == Some("00");
    if !is_approved {
        assert_eq!(it.response_code.map(|code| code.as_str()), Some("01"));
    }
    bed.assert_verified().await;
    it.detail().filter(|_| !is_approved).unwrap_or_default()
}

#[tokio::test]
async fn each_limit_of_the_card_may_be_reached_and_not_exceeded() {
    for (limits, detail) in [
        ("1000, 0, 0, 0", "single_limit_exceeded"),
        ("0, 1000, 0, 0", "daily_amount_exceeded"),
        ("0, 0, 1000, 0", "monthly_amount_exceeded"),
        ("0, 0, 0, 1000", "total_limit_exceeded"),
    ] {
        let bed = limited(limits).await;
        assert_eq!(refusal(&bed, "10.01").await, detail);
        assert_eq!(refusal(&bed, "10").await, "", "{limits}");
        let again = if detail.starts_with("single") { "" } else { detail };
        assert_eq!(refusal(&bed, "0.01").await, again);
    }
}

#[tokio::test]
async fn a_reversal_gives_back_to_every_limit_and_a_clearing_counts_once() {
    let bed = limited("0, 1000, 1000, 1000").await;
    let first = bed.network.purchase(bed.purchase("6")).await.unwrap().authorisation.auth_id;
    let second = bed.network.purchase(bed.purchase("4")).await.unwrap().authorisation.auth_id;
    bed.network.clear(second, None, true).await.unwrap();
    assert_eq!(refusal(&bed, "0.01").await, "daily_amount_exceeded");
    bed.network.reverse(first, Some("1")).await.unwrap();
    assert_eq!(refusal(&bed, "1").await, "");
    bed.network.reverse(first, None).await.unwrap();
    assert_eq!(refusal(&bed, "5.01").await, "daily_amount_exceeded");
    assert_eq!(refusal(&bed, "5").await, "");
}

#[tokio::test]
async fn the_total_limit_never_restarts_and_an_expiry_gives_back() {
    let bed = limited("0, 1000, 0, 1500").await;
    assert_eq!(refusal(&bed, "10").await, "");
    assert_eq!(refusal(&bed, "5").await, "daily_amount_exceeded");
    bed.schedule.advance(86_400).await.unwrap();
    assert_eq!(refusal(&bed, "5.01").await, "total_limit_exceeded");
    assert_eq!(refusal(&bed, "5").await, "");
    bed.schedule.advance(6 * 86_400).await.unwrap();
    assert_eq!(refusal(&bed, "10").await, "");
    assert_eq!(refusal(&bed, "1").await, "daily_amount_exceeded");
}

fn increment(auth_id: AuthId, amount: &str) -> Increment {
    Increment { auth_id, amount_text: amount.to_owned(), stan: None, rrn: None }
}

#[tokio::test]
async fn a_credit_line_gets_back_what_a_smaller_clearing_left() {
    let bed = limited("0, 0, 0, 1000").await;
    let it = bed.network.purchase(bed.purchase("10")).await.unwrap().authorisation.auth_id;
    let more = bed.network.increment(increment(it, "0.01")).await.unwrap().authorisation;
    assert_eq!(more.detail().as_deref(), Some("total_limit_exceeded"));
    bed.network.clear(it, Some("6"), true).await.unwrap();
    assert_eq!(refusal(&bed, "4.01").await, "total_limit_exceeded");
    let it = bed.network.purchase(bed.purchase("1")).await.unwrap().authorisation.auth_id;
    bed.network.increment(increment(it, "3")).await.unwrap();
    bed.network.clear(it, Some("2.50"), true).await.unwrap();
    assert_eq!(refusal(&bed, "1.51").await, "total_limit_exceeded");
    assert_eq!(refusal(&bed, "1.50").await, "");
}

#[tokio::test]
async fn profile_limits_too_begin_at_the_midnight_of_this_dialect() {
    const UTC8_MIDNIGHT_S: i64 = 16 * 3_600;
    let bed = prepaid().await;
    bed.change_store("UPDATE card_profile SET daily_amount_minor = 1000");
    let of_day_s = bed.store.clock().now().as_millis() / 1_000 % 86_400;
    let before_s = (UTC8_MIDNIGHT_S - 1_800 - of_day_s).rem_euclid(86_400);
    bed.schedule.advance(u32::try_from(before_s).unwrap()).await.unwrap();
    assert_eq!(refusal(&bed, "10").await, "");
    bed.schedule.advance(3_600).await.unwrap();
    assert_eq!(refusal(&bed, "0.01").await, "daily_amount_exceeded");
    bed.schedule.advance(8 * 3_600).await.unwrap();
    assert_eq!(refusal(&bed, "10").await, "");
}

#[tokio::test]
async fn without_the_record_of_its_limits_a_card_is_not_approved() {
    let bed = limited("1000, 0, 0, 0").await;
    bed.change_store("DELETE FROM vm_card");
    assert!(bed.network.purchase(bed.purchase("10.01")).await.is_err());
    assert_balances(&bed, DEPOSIT_MINOR, 0, 0).await;
}
