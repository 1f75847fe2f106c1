//! Deposits and withdrawals.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{EnterpriseId, Money};
use listener::once::Once;
use store::MovedFunds;

use super::PathText;
use super::balance::BalanceBody;
use super::enterprises::enterprise_of;
use super::reference::reference_of_movement;
use crate::fields::{Fields, currency, required_money};
use crate::problem::Problem;
use crate::request_bodies::FUNDS_MOVEMENT as BODY;
use crate::state::ApiState;
use wire::field;

/// Brings money to the deposit. The same reference again moves nothing.
#[utoipa::path(post, path = "/admin/v1/enterprises/{id}/deposits", tag = "enterprises",
    params(("id" = String, Path)), request_body = ref("FundsMovement"),
    responses((status = 200, body = BalanceBody)))]
pub(crate) async fn deposit(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<BalanceBody>, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let (amount, reference) = movement(&state, id, &body).await?;
    let now = state.store.clock().now();
    once.try_answer(body_of, state.store.deposit(id, amount, reference, now)).await
}

/// Takes money from the deposit, never what is held.
#[utoipa::path(post, path = "/admin/v1/enterprises/{id}/withdrawals", tag = "enterprises",
    params(("id" = String, Path)), request_body = ref("FundsMovement"),
    responses((status = 200, body = BalanceBody)))]
pub(crate) async fn withdraw(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<BalanceBody>, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let (amount, reference) = movement(&state, id, &body).await?;
    let now = state.store.clock().now();
    once.try_answer(body_of, state.store.withdraw(id, amount, reference, now)).await
}

fn body_of(moved: &MovedFunds) -> Result<BalanceBody, Problem> {
    Ok(BalanceBody::of(&moved.account)?)
}

async fn movement(
    state: &ApiState,
    id: EnterpriseId,
    body: &[u8],
) -> Result<(Money, String), Problem> {
    let fields = Fields::parse_as(&BODY, body)?;
    let currency = currency(&fields, field!(BODY, "currency"))?;
    let amount = required_money(&fields, field!(BODY, "amount"), currency)?;
    Ok((amount, reference_of_movement(state, id, &fields).await?))
}
