//! The columns of a posting.

use domain::{AuthId, CardId, CustomerId, EnterpriseId, OutsId, Posting, TransactionId};

use super::Fields;
use super::authorisation::{merchant_from, merchant_values};
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a posting.
pub(crate) const POSTING_COLUMNS: &str = "enterprise_id, transaction_id, auth_id, outs_id, \
    card_id, customer_id, direction, amount_minor, currency, acquirer_amount_minor, \
    acquirer_currency, merchant_id, merchant_name, merchant_country, mcc, authorised_at, posted_at";

/// Reads a posting from [`POSTING_COLUMNS`].
pub(crate) fn posting_from(row: &Row) -> Result<Posting, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    Ok(Posting {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        transaction_id: f.id(TransactionId::from_i64)?,
        auth_id: f.id(AuthId::from_i64)?,
        outs_id: f.id(OutsId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        direction: f.parsed("posting.direction")?,
        amount: f.money()?,
        acquirer_amount: f.money()?,
        merchant: merchant_from(f)?,
        authorised_at: f.time()?,
        posted_at: f.time()?,
    })
}

/// The values of a posting for [`POSTING_COLUMNS`].
pub(crate) fn posting_values(posting: &Posting) -> Vec<Value> {
    let p = posting;
    let mut values = vec![
        p.enterprise_id.into(),
        p.transaction_id.into(),
        p.auth_id.into(),
        p.outs_id.into(),
        p.card_id.into(),
        p.customer_id.into(),
        p.direction.as_str().into(),
        p.amount.amount_minor().into(),
        p.amount.currency().into(),
        p.acquirer_amount.amount_minor().into(),
        p.acquirer_amount.currency().into(),
    ];
    values.extend(merchant_values(&p.merchant));
    values.extend([p.authorised_at.into(), p.posted_at.into()]);
    values
}
