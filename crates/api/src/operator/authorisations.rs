//! Authorisations and their decision receipts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{AuthId, Timestamp};
use ledger::Transfer;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{AuthorisationFilter, AuthorisationView};
use utoipa::ToSchema;

use super::{AuthorisationBody, PathText};
use crate::card_reference::{NamesCards, card_id_filter, named};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// A movement of money.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferBody {
    transfer_id: String,
    /// The account that it moves money of.
    account_id: String,
    /// `HOLD`, `RELEASE`, `EXPIRY`, `CLEARING`, `REFUND`, or `FEE`, which moves the balance of
    /// the card's app.
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    amount: String,
    currency: String,
    created_at: String,
}

impl From<&Transfer> for TransferBody {
    fn from(transfer: &Transfer) -> Self {
        Self {
            transfer_id: transfer.transfer_id.to_string(),
            account_id: transfer.account_id.to_string(),
            kind: transfer.kind.as_str(),
            from: transfer.from.as_str(),
            to: transfer.to.as_str(),
            amount: transfer.amount.to_major(),
            currency: transfer.amount.currency().to_string(),
            created_at: transfer.created_at.to_string(),
        }
    }
}

/// An answer of the enterprise that came after the decision; it changed nothing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "LateAnswer")]
pub(crate) struct LateAnswerBody {
    /// Milliseconds from the request to the answer.
    received_ms: Option<u64>,
    response_code: Option<String>,
}

impl LateAnswerBody {
    fn of(json: &str) -> Self {
        let value: Value = serde_json::from_str(json).unwrap_or_default();
        Self {
            received_ms: value.get("receivedMs").and_then(Value::as_u64),
            response_code: value.get("responseCode").and_then(Value::as_str).map(str::to_owned),
        }
    }
}

/// An authorisation and how it was decided. Beside what is listed here it holds the
/// receipt's own parts: the request, the checks in order, what was sent and answered
/// (masked), timings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptBody {
    #[serde(flatten)]
    authorisation: AuthorisationBody,
    transfers: Vec<TransferBody>,
    late_answer: Option<LateAnswerBody>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    receipt: Map<String, Value>,
}

impl ReceiptBody {
    fn of(view: &AuthorisationView, transfers: &[Transfer]) -> Self {
        let mut receipt: Map<String, Value> =
            serde_json::from_str(&view.receipt).unwrap_or_default();
        let authorisation = AuthorisationBody::from(&view.authorisation);
        // The rows are later than the receipt, so their word counts where both speak.
        if let Ok(Value::Object(row)) = serde_json::to_value(&authorisation) {
            receipt.retain(|name, _| !row.contains_key(name));
        }
        receipt.remove("transfers");
        receipt.remove("lateAnswer");
        Self {
            authorisation,
            transfers: transfers.iter().map(TransferBody::from).collect(),
            late_answer: view.late_answer.as_deref().map(LateAnswerBody::of),
            receipt,
        }
    }
}

impl NamesCards for ReceiptBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        self.authorisation.cards()
    }
}

/// Authorisations, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/authorisations", operation_id = "list_authorisations", tag = "authorisations",
    params(("cardId" = Option<String>, Query), ("enterpriseId" = Option<String>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<AuthorisationBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<AuthorisationBody>>, Problem> {
    let filter = AuthorisationFilter {
        card_id: card_id_filter(&state, &query).await?,
        enterprise_id: query.id("enterpriseId")?,
        from: moment(&query, "from")?,
        to: moment(&query, "to")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let limit = filter.limit;
    let rows = state.store.authorisations(filter).await?;
    named(&state, Page::of(&rows, limit, |row| row.auth_id)).await
}

fn moment(query: &ListQuery, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    let wrong = || Problem::invalid(format!("{name} must be an RFC 3339 time"));
    Timestamp::parse_rfc3339(&text).map(Some).ok_or_else(wrong)
}

/// The decision receipt.
#[utoipa::path(get, path = "/admin/v1/authorisations/{id}", operation_id = "read_authorisation", tag = "authorisations",
    params(("id" = String, Path)), responses((status = 200, body = ReceiptBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<ReceiptBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let view = state.store.authorisation(auth_id).await?;
    let view = view.ok_or_else(|| Problem::not_found("authorisation"))?;
    let enterprise_id = view.authorisation.enterprise_id;
    let transfers = state.store.transfers_of(enterprise_id, auth_id).await?;
    named(&state, ReceiptBody::of(&view, &transfers)).await
}
