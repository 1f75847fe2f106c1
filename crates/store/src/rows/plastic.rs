//! The columns of a physical card's plastic.

use domain::{CardId, EnterpriseId};

use super::Fields;
use crate::engine::{Row, Value};
use crate::{Plastic, StoreError, Tracking};

/// The columns of a plastic; the first two are its key.
pub(crate) const PLASTIC_COLUMNS: &str = "enterprise_id, card_id, card_layout_code, \
    need_shipping_info, sealed_delivery, embossed_at, shipped_at, tracking_number, \
    tracking_company_name";

/// Reads a plastic from [`PLASTIC_COLUMNS`].
pub(crate) fn plastic_from(row: &Row) -> Result<Plastic, StoreError> {
    let mut f = Fields::of(row);
    Ok(Plastic {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        card_layout_code: f.text()?,
        need_shipping_info: f.flag()?,
        sealed_delivery: f.opt_bytes()?,
        embossed_at: f.opt_time()?,
        shipped_at: f.opt_time()?,
        tracking: f
            .opt_text()?
            .zip(f.opt_text()?)
            .map(|(number, company_name)| Tracking { number, company_name }),
    })
}

/// The values of a plastic for [`PLASTIC_COLUMNS`].
pub(crate) fn plastic_values(plastic: &Plastic) -> Vec<Value> {
    let tracking = plastic.tracking.as_ref();
    vec![
        plastic.enterprise_id.into(),
        plastic.card_id.into(),
        (&plastic.card_layout_code).into(),
        plastic.need_shipping_info.into(),
        plastic.sealed_delivery.clone().into(),
        plastic.embossed_at.into(),
        plastic.shipped_at.into(),
        tracking.map(|tracking| &tracking.number).into(),
        tracking.map(|tracking| &tracking.company_name).into(),
    ]
}
