//! Customers (cardbridge-open-api.md section 6.7).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use wire::cardbridge::applicant::CustomerInfo;
use wire::cardbridge::customer::{CustomerBody, CustomerQuery};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `POST customer/v1/create-customer` and `/create`.
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CustomerBody> {
    let info = CustomerInfo::parse(&signed.body)?;
    let customer = state.cards.create_customer(signed.enterprise_id, &info).await?;
    Ok(Success(CustomerBody::from(&customer)))
}

/// `GET customer/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CustomerBody> {
    let wanted = CustomerQuery::parse(signed.raw_query.as_deref())?;
    let customer = state.cards.wanted_customer(signed.enterprise_id, &wanted).await?;
    Ok(Success(CustomerBody::from(&customer)))
}
