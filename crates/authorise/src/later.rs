//! What the network sends after an authorisation: reversal, clearing, refund. They move
//! the ledger on frozen, invalid and replaced cards too (operator-and-sandbox.md section 5).

use domain::{AuthId, Authorisation, Card, FxError, Money};
use store::{MoneyError, PostingOutcome, Store, StoreError};
use thiserror::Error;

/// Why a later message changed nothing.
#[derive(Debug, Clone, Error)]
pub enum LaterError {
    /// The amount is not above zero.
    #[error("the amount must be above zero")]
    NotPositive,
    /// The amount cannot be converted to the card's currency.
    #[error(transparent)]
    Conversion(#[from] FxError),
    /// The money.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refund, with or without the authorisation it refunds.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    /// The card.
    pub card: Card,
    /// The authorisation that is refunded, if it is named.
    pub original: Option<Authorisation>,
    /// Amount as the shop gives it back; converted at today's rate.
    pub acquirer_amount: Money,
}

/// Takes back what an approved authorisation holds: `acquirer_amount_minor` of the
/// acquirer's currency, or all that is left. Returns the reversal's own record.
///
/// # Errors
/// [`LaterError`].
pub async fn reverse(
    store: &Store,
    auth_id: AuthId,
    acquirer_amount_minor: Option<i64>,
) -> Result<Authorisation, LaterError> {
    let _ = (store, auth_id, acquirer_amount_minor);
    todo!()
}

/// Posts `acquirer_amount_minor` of the acquirer's currency, or all that is left; a final
/// clearing gives back the rest of the hold.
///
/// # Errors
/// [`LaterError`].
pub async fn clear(
    store: &Store,
    auth_id: AuthId,
    acquirer_amount_minor: Option<i64>,
    is_final: bool,
) -> Result<PostingOutcome, LaterError> {
    let _ = (store, auth_id, acquirer_amount_minor, is_final);
    todo!()
}

/// Posts a refund at once, as its own authorisation record.
///
/// # Errors
/// [`LaterError`].
pub async fn refund(store: &Store, request: RefundRequest) -> Result<PostingOutcome, LaterError> {
    let _ = (store, request);
    todo!()
}
