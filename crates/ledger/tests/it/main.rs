//! The rules of money, over random histories.

use domain::{AccountId, Currency, EnterpriseId, HoldState, Money};
use ledger::{
    Account, LedgerError, Movement, clear, deposit, expire, hold, refund, release, withdraw,
};
use proptest::prelude::*;

/// An event of an account with one hold at a time.
#[derive(Debug, Clone)]
enum Event {
    Deposit(i64),
    Withdraw(i64),
    Hold(i64),
    Release(i64),
    Clear(i64, bool),
    Expire,
    Refund(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let minor = -5_i64..2_000;
    prop_oneof![
        minor.clone().prop_map(Event::Deposit),
        minor.clone().prop_map(Event::Withdraw),
        minor.clone().prop_map(Event::Hold),
        minor.clone().prop_map(Event::Release),
        (minor.clone(), any::<bool>()).prop_map(|(m, f)| Event::Clear(m, f)),
        Just(Event::Expire),
        minor.prop_map(Event::Refund),
    ]
}

const fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn empty() -> Account {
    Account::empty(EnterpriseId::from_i64(1), AccountId::from_i64(2), Currency::USD)
}

/// Plays one event and returns the movements it made.
fn play(
    account: &mut Account,
    open: &mut (HoldState, i64),
    event: &Event,
) -> Result<Vec<Movement>, LedgerError> {
    Ok(match *event {
        Event::Deposit(m) => vec![deposit(account, usd(m))?],
        Event::Withdraw(m) => vec![withdraw(account, usd(m))?],
        Event::Hold(m) if open.1 == 0 => {
            let movement = hold(account, usd(m))?;
            *open = (HoldState::Pending, m);
            vec![movement]
        }
        Event::Hold(_) => vec![],
        Event::Release(m) => {
            let movement = release(account, open.1, usd(m))?;
            open.1 -= m;
            vec![movement]
        }
        Event::Clear(m, is_final) => {
            let cleared = clear(account, open.0, open.1, usd(m), is_final)?;
            open.1 = cleared.hold_remaining_minor;
            if open.1 == 0 {
                open.0 = HoldState::Posted;
            }
            cleared.movements
        }
        Event::Expire => {
            let movement = expire(account, usd(open.1))?;
            *open = (HoldState::Expired, 0);
            vec![movement]
        }
        Event::Refund(m) => vec![refund(account, usd(m))?],
    })
}

proptest! {
    /// After each step of any history, the account obeys its rules, the held balance equals the
    /// rest of the hold, and the recorded movements alone lead to the same balances. A refused
    /// event changes nothing.
    #[test]
    fn every_history_keeps_the_rules(events in prop::collection::vec(event(), 1..60)) {
        let mut account = empty();
        let mut open = (HoldState::None, 0);
        let mut replayed = empty();
        for event in &events {
            let before = account.clone();
            match play(&mut account, &mut open, event) {
                Ok(movements) => {
                    for movement in movements {
                        prop_assert!(movement.amount.is_positive());
                        let transfer = ledger::Transfer {
                            enterprise_id: account.enterprise_id,
                            transfer_id: domain::TransferId::from_i64(1),
                            account_id: account.account_id,
                            kind: movement.kind,
                            from: movement.from,
                            to: movement.to,
                            amount: movement.amount,
                            auth_id: None,
                            reference: None,
                            created_at: domain::Timestamp::default(),
                        };
                        replayed.replay(&transfer).unwrap();
                    }
                }
                Err(_) => prop_assert_eq!(&account, &before),
            }
            prop_assert_eq!(account.check(), Ok(()));
            prop_assert_eq!(account.held_minor, open.1);
            replayed.forced_negative = account.forced_negative;
            prop_assert_eq!(&replayed, &account);
        }
    }
}

#[test]
fn a_hold_never_takes_more_than_is_available() {
    let mut account = empty();
    deposit(&mut account, usd(100)).unwrap();
    assert_eq!(hold(&mut account, usd(101)), Err(LedgerError::InsufficientFunds));
    hold(&mut account, usd(60)).unwrap();
    assert_eq!(hold(&mut account, usd(41)), Err(LedgerError::InsufficientFunds));
    assert_eq!(withdraw(&mut account, usd(41)), Err(LedgerError::InsufficientFunds));
    withdraw(&mut account, usd(40)).unwrap();
    assert_eq!((account.available_minor, account.held_minor), (0, 60));
}

#[test]
fn clearing_above_the_hold_forces_and_flags() {
    let mut account = empty();
    deposit(&mut account, usd(100)).unwrap();
    hold(&mut account, usd(100)).unwrap();
    let cleared = clear(&mut account, HoldState::Pending, 100, usd(130), true).unwrap();
    assert_eq!(cleared.hold_remaining_minor, 0);
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (-30, 0, 130));
    assert!(account.forced_negative);
    assert_eq!(account.check(), Ok(()));
}

#[test]
fn a_partial_clearing_leaves_the_rest_held_unless_it_is_final() {
    let mut account = empty();
    deposit(&mut account, usd(100)).unwrap();
    hold(&mut account, usd(80)).unwrap();
    let first = clear(&mut account, HoldState::Pending, 80, usd(30), false).unwrap();
    assert_eq!(first.hold_remaining_minor, 50);
    let last = clear(&mut account, HoldState::Pending, 50, usd(30), true).unwrap();
    assert_eq!(last.hold_remaining_minor, 0);
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (40, 0, 60));
}

#[test]
fn an_account_accepts_only_its_own_currency_and_only_what_fits() {
    let mut account = empty();
    let sgd = Money::new(1, Currency::SGD);
    assert_eq!(deposit(&mut account, sgd), Err(LedgerError::CurrencyMismatch));
    deposit(&mut account, usd(i64::MAX)).unwrap();
    assert_eq!(deposit(&mut account, usd(1)), Err(LedgerError::OutOfRange));
}

#[test]
fn a_refund_of_more_than_was_spent_flags_the_account() {
    let mut account = empty();
    deposit(&mut account, usd(100)).unwrap();
    refund(&mut account, usd(5)).unwrap();
    assert_eq!((account.available_minor, account.posted_minor), (105, -5));
    assert!(account.forced_negative);
    assert_eq!(account.check(), Ok(()));
    account.forced_negative = false;
    assert!(account.check().is_err());
}
