//! The enterprise's deposit (cardbridge-open-api.md section 6.6.1).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::Money;
use wire::cardbridge::enterprise::{BalanceBody, parse_balance_query};

use super::authenticate::Signed;
use super::reply::{Failure, Reply, Success};
use crate::state::ApiState;

/// `GET enterprise/v1/enterprise-balance`. Used is what is held and what was spent.
pub(crate) async fn balance(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<BalanceBody> {
    let currency = parse_balance_query(signed.raw_query.as_deref())?;
    let account = state.store.account(signed.enterprise_id, currency).await?;
    let account = account.ok_or_else(|| Failure::illegal("currency has no deposit account"))?;
    let money = |amount_minor| Money::new(amount_minor, currency);
    let used = money(account.held_minor).checked_add(money(account.posted_minor))?;
    Ok(Success(BalanceBody::new(money(account.available_minor), used)?))
}
