//! Card orders (cardbridge-open-api.md section 6.1).

use wire::cardbridge::order::{ApplyVirtual, CardOrderBody, WANTED_ORDER};
use wire::cardbridge::query::Query;
use wire::cardbridge::replacement::{Replace, VirtualToPhysical};

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST card-order/v1/apply-virtual`.
pub(crate) async fn apply_virtual(call: Call<ApplyVirtual>) -> Reply<CardOrderBody> {
    let request = call.body()?;
    let order = call.state.cards.apply_virtual(call.enterprise_id, request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `POST card-order/v1/virtual-to-physical`.
pub(crate) async fn virtual_to_physical(call: Call<VirtualToPhysical>) -> Reply<CardOrderBody> {
    let request = call.body()?;
    let order = call.state.cards.order_physical(call.enterprise_id, &request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `POST card-order/v1/replace`.
pub(crate) async fn replace(call: Call<Replace>) -> Reply<CardOrderBody> {
    let request = call.body()?;
    let order = call.state.cards.order_replacement(call.enterprise_id, &request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `GET card-order/v1/detail`.
pub(crate) async fn detail(call: Call<Query>) -> Reply<CardOrderBody> {
    let wanted = call.query()?.id_or_reference(&WANTED_ORDER)?;
    let order = call.state.cards.order(call.enterprise_id, &wanted).await?;
    Ok(Success(CardOrderBody::from(&order)))
}
