//! What each money command does to one authorisation and one account. Pure.

use domain::{
    Authorisation, AuthorisationStatus, ErrorCode, HoldState, Money, ResponseCode, Timestamp,
    TransactionType,
};
use ledger::{Account, Movement};

use super::{ClearAuthorisation, DecideAuthorisation, MoneyError, ReverseAuthorisation};

/// What the step of an authorisation's acquirer amount from `before_minor` to
/// `after_minor` is in the billing currency. The whole is the authorised amount, and parts
/// that follow one another add up to it, so that no rounding is left over.
fn billing_part(authorisation: &Authorisation, before_minor: i64, after_minor: i64) -> Money {
    let at = |minor: i64| billing_position(authorisation, minor);
    Money::new(at(after_minor) - at(before_minor), authorisation.amount.currency())
}

/// The billing amount, rounded half up, that the first `minor` units of the acquirer
/// amount stand for.
fn billing_position(authorisation: &Authorisation, minor: i64) -> i64 {
    let whole = i128::from(authorisation.acquirer_amount.amount_minor());
    if whole <= 0 {
        return 0;
    }
    let scaled = i128::from(minor) * i128::from(authorisation.amount.amount_minor());
    let rounded = (2 * scaled + whole).div_euclid(2 * whole);
    // Amounts from outside are bounded far below an i64 (Money::MAX_INPUT_MINOR).
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// How much of the acquirer amount is neither cleared nor reversed.
fn acquirer_left_minor(authorisation: &Authorisation) -> i64 {
    authorisation.acquirer_amount.amount_minor() - acquirer_used_minor(authorisation)
}

const fn acquirer_used_minor(authorisation: &Authorisation) -> i64 {
    authorisation.cleared_acquirer_minor.saturating_add(authorisation.reversed_acquirer_minor)
}

/// Takes the hold of a new authorisation, or declines it because the deposit does not
/// cover it. An inquiry holds nothing, whatever its amount.
pub(super) fn begin(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
) -> Result<Option<Movement>, MoneyError> {
    if authorisation.status != AuthorisationStatus::Pending {
        return Ok(None);
    }
    if authorisation.amount.amount_minor() == 0 || is_inquiry(authorisation) {
        authorisation.hold_state = HoldState::None;
        return Ok(None);
    }
    let taken = account.map(|account| ledger::hold(account, authorisation.amount));
    match taken {
        Some(Ok(movement)) => {
            authorisation.hold_state = HoldState::Pending;
            authorisation.hold_remaining_minor = authorisation.amount.amount_minor();
            Ok(Some(movement))
        }
        None | Some(Err(ledger::LedgerError::InsufficientFunds)) => {
            refuse(authorisation, "deposit_exhausted");
            Ok(None)
        }
        Some(Err(error)) => Err(error.into()),
    }
}

/// Declines a new authorisation because there is not enough of something.
pub(super) fn refuse(authorisation: &mut Authorisation, detail: &str) {
    authorisation.status = AuthorisationStatus::Declined;
    authorisation.response_code = Some(ResponseCode::InsufficientFunds);
    authorisation.reject_reason = Some(ErrorCode::AuthInternalReject);
    authorisation.detail = Some(detail.to_owned());
    authorisation.decided_at = Some(authorisation.created_at);
    authorisation.hold_state = HoldState::None;
    authorisation.hold_expires_at = None;
}

/// Decides an authorisation; a decline gives the hold back.
pub(super) fn decide(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    decision: &DecideAuthorisation,
) -> Result<Option<Movement>, MoneyError> {
    let approved = decision.response_code == ResponseCode::Approved;
    let mut movement = None;
    if !approved && authorisation.hold_state == HoldState::Pending {
        movement = Some(give_back(account, authorisation, HoldState::Voided)?);
    }
    authorisation.status =
        if approved { AuthorisationStatus::Approved } else { AuthorisationStatus::Declined };
    authorisation.response_code = Some(decision.response_code);
    authorisation.reject_reason = decision.reject_reason;
    authorisation.detail = Some(decision.detail.clone());
    authorisation.auth_code.clone_from(&decision.auth_code);
    authorisation.decided_at = Some(decision.now);
    Ok(movement)
}

/// Gives back all that a hold has left.
pub(super) fn give_back(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    state: HoldState,
) -> Result<Movement, MoneyError> {
    let account = account.ok_or(MoneyError::NotFound)?;
    let left = Money::new(authorisation.hold_remaining_minor, authorisation.amount.currency());
    let movement = if state == HoldState::Expired {
        ledger::expire(account, left)?
    } else {
        ledger::release(account, left.amount_minor(), left)?
    };
    authorisation.hold_remaining_minor = 0;
    authorisation.hold_state = state;
    authorisation.hold_expires_at = None;
    Ok(movement)
}

/// What a clearing did, in both currencies.
pub(super) struct Cleared {
    pub(super) movements: Vec<Movement>,
    pub(super) amount: Money,
    pub(super) acquirer_amount: Money,
}

/// Posts a clearing against an approved authorisation.
pub(super) fn clear(
    account: &mut Account,
    authorisation: &mut Authorisation,
    request: &ClearAuthorisation,
) -> Result<Cleared, MoneyError> {
    require_approved(authorisation)?;
    // Cleared for good or wholly reversed: the same clearing sent twice must not post twice.
    if matches!(authorisation.hold_state, HoldState::Posted | HoldState::Voided) {
        return Err(ledger::LedgerError::HoldClosed.into());
    }
    let left_minor = acquirer_left_minor(authorisation);
    let acquirer_minor = request.acquirer_amount_minor.unwrap_or(left_minor);
    if acquirer_minor <= 0 {
        return Err(MoneyError::ExceedsAuthorisation);
    }
    let used_minor = acquirer_used_minor(authorisation);
    let after_minor =
        used_minor.checked_add(acquirer_minor).ok_or(ledger::LedgerError::OutOfRange)?;
    let amount = billing_part(authorisation, used_minor, after_minor);
    // Before the account changes: a refused clearing must leave it as it was.
    let posted_minor = authorisation
        .posted_minor
        .checked_add(amount.amount_minor())
        .ok_or(ledger::LedgerError::OutOfRange)?;
    let cleared = ledger::clear(
        account,
        authorisation.hold_state,
        authorisation.hold_remaining_minor,
        amount,
        request.is_final,
    )?;
    authorisation.hold_remaining_minor = cleared.hold_remaining_minor;
    authorisation.hold_state = cleared.hold_state;
    if cleared.hold_state != HoldState::Pending {
        authorisation.hold_expires_at = None;
    }
    authorisation.posted_minor = posted_minor;
    authorisation.cleared_acquirer_minor += acquirer_minor;
    let acquirer_amount = Money::new(acquirer_minor, authorisation.acquirer_amount.currency());
    Ok(Cleared { movements: cleared.movements, amount, acquirer_amount })
}

/// What a reversal gave back, in both currencies.
pub(super) struct Reversed {
    pub(super) movement: Option<Movement>,
    pub(super) amount: Money,
    pub(super) acquirer_amount: Money,
}

/// Takes back a part of an approved authorisation, or all that is left of it.
pub(super) fn reverse(
    account: &mut Account,
    authorisation: &mut Authorisation,
    request: &ReverseAuthorisation,
) -> Result<Reversed, MoneyError> {
    require_approved(authorisation)?;
    if authorisation.hold_state != HoldState::Pending {
        return Err(ledger::LedgerError::HoldClosed.into());
    }
    let left_minor = acquirer_left_minor(authorisation);
    let acquirer_minor = request.acquirer_amount_minor.unwrap_or(left_minor);
    if acquirer_minor <= 0 || acquirer_minor > left_minor {
        return Err(MoneyError::ExceedsAuthorisation);
    }
    let used_minor = acquirer_used_minor(authorisation);
    let amount = billing_part(authorisation, used_minor, used_minor + acquirer_minor);
    let mut movement = None;
    if amount.is_positive() {
        movement = Some(ledger::release(account, authorisation.hold_remaining_minor, amount)?);
        authorisation.hold_remaining_minor -= amount.amount_minor();
    }
    authorisation.reversed_acquirer_minor += acquirer_minor;
    if authorisation.hold_remaining_minor == 0 {
        let cleared = authorisation.posted_minor > 0;
        authorisation.hold_state = if cleared { HoldState::Posted } else { HoldState::Voided };
        authorisation.hold_expires_at = None;
    }
    let acquirer_amount = Money::new(acquirer_minor, authorisation.acquirer_amount.currency());
    Ok(Reversed { movement, amount, acquirer_amount })
}

/// The reversal's own record.
pub(super) fn reversal_record(
    original: &Authorisation,
    request: &ReverseAuthorisation,
    reversed: &Reversed,
) -> Authorisation {
    Authorisation {
        auth_id: request.reversal_id,
        original_auth_id: Some(original.auth_id),
        direction: domain::Direction::Incoming,
        amount: reversed.amount,
        acquirer_amount: reversed.acquirer_amount,
        network_key: None,
        detail: Some("reversal".to_owned()),
        response_code: Some(ResponseCode::Approved),
        reject_reason: None,
        auth_code: None,
        hold_state: HoldState::None,
        hold_remaining_minor: 0,
        hold_expires_at: None,
        posted_minor: 0,
        cleared_acquirer_minor: 0,
        reversed_acquirer_minor: 0,
        created_at: request.now,
        decided_at: Some(request.now),
        ..original.clone()
    }
}

/// Whether an open hold's time has run out.
pub(super) fn is_expired(authorisation: &Authorisation, now: Timestamp) -> bool {
    authorisation.hold_state == HoldState::Pending
        && authorisation.status != AuthorisationStatus::Pending
        && authorisation.hold_expires_at.is_some_and(|at| at <= now)
}

/// Whether it moves nothing (cardbridge-open-api.md section 8.2).
fn is_inquiry(authorisation: &Authorisation) -> bool {
    authorisation.transaction_type == TransactionType::Inquiry
}

fn require_approved(authorisation: &Authorisation) -> Result<(), MoneyError> {
    let approved = authorisation.status == AuthorisationStatus::Approved
        && authorisation.direction == domain::Direction::Outgoing
        && !is_inquiry(authorisation);
    if approved { Ok(()) } else { Err(MoneyError::NotApproved) }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, AuthId, AuthType, CardId, Currency, CustomerId, Direction, EnterpriseId,
        Merchant, OutsId,
    };
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1);

    fn approved(acquirer_minor: i64, billing_minor: i64) -> (Account, Authorisation) {
        let enterprise_id = EnterpriseId::from_i64(1);
        let mut account = Account::empty(enterprise_id, AccountId::from_i64(2), Currency::SGD);
        let amount = Money::new(billing_minor, Currency::SGD);
        ledger::deposit(&mut account, amount).unwrap();
        let mut authorisation = Authorisation {
            enterprise_id,
            auth_id: AuthId::from_i64(3),
            card_id: CardId::from_i64(4),
            customer_id: CustomerId::from_i64(5),
            outs_id: OutsId::from_i64(6),
            original_auth_id: None,
            direction: Direction::Outgoing,
            auth_type: AuthType::Normal,
            transaction_type: TransactionType::Purchase,
            amount,
            acquirer_amount: Money::new(acquirer_minor, Currency::USD),
            fx_rate: "1".to_owned(),
            merchant: Merchant::default(),
            network_key: None,
            status: AuthorisationStatus::Pending,
            response_code: None,
            reject_reason: None,
            detail: None,
            auth_code: None,
            hold_state: HoldState::None,
            hold_remaining_minor: 0,
            hold_expires_at: None,
            posted_minor: 0,
            cleared_acquirer_minor: 0,
            reversed_acquirer_minor: 0,
            created_at: NOW,
            decided_at: None,
        };
        begin(Some(&mut account), &mut authorisation).unwrap();
        authorisation.status = AuthorisationStatus::Approved;
        (account, authorisation)
    }

    fn clearing(minor: Option<i64>, is_final: bool) -> ClearAuthorisation {
        ClearAuthorisation {
            auth_id: AuthId::from_i64(3),
            acquirer_amount_minor: minor,
            is_final,
            now: NOW,
        }
    }

    fn reversal(minor: Option<i64>) -> ReverseAuthorisation {
        ReverseAuthorisation {
            auth_id: AuthId::from_i64(3),
            acquirer_amount_minor: minor,
            reversal_id: AuthId::from_i64(9),
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
                let left = acquirer_left_minor(&it);
                let part = part.min(left);
                if part == 0 { break; }
                // A part that rounds to nothing is refused and changes nothing.
                let before = (account.clone(), it.clone());
                let done = if is_clearing {
                    clear(&mut account, &mut it, &clearing(Some(part), false)).map(|_| ())
                } else {
                    reverse(&mut account, &mut it, &reversal(Some(part))).map(|_| ())
                };
                if done.is_err() {
                    prop_assert_eq!((&account, &it), (&before.0, &before.1));
                }
                prop_assert_eq!(account.check(), Ok(()));
                prop_assert_eq!(account.held_minor, it.hold_remaining_minor);
                prop_assert!(account.available_minor >= 0);
            }
            if it.hold_state == HoldState::Pending {
                reverse(&mut account, &mut it, &reversal(None)).unwrap();
            }
            prop_assert_eq!(account.held_minor, 0);
            prop_assert_eq!(it.hold_remaining_minor, 0);
            prop_assert_eq!(account.posted_minor, it.posted_minor);
            prop_assert_eq!(account.available_minor + it.posted_minor, billing);
        }
    }

    #[test]
    fn a_full_clearing_posts_exactly_what_was_held() {
        let (mut account, mut it) = approved(1550, 2050);
        let cleared = clear(&mut account, &mut it, &clearing(None, true)).unwrap();
        assert_eq!(cleared.amount, Money::new(2050, Currency::SGD));
        assert_eq!(cleared.acquirer_amount, Money::new(1550, Currency::USD));
        assert_eq!(
            (account.available_minor, account.held_minor, account.posted_minor),
            (0, 0, 2050)
        );
        for again in [None, Some(1550)] {
            let refused = clear(&mut account, &mut it, &clearing(again, true));
            assert!(matches!(refused.map(|_| ()), Err(MoneyError::Ledger(_))));
        }
        assert_eq!(account.posted_minor, 2050);
    }

    #[test]
    fn nothing_is_cleared_or_reversed_that_was_not_approved() {
        let (mut account, mut it) = approved(100, 100);
        it.status = AuthorisationStatus::Declined;
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
        assert_eq!(it.hold_state, HoldState::Posted);
        assert_eq!(
            (account.available_minor, account.held_minor, account.posted_minor),
            (81, 0, 54)
        );
    }
}
