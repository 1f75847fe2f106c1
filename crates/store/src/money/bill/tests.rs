use domain::{
    AccountId, AccountOwner, AuthType, CardId, Currency, CustomerId, EnterpriseId, OutsId, Payer,
    Timestamp,
};
use proptest::prelude::*;

use super::super::steps::begin;
use super::*;

const NOW: Timestamp = Timestamp::from_micros(1);

fn approved(acquirer_minor: i64, billing_minor: i64) -> (Account, Bill) {
    let enterprise_id = EnterpriseId::from_i64(1);
    let mut account = Account::empty(enterprise_id, AccountId::from_i64(2), Currency::SGD);
    let amount = Money::new(billing_minor, Currency::SGD);
    ledger::deposit(&mut account, amount).unwrap();
    let payer = Payer {
        enterprise_id,
        card_id: CardId::from_i64(4),
        customer_id: CustomerId::from_i64(5),
        account: AccountOwner::Deposit,
    };
    let (auth_id, outs_id) = (AuthId::from_i64(3), OutsId::from_i64(6));
    let mut authorisation = Authorisation {
        acquirer_amount: Money::new(acquirer_minor, Currency::USD),
        ..Authorisation::purchase(payer, auth_id, outs_id, amount, NOW)
    };
    begin(Some(&mut account), &mut authorisation, 0).unwrap();
    authorisation.status = AuthorisationStatus::Approved;
    (account, Bill { original: authorisation, increments: Vec::new() })
}

fn clearing(minor: Option<i64>, is_final: bool) -> ClearAuthorisation {
    ClearAuthorisation {
        auth_id: AuthId::from_i64(3),
        acquirer_amount_minor: minor,
        is_final,
        webhooks: None,
    }
}

fn reversal(minor: Option<i64>) -> ReverseAuthorisation {
    ReverseAuthorisation {
        auth_id: AuthId::from_i64(3),
        remaining_minor: None,
        takes_refunds: false,
        receipt: "{}".to_owned(),
        acquirer_amount_minor: minor,
        reversal_id: AuthId::from_i64(9),
        webhooks: None,
        now: NOW,
    }
}

proptest! {
    /// Parts of a converted amount, cleared and reversed in any order, use up the hold to
    /// the last minor unit, and the account obeys its rules after each.
    #[test]
    fn parts_of_a_converted_amount_leave_nothing_over(
        acquirer in 1_i64..100_000,
        billing in 1_i64..200_000,
        parts in prop::collection::vec((1_i64..40_000, any::<bool>()), 0..12),
    ) {
        let (mut account, mut it) = approved(acquirer, billing);
        for (part, is_clearing) in parts {
            let left = acquirer_left_minor(&it.original);
            let part = part.min(left);
            if part == 0 { break; }
            // A part that rounds to zero counts but moves nothing.
            if is_clearing {
                clear(&mut account, &mut it, &clearing(Some(part), false)).unwrap();
            } else {
                reverse(&mut account, &mut it, &reversal(Some(part))).unwrap();
            }
            prop_assert_eq!(account.check(), Ok(()));
            prop_assert_eq!(account.held_minor, it.original.hold_remaining_minor);
            prop_assert!(account.available_minor >= 0);
        }
        if acquirer_left_minor(&it.original) > 0 {
            reverse(&mut account, &mut it, &reversal(None)).unwrap();
        }
        prop_assert_eq!(account.held_minor, 0);
        prop_assert_eq!(it.original.hold_remaining_minor, 0);
        prop_assert_eq!(account.posted_minor, it.original.posted_minor);
        prop_assert_eq!(account.available_minor + it.original.posted_minor, billing);
    }
}

proptest! {
    /// The same for a whole bill: an increment's hold may be empty before its amount is used up.
    #[test]
    fn parts_of_a_raised_bill_leave_nothing_over(
        acquirer in 1_i64..500,
        billing in 1_i64..50,
        parts in prop::collection::vec((1_i64..60, any::<bool>()), 0..24),
        is_named in any::<bool>(),
    ) {
        let (mut account, mut it) = approved(acquirer, billing);
        let increment = follower(&mut account, &it, AuthType::Normal);
        if is_named {
            it = Bill { original: increment, increments: Vec::new() };
        } else {
            it.increments.push(increment);
        }
        let whole = account.held_minor;
        let own = if is_named { billing } else { whole };
        let left = |it: &Bill| -> i64 {
            it.increments.iter().chain([&it.original]).map(acquirer_left_minor).sum()
        };
        for (part, is_clearing) in parts {
            let part = part.min(left(&it));
            if part == 0 { break; }
            if is_clearing {
                clear(&mut account, &mut it, &clearing(Some(part), false)).unwrap();
            } else {
                reverse(&mut account, &mut it, &reversal(Some(part))).unwrap();
            }
            prop_assert_eq!(account.check(), Ok(()));
            prop_assert_eq!(account.held_minor, whole - own + it.held_minor());
        }
        if left(&it) > 0 {
            clear(&mut account, &mut it, &clearing(None, true)).unwrap();
        }
        prop_assert_eq!(it.held_minor(), 0);
        prop_assert_eq!(account.held_minor, whole - own);
        prop_assert_eq!(account.posted_minor, it.original.posted_minor);
    }
}

