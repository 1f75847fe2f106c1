//! Bills.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Money, OutsId};
use serde::Serialize;
use store::Outstanding;
use utoipa::ToSchema;

use super::path_text::PathText;
use super::{AuthorisationBody, TransactionBody};
use crate::card_reference::{NamesCards, named};
use crate::problem::Problem;
use crate::state::ApiState;

/// The bill that joins the authorisations and transactions of one purchase. Amounts are
/// decimal texts in major units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "Outstanding")]
pub(crate) struct OutstandingBody {
    outs_id: String,
    currency: String,
    /// What is still set aside.
    auth_amount: String,
    /// What was spent less what came back.
    amount: String,
    /// In order of arrival; the first 500.
    authorisations: Vec<AuthorisationBody>,
    /// In order; the first 500.
    transactions: Vec<TransactionBody>,
}

impl OutstandingBody {
    fn of(outs_id: OutsId, bill: &Outstanding) -> Option<Self> {
        let currency = bill.authorisations.first()?.amount.currency();
        let major = |minor| Money::new(minor, currency).to_major();
        Some(Self {
            outs_id: outs_id.to_string(),
            currency: currency.to_string(),
            auth_amount: major(bill.held_minor),
            amount: major(bill.posted_minor),
            authorisations: bill.authorisations.iter().map(AuthorisationBody::from).collect(),
            transactions: bill.postings.iter().map(TransactionBody::from).collect(),
        })
    }
}

impl NamesCards for OutstandingBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        let authorisations = self.authorisations.iter_mut().flat_map(NamesCards::cards);
        let transactions = self.transactions.iter_mut().flat_map(NamesCards::cards);
        authorisations.chain(transactions).collect()
    }
}

/// A bill with its authorisations and transactions.
#[utoipa::path(get, path = "/admin/v1/outstandings/{id}", operation_id = "read_outstanding",
    tag = "authorisations",
    params(("id" = String, Path)), responses((status = 200, body = OutstandingBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<OutstandingBody>, Problem> {
    let outs_id = id.id::<OutsId>("outstanding")?;
    let bill = state.store.outstanding(outs_id).await?;
    let body = bill.and_then(|bill| OutstandingBody::of(outs_id, &bill));
    named(&state, body.ok_or_else(|| Problem::not_found("outstanding"))?).await
}
