//! To which total of a reconciliation a message counts, and with how much
//! (network-iso8583.md section 3.7). Pure.

use domain::{LinkArrival, MessageKind, Money, Reconciled, TotalKind, TransactionType};

use super::link_messages::LinkMessage;
use super::steps::share_minor;

/// What a request or advice counts to once it is approved.
pub(super) fn of_approval(
    arrival: &LinkArrival,
    transaction_type: TransactionType,
) -> Option<Reconciled> {
    let kind = match (arrival.message.identity.numbers.kind, transaction_type) {
        (MessageKind::Reversal | MessageKind::Reconciliation, _) => return None,
        (_, TransactionType::Inquiry) => TotalKind::Inquiry,
        (MessageKind::Authorisation, _) => TotalKind::Authorisation,
        (MessageKind::Financial, TransactionType::Refund) => TotalKind::Credit,
        (MessageKind::Financial, TransactionType::Purchase | TransactionType::Cash) => {
            TotalKind::Debit
        }
    };
    Some(Reconciled { kind, amount: arrival.record.settlement.or(arrival.message.facts.amount) })
}

/// The total to which the reversals of a message count; `None` if it is no sale and no refund.
pub(super) fn reversed_kind(original: &LinkMessage) -> Option<TotalKind> {
    match original.reconciled.as_ref()?.kind {
        TotalKind::Credit => Some(TotalKind::CreditReversed),
        TotalKind::Debit => Some(TotalKind::DebitReversed),
        _ => None,
    }
}

/// What a reversal counts to that gave `given_minor` of a sale or refund back, of which
/// `before_minor` was given back already, in minor units of the shop's currency: its share of what
/// the original counts. Shares that follow one another add up to that.
pub(super) fn of_reversal(
    original: &LinkMessage,
    before_minor: i64,
    given_minor: i64,
) -> Option<Reconciled> {
    let kind = reversed_kind(original).filter(|_| given_minor > 0)?;
    let whole_minor = original.facts.amount?.amount_minor();
    let counted = original.reconciled.as_ref()?.amount?;
    let at = |minor| share_minor(minor, whole_minor, counted.amount_minor());
    let minor = at(before_minor.checked_add(given_minor)?) - at(before_minor);
    Some(Reconciled { kind, amount: Some(Money::new(minor, counted.currency())) })
}
