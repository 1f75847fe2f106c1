//! Posted transactions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Posting;
use serde::Serialize;
use store::PostingFilter;
use utoipa::ToSchema;

use super::PathText;
use super::authorisation_body::MerchantBody;
use crate::card_reference::{NamesCards, card_id_filter, named};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// Money that moved for good. Amounts are decimal texts in major units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionBody {
    transaction_id: String,
    auth_id: String,
    outs_id: String,
    enterprise_id: String,
    card_id: String,
    customer_id: String,
    direction: String,
    amount: String,
    currency: String,
    acquirer_amount: String,
    acquirer_currency: String,
    merchant: MerchantBody,
    authorised_at: String,
    posted_at: String,
}

impl NamesCards for TransactionBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

impl From<&Posting> for TransactionBody {
    fn from(posting: &Posting) -> Self {
        Self {
            transaction_id: posting.transaction_id.to_string(),
            auth_id: posting.auth_id.to_string(),
            outs_id: posting.outs_id.to_string(),
            enterprise_id: posting.enterprise_id.to_string(),
            card_id: posting.card_id.to_string(),
            customer_id: posting.customer_id.to_string(),
            direction: posting.direction.to_string(),
            amount: posting.amount.to_major(),
            currency: posting.amount.currency().to_string(),
            acquirer_amount: posting.acquirer_amount.to_major(),
            acquirer_currency: posting.acquirer_amount.currency().to_string(),
            merchant: MerchantBody::from(&posting.merchant),
            authorised_at: posting.authorised_at.to_string(),
            posted_at: posting.posted_at.to_string(),
        }
    }
}

/// Posted transactions, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/transactions", operation_id = "list_transactions",
    tag = "authorisations",
    params(("cardId" = Option<String>, Query), ("enterpriseId" = Option<String>, Query),
        ("authId" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<TransactionBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<TransactionBody>>, Problem> {
    let filter = PostingFilter {
        card_id: card_id_filter(&state, &query).await?,
        enterprise_id: query.id("enterpriseId")?,
        auth_id: query.id("authId")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let (limit, order) = (filter.limit, filter.order);
    let rows = state.store.postings(filter).await?;
    named(&state, Page::of(&rows, limit, order, |row| row.transaction_id)).await
}

/// One posted transaction.
#[utoipa::path(get, path = "/admin/v1/transactions/{id}", operation_id = "read_transaction",
    tag = "authorisations",
    params(("id" = String, Path)), responses((status = 200, body = TransactionBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<TransactionBody>, Problem> {
    let posting = state.store.find_of_anyone::<Posting>(id.id("transaction")?).await?;
    let posting = posting.ok_or_else(|| Problem::not_found("transaction"))?;
    named(&state, TransactionBody::from(&posting)).await
}
