//! Postings that the network takes back (network-iso8583.md section 5.7). Pure.

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Cause, Direction, HoldState, Money, ResponseCode,
    Timestamp,
};
use ledger::LedgerError;

use super::steps::share_minor;
use super::{MoneyError, Webhooks, bill};

/// How much of an approved authorisation is taken back.
pub(super) struct Back<'a> {
    /// What remains of it, in minor units of the shop's currency.
    pub(super) remaining_minor: i64,
    pub(super) reversal_id: AuthId,
    pub(super) webhooks: &'a Webhooks,
    /// The receipt of the reversal until it is decided.
    pub(super) receipt: &'a str,
    pub(super) now: Timestamp,
}

/// What a bill has posted, and what of it was taken back, in both currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posted {
    /// Minor units of the shop's currency.
    pub(super) acquirer_minor: i64,
    pub(super) billing_minor: i64,
    pub(super) back_acquirer_minor: i64,
    pub(super) back_billing_minor: i64,
}

impl Posted {
    /// What is not taken back, minor units of the shop's currency.
    pub(super) const fn open_minor(&self) -> i64 {
        self.acquirer_minor.saturating_sub(self.back_acquirer_minor)
    }

    /// The billing amount of the next `taken_minor` of the shop's currency. Parts that follow one
    /// another add up to what was posted.
    fn billing_of(&self, taken_minor: i64) -> i64 {
        let after_minor = self.back_acquirer_minor.saturating_add(taken_minor);
        let all_minor = share_minor(after_minor, self.acquirer_minor, self.billing_minor);
        all_minor.saturating_sub(self.back_billing_minor).max(0)
    }
}

/// A posting that is taken back.
pub(super) struct PostedBack {
    /// The authorisation that was posted, of which less is left.
    pub(super) original: Authorisation,
    /// The record of what is taken back, which is posted too.
    pub(super) reversal: Authorisation,
}

/// A sale that is given back, as far as its bill is posted beyond what remains. Its record is still
/// to be reported to the enterprise.
pub(super) fn of_sale(
    it: &Authorisation,
    of_bill: Posted,
    back: &Back<'_>,
) -> Result<Option<PostedBack>, MoneyError> {
    let Some((original, taken)) = taken_from(it, of_bill, back)? else { return Ok(None) };
    let reversal = bill::reversal_record(it, (back.reversal_id, back.now), taken);
    Ok(Some(PostedBack { original, reversal: posted(reversal, taken) }))
}

/// A refund that is taken back, as far as it is posted beyond what remains. Its record is decided:
/// nobody is asked about what the network takes.
pub(super) fn of_refund(
    it: &Authorisation,
    back: &Back<'_>,
) -> Result<Option<PostedBack>, MoneyError> {
    let Some((original, taken)) = taken_from(it, refunded(it), back)? else { return Ok(None) };
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

/// What a refund has posted.
pub(super) fn refunded(it: &Authorisation) -> Posted {
    let (acquirer_minor, billing_minor) = (it.cleared_acquirer_minor, it.posted_minor);
    let back_acquirer_minor = it.reversed_acquirer_minor;
    let back_billing_minor = share_minor(back_acquirer_minor, acquirer_minor, billing_minor);
    Posted { acquirer_minor, billing_minor, back_acquirer_minor, back_billing_minor }
}

/// A billing and an acquirer amount.
type Amounts = (Money, Money);

/// The amounts that are taken from a posting, and the authorisation that is left of it.
fn taken_from(
    it: &Authorisation,
    of_bill: Posted,
    back: &Back<'_>,
) -> Result<Option<(Authorisation, Amounts)>, MoneyError> {
    let taken_minor = of_bill.open_minor().saturating_sub(back.remaining_minor);
    if taken_minor <= 0 {
        return Ok(None);
    }
    let amount = Money::new(of_bill.billing_of(taken_minor), it.amount.currency());
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
