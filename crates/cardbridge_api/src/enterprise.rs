//! The enterprise's deposit (cardbridge-open-api.md section 6.6.1).

use domain::Money;
use wire::cardbridge::enterprise::{BalanceBody, wanted_currency};
use wire::cardbridge::query::Query;

use super::call::Call;
use super::reply::{Failure, Reply, Success};

/// `GET enterprise/v1/enterprise-balance`. The used amount is the sum of held and posted.
pub(crate) async fn balance(call: Call<Query>) -> Reply<BalanceBody> {
    let currency = wanted_currency(&call.query()?)?;
    let account = call.state.store.account(call.enterprise_id, currency).await?;
    let account = account.ok_or_else(|| Failure::illegal("currency has no deposit account"))?;
    let money = |amount_minor| Money::new(amount_minor, currency);
    let used = money(account.held_minor).checked_add(money(account.posted_minor))?;
    Ok(Success(BalanceBody::new(money(account.available_minor), used)?))
}
