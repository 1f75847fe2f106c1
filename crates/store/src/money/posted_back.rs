//! Postings that the network takes back (network-iso8583.md section 5.7). Pure.

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Cause, Direction, HoldState, Money, ResponseCode,
    Timestamp,
};
use ledger::LedgerError;

use super::steps::billing_part;
use super::{MoneyError, Webhooks, bill};

/// How much of an approved authorisation is taken back.
pub(super) struct Back<'a> {
    /// What remains of it, in minor units of the shop's currency.
    pub(super) remaining_minor: i64,
    pub(super) reversal_id: AuthId,
    pub(super) webhooks: &'a Webhooks,
    pub(super) now: Timestamp,
}

/// A posting that is taken back.
pub(super) struct PostedBack {
    /// The authorisation that was posted, of which less is left.
    pub(super) original: Authorisation,
    /// The record of what is taken back, which is posted too.
    pub(super) reversal: Authorisation,
}

/// A sale that is given back, as far as it is posted beyond what remains; `earlier_minor` of it was
/// given back before. Its record is still to be reported to the enterprise.
pub(super) fn of_sale(
    it: &Authorisation,
    earlier_minor: i64,
    back: &Back<'_>,
) -> Result<Option<PostedBack>, MoneyError> {
    let Some((original, taken)) = taken_from(it, earlier_minor, back)? else { return Ok(None) };
    let reversal = bill::reversal_record(it, (back.reversal_id, back.now), taken);
    Ok(Some(PostedBack { original, reversal: posted(reversal, taken) }))
}

/// A refund that is taken back, as far as it is posted beyond what remains. Its record is decided:
/// nobody is asked about what the network takes.
pub(super) fn of_refund(
    it: &Authorisation,
    back: &Back<'_>,
) -> Result<Option<PostedBack>, MoneyError> {
    let earlier_minor = it.reversed_acquirer_minor;
    let Some((original, taken)) = taken_from(it, earlier_minor, back)? else { return Ok(None) };
    let reversal = Authorisation {
        // It follows nothing: it is neither an increment of the refund nor a part of a bill.
        original_auth_id: None,
        direction: Direction::Outgoing,
        status: AuthorisationStatus::Approved,
        response_code: Some(ResponseCode::Approved),
        cause: Some(Cause::Reversal),
        hold_state: HoldState::Posted,
        decided_at: Some(back.now),
        ..bill::reversal_record(it, (back.reversal_id, back.now), taken)
    };
    Ok(Some(PostedBack { original, reversal: posted(reversal, taken) }))
}

/// A billing and an acquirer amount.
type Amounts = (Money, Money);

/// The amounts that are taken from a posting, and the authorisation that is left of it.
fn taken_from(
    it: &Authorisation,
    earlier_minor: i64,
    back: &Back<'_>,
) -> Result<Option<(Authorisation, Amounts)>, MoneyError> {
    let open_minor = it.cleared_acquirer_minor.saturating_sub(earlier_minor);
    let taken_minor = open_minor.saturating_sub(back.remaining_minor);
    if taken_minor <= 0 {
        return Ok(None);
    }
    let after_minor = earlier_minor.checked_add(taken_minor).ok_or(LedgerError::OutOfRange)?;
    let amount = billing_part(it, earlier_minor, after_minor);
    let acquirer_amount = Money::new(taken_minor, it.acquirer_amount.currency());
    let reversed_minor = it.reversed_acquirer_minor.checked_add(taken_minor);
    let reversed_acquirer_minor = reversed_minor.ok_or(LedgerError::OutOfRange)?;
    let original = Authorisation { reversed_acquirer_minor, ..it.clone() };
    Ok(Some((original, (amount, acquirer_amount))))
}

fn posted(it: Authorisation, (amount, acquirer_amount): Amounts) -> Authorisation {
    Authorisation {
        posted_minor: amount.amount_minor(),
        cleared_acquirer_minor: acquirer_amount.amount_minor(),
        ..it
    }
}
