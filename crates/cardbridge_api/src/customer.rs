//! Customers (cardbridge-open-api.md section 6.7).

use wire::cardbridge::applicant::CustomerInfo;
use wire::cardbridge::customer::{CustomerBody, WANTED_CUSTOMER};
use wire::cardbridge::query::Query;

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST customer/v1/create-customer` and `/create`.
pub(crate) async fn create(call: Call<CustomerInfo>) -> Reply<CustomerBody> {
    let info = call.body()?;
    let customer = call.state.cards.create_customer(call.enterprise_id, &info).await?;
    Ok(Success(CustomerBody::from(&customer)))
}

/// `GET customer/v1/detail`.
pub(crate) async fn detail(call: Call<Query>) -> Reply<CustomerBody> {
    let wanted = call.query()?.id_or_reference(&WANTED_CUSTOMER)?;
    let customer = call.state.cards.wanted_customer(call.enterprise_id, &wanted).await?;
    Ok(Success(CustomerBody::from(&customer)))
}
