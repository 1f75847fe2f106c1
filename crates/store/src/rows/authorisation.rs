//! The columns of an authorisation.

use domain::{
    AuthId, Authorisation, CardId, CustomerId, EnterpriseId, Merchant, NetworkKey, OutsId,
};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of an authorisation, without its receipt and late answer.
pub(crate) const AUTHORISATION_COLUMNS: &str = "enterprise_id, auth_id, card_id, customer_id, \
    outs_id, original_auth_id, direction, auth_type, transaction_type, amount_minor, currency, \
    acquirer_amount_minor, acquirer_currency, fx_rate, merchant_id, merchant_name, \
    merchant_country, mcc, stan, rrn, status, response_code, reject_reason, detail, auth_code, \
    hold_state, hold_remaining_minor, hold_expires_at, posted_minor, cleared_acquirer_minor, \
    reversed_acquirer_minor, created_at, decided_at, account_purpose, account_owner_id";

/// Reads an authorisation from [`AUTHORISATION_COLUMNS`].
pub(crate) fn authorisation_from(row: &Row) -> Result<Authorisation, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    Ok(Authorisation {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        auth_id: f.id(AuthId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        outs_id: f.id(OutsId::from_i64)?,
        original_auth_id: f.opt_id(AuthId::from_i64)?,
        direction: f.parsed("authorisation.direction")?,
        auth_type: f.parsed("authorisation.auth_type")?,
        transaction_type: f.parsed("authorisation.transaction_type")?,
        amount: f.money()?,
        acquirer_amount: f.money()?,
        fx_rate: f.text()?,
        merchant: merchant_from(f)?,
        network_key: network_key_from(f)?,
        status: f.parsed("authorisation.status")?,
        response_code: f.opt_parsed("authorisation.response_code")?,
        reject_reason: f.opt_parsed("authorisation.reject_reason")?,
        detail: f.opt_text()?,
        auth_code: f.opt_text()?,
        hold_state: f.parsed("authorisation.hold_state")?,
        hold_remaining_minor: f.int()?,
        hold_expires_at: f.opt_time()?,
        posted_minor: f.int()?,
        cleared_acquirer_minor: f.int()?,
        reversed_acquirer_minor: f.int()?,
        created_at: f.time()?,
        decided_at: f.opt_time()?,
        account: f.account_owner()?,
    })
}

/// The values of an authorisation for [`AUTHORISATION_COLUMNS`].
pub(crate) fn authorisation_values(authorisation: &Authorisation) -> Vec<Value> {
    let a = authorisation;
    let mut values = vec![
        a.enterprise_id.into(),
        a.auth_id.into(),
        a.card_id.into(),
        a.customer_id.into(),
        a.outs_id.into(),
        a.original_auth_id.into(),
        a.direction.as_str().into(),
        a.auth_type.as_str().into(),
        a.transaction_type.as_str().into(),
        a.amount.amount_minor().into(),
        a.amount.currency().into(),
        a.acquirer_amount.amount_minor().into(),
        a.acquirer_amount.currency().into(),
        (&a.fx_rate).into(),
    ];
    values.extend(merchant_values(&a.merchant));
    values.extend([
        a.network_key.as_ref().map(|key| &key.stan).into(),
        a.network_key.as_ref().map(|key| &key.rrn).into(),
        a.status.as_str().into(),
        a.response_code.map(|code| code.as_str()).into(),
        a.reject_reason.map(|code| code.as_str()).into(),
        a.detail.as_ref().into(),
        a.auth_code.as_ref().into(),
        a.hold_state.as_str().into(),
        a.hold_remaining_minor.into(),
        a.hold_expires_at.into(),
        a.posted_minor.into(),
        a.cleared_acquirer_minor.into(),
        a.reversed_acquirer_minor.into(),
        a.created_at.into(),
        a.decided_at.into(),
        a.account.purpose().into(),
        a.account.owner_id().into(),
    ]);
    values
}

/// The four columns of a shop.
pub(crate) fn merchant_from(f: &mut Fields<'_>) -> Result<Merchant, StoreError> {
    Ok(Merchant {
        merchant_id: f.opt_text()?,
        name: f.opt_text()?,
        country: f.opt_text()?,
        mcc: f.opt_text()?,
    })
}

/// The four values of a shop.
pub(super) fn merchant_values(merchant: &Merchant) -> [Value; 4] {
    [
        merchant.merchant_id.as_ref().into(),
        merchant.name.as_ref().into(),
        merchant.country.as_ref().into(),
        merchant.mcc.as_ref().into(),
    ]
}

fn network_key_from(f: &mut Fields<'_>) -> Result<Option<NetworkKey>, StoreError> {
    match (f.opt_text()?, f.opt_text()?) {
        (Some(stan), Some(rrn)) => Ok(Some(NetworkKey { stan, rrn })),
        (None, None) => Ok(None),
        _ => Err(StoreError::Corrupt("authorisation.stan")),
    }
}
