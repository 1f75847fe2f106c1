//! What the network sends after an authorisation: reversal, clearing, refund. They move
//! the ledger on frozen, invalid and replaced cards too (operator-and-sandbox.md section 5).

use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, Card, Direction, FxError, FxTable,
    HoldState, Merchant, Money, OutsId, ResponseCode, Timestamp, TransactionType,
};
use serde::Serialize;
use store::{
    ClearAuthorisation, MoneyError, PostingOutcome, RefundAuthorisation, ReverseAuthorisation,
    Store, StoreError,
};
use thiserror::Error;

use crate::convert::{Conversion, ConversionFault, convert};

/// Why a later message changed nothing.
#[derive(Debug, Clone, Error)]
pub enum LaterError {
    /// The amount is not above zero, or rounds to zero in the card's currency.
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
    require_positive(acquirer_amount_minor)?;
    let request = ReverseAuthorisation {
        auth_id,
        acquirer_amount_minor,
        reversal_id: AuthId::from_i64(store.ids().next()),
        now: store.clock().now(),
    };
    Ok(store.reverse_authorisation(request).await?)
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
    require_positive(acquirer_amount_minor)?;
    let now = store.clock().now();
    let request = ClearAuthorisation { auth_id, acquirer_amount_minor, is_final, now };
    Ok(store.clear_authorisation(request).await?)
}

/// Posts a refund at once, as its own authorisation record.
///
/// # Errors
/// [`LaterError`]; `NotApproved` if the named original was no approved purchase.
pub async fn refund(store: &Store, request: RefundRequest) -> Result<PostingOutcome, LaterError> {
    require_positive(Some(request.acquirer_amount.amount_minor()))?;
    if request.original.as_ref().is_some_and(|original| !is_approved_purchase(original)) {
        return Err(MoneyError::NotApproved.into());
    }
    let currency = request.card.currency;
    let table = if request.acquirer_amount.currency() == currency {
        FxTable::default()
    } else {
        store.fx_table().await?
    };
    let conversion = convert(request.acquirer_amount, currency, &table).map_err(refused)?;
    let ids = store.ids();
    let outs_id = request
        .original
        .as_ref()
        .map_or_else(|| OutsId::from_i64(ids.next()), |original| original.outs_id);
    let refund = refund_record(
        request,
        conversion,
        AuthId::from_i64(ids.next()),
        outs_id,
        store.clock().now(),
    );
    let receipt = refund_receipt(&refund);
    Ok(store.refund(RefundAuthorisation { refund, receipt }).await?)
}

const fn refused(fault: ConversionFault) -> LaterError {
    match fault {
        ConversionFault::Fx(error) => LaterError::Conversion(error),
        ConversionFault::RoundsToZero => LaterError::NotPositive,
    }
}

const fn require_positive(amount_minor: Option<i64>) -> Result<(), LaterError> {
    match amount_minor {
        Some(minor) if minor <= 0 => Err(LaterError::NotPositive),
        _ => Ok(()),
    }
}

fn is_approved_purchase(original: &Authorisation) -> bool {
    original.status == AuthorisationStatus::Approved && original.direction == Direction::Outgoing
}

fn refund_record(
    request: RefundRequest,
    conversion: Conversion,
    auth_id: AuthId,
    outs_id: OutsId,
    now: Timestamp,
) -> Authorisation {
    let original_auth_id = request.original.as_ref().map(|original| original.auth_id);
    Authorisation {
        enterprise_id: request.card.enterprise_id,
        auth_id,
        card_id: request.card.card_id,
        customer_id: request.card.customer_id,
        outs_id,
        original_auth_id,
        direction: Direction::Incoming,
        auth_type: AuthType::Normal,
        transaction_type: TransactionType::Refund,
        amount: conversion.amount,
        acquirer_amount: request.acquirer_amount,
        fx_rate: conversion.rate,
        merchant: request.original.map_or_else(Merchant::default, |original| original.merchant),
        network_key: None,
        status: AuthorisationStatus::Approved,
        response_code: Some(ResponseCode::Approved),
        reject_reason: None,
        detail: Some("refund".to_owned()),
        auth_code: None,
        hold_state: HoldState::None,
        hold_remaining_minor: 0,
        hold_expires_at: None,
        posted_minor: conversion.amount.amount_minor(),
        cleared_acquirer_minor: request.acquirer_amount.amount_minor(),
        reversed_acquirer_minor: 0,
        created_at: now,
        decided_at: Some(now),
    }
}

/// A refund is posted without checks and without asking.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundReceipt {
    original_auth_id: Option<AuthId>,
    acquirer_amount: String,
    acquirer_currency: String,
    amount: String,
    currency: String,
    fx_rate: String,
    checks: [(); 0],
    outcome: &'static str,
}

fn refund_receipt(refund: &Authorisation) -> String {
    let receipt = RefundReceipt {
        original_auth_id: refund.original_auth_id,
        acquirer_amount: refund.acquirer_amount.to_major(),
        acquirer_currency: refund.acquirer_amount.currency().to_string(),
        amount: refund.amount.to_major(),
        currency: refund.amount.currency().to_string(),
        fx_rate: refund.fx_rate.clone(),
        checks: [],
        outcome: "posted",
    };
    serde_json::to_string(&receipt).expect("texts are JSON")
}
