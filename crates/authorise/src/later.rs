//! What the network posts: clearings, with and without an authorisation. They move the
//! ledger on frozen, invalid and replaced cards too, and nobody is asked
//! (operator-and-sandbox.md section 5).

use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, Card, Direction, FxError, FxTable,
    HoldState, Merchant, Money, OutsId, ResponseCode, TransactionType,
};
use serde::Serialize;
use store::{ClearAuthorisation, ForcedClearing, MoneyError, PostingOutcome, Store, StoreError};
use thiserror::Error;

use crate::convert::{Conversion, ConversionFault, convert};

/// Why a clearing changed nothing.
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

/// A clearing that nothing authorised (force post).
#[derive(Debug, Clone)]
pub struct ForceRequest {
    /// The card.
    pub card: Card,
    /// Amount as the shop takes it; converted at today's rate.
    pub acquirer_amount: Money,
    /// The shop.
    pub merchant: Merchant,
}

/// Posts `acquirer_amount_minor` of the acquirer's currency, or all that is left of the
/// authorisation and its increments; a final clearing gives back the rest of their holds.
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

/// Posts a clearing that nothing authorised, under an authorisation record of its own whose
/// detail is `forced`. The deposit may go below zero, which flags it.
///
/// # Errors
/// [`LaterError`].
pub async fn force(store: &Store, request: ForceRequest) -> Result<PostingOutcome, LaterError> {
    require_positive(Some(request.acquirer_amount.amount_minor()))?;
    let currency = request.card.currency;
    let table = if request.acquirer_amount.currency() == currency {
        FxTable::default()
    } else {
        store.fx_table().await?
    };
    let conversion = convert(request.acquirer_amount, currency, &table).map_err(refused)?;
    let record = forced_record(store, request, conversion);
    let receipt = forced_receipt(&record);
    Ok(store.force_clearing(ForcedClearing { record, receipt }).await?)
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

fn forced_record(store: &Store, request: ForceRequest, conversion: Conversion) -> Authorisation {
    let (ids, now) = (store.ids(), store.clock().now());
    Authorisation {
        enterprise_id: request.card.enterprise_id,
        auth_id: AuthId::from_i64(ids.next()),
        card_id: request.card.card_id,
        customer_id: request.card.customer_id,
        outs_id: OutsId::from_i64(ids.next()),
        original_auth_id: None,
        direction: Direction::Outgoing,
        auth_type: AuthType::Normal,
        transaction_type: TransactionType::Purchase,
        amount: conversion.amount,
        acquirer_amount: request.acquirer_amount,
        fx_rate: conversion.rate,
        merchant: request.merchant,
        network_key: None,
        status: AuthorisationStatus::Approved,
        response_code: Some(ResponseCode::Approved),
        reject_reason: None,
        detail: Some("forced".to_owned()),
        auth_code: None,
        hold_state: HoldState::Posted,
        hold_remaining_minor: 0,
        hold_expires_at: None,
        posted_minor: conversion.amount.amount_minor(),
        cleared_acquirer_minor: request.acquirer_amount.amount_minor(),
        reversed_acquirer_minor: 0,
        created_at: now,
        decided_at: Some(now),
    }
}

/// A forced clearing is posted without checks and without asking.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForcedReceipt {
    acquirer_amount: String,
    acquirer_currency: String,
    amount: String,
    currency: String,
    fx_rate: String,
    checks: [(); 0],
    outcome: &'static str,
}

fn forced_receipt(record: &Authorisation) -> String {
    let receipt = ForcedReceipt {
        acquirer_amount: record.acquirer_amount.to_major(),
        acquirer_currency: record.acquirer_amount.currency().to_string(),
        amount: record.amount.to_major(),
        currency: record.amount.currency().to_string(),
        fx_rate: record.fx_rate.clone(),
        checks: [],
        outcome: "posted",
    };
    serde_json::to_string(&receipt).expect("texts are JSON")
}