#[test]
fn seven_parts_of_seven_cents_come_to_the_five_that_are_held() {
    let (mut account, mut it) = approved(7, 5);
    let posted: Vec<_> = (0..7)
        .map(|_| clear(&mut account, &mut it, &clearing(Some(1), false)).unwrap())
        .map(|cleared| cleared.amount.amount_minor())
        .collect();
    assert_eq!(posted, [1, 0, 1, 1, 1, 0, 1]);
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (0, 0, 5));
    let again = clear(&mut account, &mut it, &clearing(Some(1), false));
    assert!(matches!(again, Err(MoneyError::Ledger(LedgerError::HoldClosed))));
}

#[test]
fn a_final_clearing_that_rounds_to_nothing_gives_the_hold_back() {
    let (mut account, mut it) = approved(1_000, 6);
    clear(&mut account, &mut it, &clearing(Some(1), true)).unwrap();
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (6, 0, 0));
    assert_eq!(it.original.hold_state, HoldState::Posted);
}

#[test]
fn a_full_clearing_posts_exactly_what_was_held() {
    let (mut account, mut it) = approved(1550, 2050);
    let cleared = clear(&mut account, &mut it, &clearing(None, true)).unwrap();
    assert_eq!(cleared.amount, Money::new(2050, Currency::SGD));
    assert_eq!(cleared.acquirer_amount, Money::new(1550, Currency::USD));
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (0, 0, 2050));
    for again in [None, Some(1550)] {
        let refused = clear(&mut account, &mut it, &clearing(again, true));
        assert!(matches!(refused.map(|_| ()), Err(MoneyError::Ledger(_))));
    }
    assert_eq!(account.posted_minor, 2050);
}

#[test]
fn nothing_is_cleared_or_reversed_that_was_not_approved() {
    let (mut account, mut it) = approved(100, 100);
    it.original.status = AuthorisationStatus::Declined;
    let refused = clear(&mut account, &mut it, &clearing(None, true));
    assert!(matches!(refused.map(|_| ()), Err(MoneyError::NotApproved)));
    let refused = reverse(&mut account, &mut it, &reversal(None));
    assert!(matches!(refused.map(|_| ()), Err(MoneyError::NotApproved)));
}

#[test]
fn no_more_is_reversed_than_is_left() {
    let (mut account, mut it) = approved(100, 135);
    clear(&mut account, &mut it, &clearing(Some(40), false)).unwrap();
    let refused = reverse(&mut account, &mut it, &reversal(Some(61)));
    assert!(matches!(refused.map(|_| ()), Err(MoneyError::ExceedsAuthorisation)));
    reverse(&mut account, &mut it, &reversal(Some(60))).unwrap();
    assert_eq!(it.original.hold_state, HoldState::Posted);
    assert_eq!((account.available_minor, account.held_minor, account.posted_minor), (81, 0, 54));
}

/// A second authorisation about the same bill, with its hold taken.
fn follower(account: &mut Account, bill: &Bill, auth_type: AuthType) -> Authorisation {
    let mut it = bill.original.clone();
    it.auth_id = AuthId::from_i64(7);
    it.original_auth_id = Some(bill.original.auth_id);
    it.auth_type = auth_type;
    it.status = AuthorisationStatus::Pending;
    it.hold_state = HoldState::None;
    it.hold_remaining_minor = 0;
    let more = Money::new(it.amount.amount_minor(), it.amount.currency());
    ledger::deposit(account, more).unwrap();
    begin(Some(account), &mut it, 0).unwrap();
    it.status = AuthorisationStatus::Approved;
    it
}

#[test]
fn a_reservation_whose_time_ran_out_is_not_cleared_beside_its_completion() {
    let (mut account, mut bill) = approved(100, 100);
    release(&mut account, &mut bill.original, i64::MAX).unwrap();
    bill.original.hold_state = HoldState::Expired;
    let mut completion = follower(&mut account, &bill, AuthType::PreAuthCompletion);
    complete(&mut account, &mut bill, &mut completion).unwrap();
    assert!(clear(&mut account, &mut bill, &clearing(Some(100), true)).is_err());
    assert_eq!((account.held_minor, account.posted_minor), (100, 0));
}

/// A bill cleared for good, one reversed, and one whose hold a clearing used up.
fn ended_bills() -> [(Account, Bill); 3] {
    let [mut cleared, mut reversed, mut used_up] = [(); 3].map(|()| approved(100, 100));
    clear(&mut cleared.0, &mut cleared.1, &clearing(Some(40), true)).unwrap();
    reverse(&mut reversed.0, &mut reversed.1, &reversal(None)).unwrap();
    clear(&mut used_up.0, &mut used_up.1, &clearing(None, false)).unwrap();
    [cleared, reversed, used_up]
}

#[test]
fn a_reservation_that_was_cleared_or_reversed_is_not_completed() {
    for (mut account, mut bill) in ended_bills() {
        let mut late = follower(&mut account, &bill, AuthType::PreAuthCompletion);
        let before = (account.clone(), bill.original.clone(), late.clone());
        let refused = complete(&mut account, &mut bill, &mut late);
        assert!(matches!(refused, Err(MoneyError::Ledger(LedgerError::HoldClosed))));
        assert_eq!((account, bill.original, late), before);
    }
}

#[test]
fn an_increment_joins_no_bill_that_has_ended() {
    let [cleared, reversed, used_up] = ended_bills().map(|(_, bill)| join(&bill.original));
    for refused in [cleared, reversed] {
        assert!(matches!(refused, Err(MoneyError::Ledger(LedgerError::HoldClosed))));
    }
    // A clearing that is not final leaves the bill open for increments.
    assert!(used_up.is_ok());
}
