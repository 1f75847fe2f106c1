//! Deposits and withdrawals.

use domain::{EnterpriseId, Money};
use store::MovedFunds;

use super::balance::{BalanceBody, balance};
use super::reference::reference_of_movement;
use crate::call::{Answer, Call};
use crate::fields::{Fields, currency, required_money};
use crate::problem::Problem;
use crate::request_bodies::FUNDS_MOVEMENT as BODY;
use crate::state::ApiState;
use wire::field;

/// `POST /admin/v1/enterprises/{id}/deposits`.
pub(crate) async fn deposit(call: Call) -> Answer<BalanceBody> {
    let id = call.enterprise().await?.enterprise_id;
    let (amount, reference) = movement(&call.state, id, &call.fields()?).await?;
    let now = call.state.store.clock().now();
    call.once.try_answer(body_of, call.state.store.deposit(id, amount, reference, now)).await
}

/// `POST /admin/v1/enterprises/{id}/withdrawals`.
pub(crate) async fn withdraw(call: Call) -> Answer<BalanceBody> {
    let id = call.enterprise().await?.enterprise_id;
    let (amount, reference) = movement(&call.state, id, &call.fields()?).await?;
    let now = call.state.store.clock().now();
    call.once.try_answer(body_of, call.state.store.withdraw(id, amount, reference, now)).await
}

fn body_of(moved: &MovedFunds) -> Result<BalanceBody, Problem> {
    Ok(balance(&moved.account)?)
}

async fn movement(
    state: &ApiState,
    id: EnterpriseId,
    fields: &Fields<'_>,
) -> Result<(Money, String), Problem> {
    let currency = currency(fields, field!(BODY, "currency"))?;
    let amount = required_money(fields, field!(BODY, "amount"), currency)?;
    Ok((amount, reference_of_movement(state, id, fields).await?))
}
