//! The columns of a card and of its PAN record.

use domain::{Card, CardId, CustomerId, EnterpriseId, PanId, ProfileId};

use super::Fields;
use crate::engine::{Row, Value};
use crate::{PanRecord, StoreError};

/// The columns of a card.
pub(crate) const CARD_COLUMNS: &str = "enterprise_id, card_id, profile_id, customer_id, pan_id, \
    card_type, status, status_reason, pan_first6, pan_last4, currency, valid_until, \
    invalidate_reason, created_at, modified_at, account_purpose, account_owner_id";

/// Reads a card from [`CARD_COLUMNS`].
pub(crate) fn card_from(row: &Row) -> Result<Card, StoreError> {
    let mut f = Fields::of(row);
    Ok(Card {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        profile_id: f.id(ProfileId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        pan_id: f.id(PanId::from_i64)?,
        card_type: f.parsed("card.card_type")?,
        status: f.parsed("card.status")?,
        status_reason: f.parsed("card.status_reason")?,
        pan_first6: f.text()?,
        pan_last4: f.text()?,
        currency: f.currency()?,
        valid_until: f.time()?,
        invalidate_reason: f.opt_text()?,
        created_at: f.time()?,
        modified_at: f.time()?,
        account: f.account_owner()?,
    })
}

/// The values of a card for [`CARD_COLUMNS`].
pub(crate) fn card_values(card: &Card) -> Vec<Value> {
    vec![
        card.enterprise_id.into(),
        card.card_id.into(),
        card.profile_id.into(),
        card.customer_id.into(),
        card.pan_id.into(),
        card.card_type.as_str().into(),
        card.status.as_str().into(),
        card.status_reason.as_str().into(),
        (&card.pan_first6).into(),
        (&card.pan_last4).into(),
        card.currency.into(),
        card.valid_until.into(),
        card.invalidate_reason.as_ref().into(),
        card.created_at.into(),
        card.modified_at.into(),
        card.account.purpose().into(),
        card.account.owner_id().into(),
    ]
}

/// The columns of a PAN record.
pub(crate) const PAN_COLUMNS: &str = "enterprise_id, pan_id, fingerprint, sealed_pan, created_at";

/// Reads a PAN record from [`PAN_COLUMNS`].
pub(crate) fn pan_from(row: &Row) -> Result<PanRecord, StoreError> {
    let mut f = Fields::of(row);
    Ok(PanRecord {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        pan_id: f.id(PanId::from_i64)?,
        fingerprint: f.bytes()?.try_into().map_err(|_| StoreError::Corrupt("pan.fingerprint"))?,
        sealed_pan: f.bytes()?,
        created_at: f.time()?,
    })
}

/// The values of a PAN record for [`PAN_COLUMNS`].
pub(crate) fn pan_values(pan: &PanRecord) -> Vec<Value> {
    vec![
        pan.enterprise_id.into(),
        pan.pan_id.into(),
        pan.fingerprint.as_slice().into(),
        pan.sealed_pan.as_slice().into(),
        pan.created_at.into(),
    ]
}
