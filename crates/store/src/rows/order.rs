//! The columns of a card order.

use domain::{CardId, CardOrder, CustomerId, EnterpriseId, OrderFailure, OrderId, ProfileId};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a card order, without its sealed application.
pub(crate) const ORDER_COLUMNS: &str = "enterprise_id, order_id, card_order_ref, profile_id, \
    customer_id, order_type, status, card_id, error_code, error_reason, need_edd_file, \
    replace_card_id, created_at, modified_at";

/// Reads an order from [`ORDER_COLUMNS`].
pub(crate) fn order_from(row: &Row) -> Result<CardOrder, StoreError> {
    let mut f = Fields::of(row);
    Ok(CardOrder {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        order_id: f.id(OrderId::from_i64)?,
        card_order_ref: f.text()?,
        profile_id: f.id(ProfileId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        order_type: f.parsed("card_order.order_type")?,
        status: f.parsed("card_order.status")?,
        card_id: f.opt_id(CardId::from_i64)?,
        failure: failure_from(&mut f)?,
        need_edd_file: f.flag()?,
        replace_card_id: f.opt_id(CardId::from_i64)?,
        created_at: f.time()?,
        modified_at: f.time()?,
    })
}

/// The values of an order for [`ORDER_COLUMNS`].
pub(crate) fn order_values(order: &CardOrder) -> Vec<Value> {
    vec![
        order.enterprise_id.into(),
        order.order_id.into(),
        (&order.card_order_ref).into(),
        order.profile_id.into(),
        order.customer_id.into(),
        order.order_type.as_str().into(),
        order.status.as_str().into(),
        order.card_id.into(),
        order.failure.as_ref().map(|failure| failure.error_code.as_str()).into(),
        order.failure.as_ref().map(|failure| &failure.error_reason).into(),
        order.need_edd_file.into(),
        order.replace_card_id.into(),
        order.created_at.into(),
        order.modified_at.into(),
    ]
}

fn failure_from(f: &mut Fields<'_>) -> Result<Option<OrderFailure>, StoreError> {
    match (f.opt_parsed("card_order.error_code")?, f.opt_text()?) {
        (Some(error_code), Some(error_reason)) => {
            Ok(Some(OrderFailure { error_code, error_reason }))
        }
        (None, None) => Ok(None),
        _ => Err(StoreError::Corrupt("card_order.error_reason")),
    }
}
