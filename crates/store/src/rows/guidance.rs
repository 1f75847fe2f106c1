//! The columns of a guidance link.

use domain::{CardId, CustomerId, EnterpriseId, GuidanceLink, KycTicketId};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a guidance link; those of its opened page are the store's own business.
pub(crate) const GUIDANCE_COLUMNS: &str = "secret_hash, enterprise_id, guidance_type, \
    customer_id, card_id, kyc_ticket_id, is_otp_required, language, theme, mode, user_agent, \
    redirect_url, created_at, expires_at, opened_at";

/// Reads a guidance link from [`GUIDANCE_COLUMNS`].
pub(crate) fn guidance_from(row: &Row) -> Result<GuidanceLink, StoreError> {
    let mut f = Fields::of(row);
    let secret_hash = f.bytes()?.try_into();
    Ok(GuidanceLink {
        secret_hash: secret_hash.map_err(|_| StoreError::Corrupt("guidance_link.secret_hash"))?,
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        guidance_type: f.parsed("guidance_link.guidance_type")?,
        customer_id: f.id(CustomerId::from_i64)?,
        card_id: f.opt_id(CardId::from_i64)?,
        kyc_ticket_id: f.opt_id(KycTicketId::from_i64)?,
        is_otp_required: f.flag()?,
        language: f.parsed("guidance_link.language")?,
        theme: f.parsed("guidance_link.theme")?,
        mode: f.parsed("guidance_link.mode")?,
        user_agent: f.text()?,
        redirect_url: f.opt_text()?,
        created_at: f.time()?,
        expires_at: f.time()?,
        opened_at: f.opt_time()?,
    })
}

/// The values of a guidance link for [`GUIDANCE_COLUMNS`].
pub(crate) fn guidance_values(link: &GuidanceLink) -> Vec<Value> {
    vec![
        link.secret_hash.as_slice().into(),
        link.enterprise_id.into(),
        link.guidance_type.as_str().into(),
        link.customer_id.into(),
        link.card_id.into(),
        link.kyc_ticket_id.into(),
        link.is_otp_required.into(),
        link.language.as_str().into(),
        link.theme.as_str().into(),
        link.mode.as_str().into(),
        (&link.user_agent).into(),
        link.redirect_url.as_ref().into(),
        link.created_at.into(),
        link.expires_at.into(),
        link.opened_at.into(),
    ]
}
