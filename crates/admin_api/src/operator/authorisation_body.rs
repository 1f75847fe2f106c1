//! An authorisation as operators and the sandbox see it.

use domain::{Authorisation, AuthorisationStatus, Merchant, Money};
use serde::Serialize;
use utoipa::ToSchema;

use crate::card_reference::NamesCards;

/// The shop.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MerchantBody {
    merchant_id: Option<String>,
    name: Option<String>,
    country: Option<String>,
    mcc: Option<String>,
}

impl From<&Merchant> for MerchantBody {
    fn from(merchant: &Merchant) -> Self {
        Self {
            merchant_id: merchant.merchant_id.clone(),
            name: merchant.name.clone(),
            country: merchant.country.clone(),
            mcc: merchant.mcc.clone(),
        }
    }
}

/// An authorisation. Amounts are decimal texts in major units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorisationBody {
    auth_id: String,
    enterprise_id: String,
    card_id: String,
    customer_id: String,
    /// The bill it belongs to.
    outs_id: String,
    /// What this one increments, reverses or refunds.
    original_auth_id: Option<String>,
    direction: String,
    auth_type: String,
    transaction_type: String,
    amount: String,
    currency: String,
    acquirer_amount: String,
    acquirer_currency: String,
    fx_rate: String,
    merchant: MerchantBody,
    stan: Option<String>,
    rrn: Option<String>,
    /// `PENDING`, `APPROVED` or `DECLINED`.
    status: String,
    approved: bool,
    /// `00`, `01`, `11` or `21`; null while pending.
    response_code: Option<String>,
    /// `DAPI_AUTH_*` of a decline.
    reason: Option<String>,
    /// What exactly led to the decision.
    detail: Option<String>,
    auth_code: Option<String>,
    hold_state: String,
    /// What is still set aside.
    held_amount: String,
    hold_expires_at: Option<String>,
    posted_amount: String,
    created_at: String,
    decided_at: Option<String>,
}

impl NamesCards for AuthorisationBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

impl From<&Authorisation> for AuthorisationBody {
    fn from(auth: &Authorisation) -> Self {
        let key = auth.network_key.as_ref();
        let billing = |amount_minor| Money::new(amount_minor, auth.amount.currency()).to_major();
        Self {
            auth_id: auth.auth_id.to_string(),
            enterprise_id: auth.enterprise_id.to_string(),
            card_id: auth.card_id.to_string(),
            customer_id: auth.customer_id.to_string(),
            outs_id: auth.outs_id.to_string(),
            original_auth_id: auth.original_auth_id.map(|id| id.to_string()),
            direction: auth.direction.to_string(),
            auth_type: auth.auth_type.to_string(),
            transaction_type: auth.transaction_type.to_string(),
            amount: auth.amount.to_major(),
            currency: auth.amount.currency().to_string(),
            acquirer_amount: auth.acquirer_amount.to_major(),
            acquirer_currency: auth.acquirer_amount.currency().to_string(),
            fx_rate: auth.fx_rate.clone(),
            merchant: MerchantBody::from(&auth.merchant),
            stan: key.map(|key| key.stan.clone()),
            rrn: key.map(|key| key.rrn.clone()),
            status: auth.status.to_string(),
            approved: auth.status == AuthorisationStatus::Approved,
            response_code: auth.response_code.map(|code| code.to_string()),
            reason: auth.reject_reason.map(|code| code.to_string()),
            detail: auth.detail.clone(),
            auth_code: auth.auth_code.clone(),
            hold_state: auth.hold_state.to_string(),
            held_amount: billing(auth.hold_remaining_minor),
            hold_expires_at: auth.hold_expires_at.map(|at| at.to_string()),
            posted_amount: billing(auth.posted_minor),
            created_at: auth.created_at.to_string(),
            decided_at: auth.decided_at.map(|at| at.to_string()),
        }
    }
}
