//! Clearings, with and without an authorisation. They move the ledger on frozen, invalid and
//! replaced cards too, and nobody is asked (operator-and-sandbox.md section 5).

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Card, Cause, FxError, FxTable, HoldState, Merchant,
    Money, OutsId, ResponseCode, VmCard,
};
use serde::Serialize;
use store::{
    Claim, ClearAuthorisation, ForcedClearing, MoneyError, PostingOutcome, Store, StoreError,
};
use thiserror::Error;
use wire::vm::VmSettings;

use crate::authoriser::Authoriser;
use crate::convert::{Conversion, ConversionFault, convert};
use crate::webhooks::transactions;

/// Why a clearing changed nothing.
#[derive(Debug, Clone, Error)]
pub enum ClearingError {
    /// The amount is not above zero, or rounds to zero in the card's currency.
    #[error("the amount must be above zero")]
    NotPositive,
    /// The amount cannot be converted to the card's currency.
    #[error(transparent)]
    Conversion(#[from] FxError),
    /// Too many are under way.
    #[error("too many authorisations are under way")]
    Overloaded,
    /// The process failed during the clearing; whether it was posted is unknown.
    #[error("the clearing broke off")]
    BrokenOff,
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

impl Authoriser {
    /// Posts `acquirer_amount_minor` of the acquirer's currency, or all that is left of the
    /// authorisation and its increments; a final clearing releases the rest of their holds. It is
    /// completed even if the caller goes away.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub async fn clear(
        &self,
        auth_id: AuthId,
        acquirer_amount_minor: Option<i64>,
        is_final: bool,
    ) -> Result<PostingOutcome, ClearingError> {
        require_positive(acquirer_amount_minor)?;
        let (store, settings) = (self.parts.store.clone(), self.parts.vm_settings);
        self.post(async move {
            let card = match settings {
                Some(_) => store.vm_card_of_authorisation(auth_id).await?,
                None => None,
            };
            let webhooks = transactions(card.as_ref(), settings);
            let request = ClearAuthorisation { auth_id, acquirer_amount_minor, is_final, webhooks };
            Ok(store.clear_authorisation(request).await?)
        })
        .await
    }

    /// Posts a clearing that nothing authorised, under a separate authorisation record whose detail
    /// is `forced`. The deposit may go below zero, which flags it. It is completed even if the
    /// caller goes away.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub async fn force(&self, request: ForceRequest) -> Result<PostingOutcome, ClearingError> {
        require_positive(Some(request.acquirer_amount.amount_minor()))?;
        let (store, settings) = (self.parts.store.clone(), self.parts.vm_settings);
        self.post(async move { force(&store, settings, request).await }).await
    }

    /// Completes a posting on the day it arrived.
    async fn post(
        &self,
        posting: impl Future<Output = Result<PostingOutcome, ClearingError>> + Send + 'static,
    ) -> Result<PostingOutcome, ClearingError> {
        let under_way = self.admit().await.ok_or(ClearingError::Overloaded)?;
        let posted = tokio::spawn(Claim::carried(async move {
            let posted = posting.await;
            drop(under_way);
            posted
        }));
        posted.await.unwrap_or(Err(ClearingError::BrokenOff))
    }
}

async fn force(
    store: &Store,
    settings: Option<VmSettings>,
    request: ForceRequest,
) -> Result<PostingOutcome, ClearingError> {
    let currency = request.card.currency;
    let acquirer_currency = request.acquirer_amount.currency();
    let table = if acquirer_currency == currency {
        FxTable::default()
    } else {
        store.fx_rate(acquirer_currency, currency).await?
    };
    let conversion = convert(request.acquirer_amount, currency, &table).map_err(refused)?;
    let record = forced_record(store, request, conversion);
    let receipt = forced_receipt(&record);
    let vm_card = if record.account.is_forwarded() {
        None
    } else {
        store.find::<VmCard>((record.enterprise_id, record.card_id)).await?
    };
    let vm_app_id = vm_card.as_ref().map(|it| it.vm_app_id);
    let webhooks = transactions(vm_card.as_ref(), settings);
    Ok(store.force_clearing(ForcedClearing { record, receipt, vm_app_id, webhooks }).await?)
}

const fn refused(fault: ConversionFault) -> ClearingError {
    match fault {
        ConversionFault::Fx(error) => ClearingError::Conversion(error),
        ConversionFault::RoundsToZero => ClearingError::NotPositive,
    }
}

const fn require_positive(amount_minor: Option<i64>) -> Result<(), ClearingError> {
    match amount_minor {
        Some(minor) if minor <= 0 => Err(ClearingError::NotPositive),
        _ => Ok(()),
    }
}

fn forced_record(store: &Store, request: ForceRequest, conversion: Conversion) -> Authorisation {
    let (ids, now) = (store.ids(), store.clock().now());
    let posted_minor = conversion.amount.amount_minor();
    let cleared_acquirer_minor = request.acquirer_amount.amount_minor();
    let (auth_id, outs_id) = (AuthId::from_i64(ids.next()), OutsId::from_i64(ids.next()));
    Authorisation {
        acquirer_amount: request.acquirer_amount,
        fx_rate: conversion.rate,
        merchant: request.merchant,
        status: AuthorisationStatus::Approved,
        response_code: Some(ResponseCode::Approved),
        cause: Some(Cause::Forced),
        hold_state: HoldState::Posted,
        posted_minor,
        cleared_acquirer_minor,
        decided_at: Some(now),
        ..Authorisation::purchase(&request.card, auth_id, outs_id, conversion.amount, now)
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
