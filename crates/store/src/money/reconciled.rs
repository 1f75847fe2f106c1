//! To which total of a reconciliation a message counts, and with how much
//! (network-iso8583.md section 3.7). Pure.

use domain::{LinkArrival, MessageKind, Money, Reconciled, TotalKind, TransactionType};

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

/// What a reversal counts to that gave `given_minor` of a single message back, in minor units of
/// the shop's currency. Of a part, the amount of the settlement counts in proportion.
pub(super) fn of_reversal(
    arrival: &LinkArrival,
    (kind, is_refund): (MessageKind, bool),
    given_minor: i64,
) -> Option<Reconciled> {
    if kind != MessageKind::Financial || given_minor <= 0 {
        return None;
    }
    let whole = arrival.message.facts.amount?;
    let amount = match arrival.record.settlement {
        Some(settled) => {
            let minor = share_minor(given_minor, whole.amount_minor(), settled.amount_minor());
            Money::new(minor, settled.currency())
        }
        None => Money::new(given_minor, whole.currency()),
    };
    let kind = if is_refund { TotalKind::CreditReversed } else { TotalKind::DebitReversed };
    Some(Reconciled { kind, amount: Some(amount) })
}
