//! Authorisations and their decision receipts.

use domain::Timestamp;
use store::{AuthorisationFilter, LinkMessageFilter};
use vault::mask_written_pans;
use wire::field;

use super::AuthorisationBody;
use super::receipt::ReceiptBody;
use crate::call::{Answer, Call};
use crate::card_reference::{card_id_filter, named};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::request_bodies::OPERATOR_REVERSAL;
use crate::reversing::reversed;

/// Most messages of links that a receipt shows.
const MAX_MESSAGES: u32 = 100;

/// `GET /admin/v1/authorisations`.
pub(crate) async fn list(call: Call) -> Answer<Page<AuthorisationBody>> {
    let query = call.query()?;
    let filter = AuthorisationFilter {
        card_id: card_id_filter(&call.state, &query).await?,
        enterprise_id: query.id("enterpriseId")?,
        from: moment(&query, "from")?,
        to: moment(&query, "to")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let rows = call.state.store.aside().authorisations(filter).await?;
    named(&call.state, Page::of(&query, &rows, AuthorisationBody::of, |row| row.auth_id)?).await
}

/// The moment that a parameter gives.
pub(super) fn moment(query: &ListQuery, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    let wrong = || Problem::invalid(format!("{name} must be an RFC 3339 time"));
    Timestamp::parse_rfc3339(&text).map(Some).ok_or_else(wrong)
}

/// `GET /admin/v1/authorisations/{id}`.
pub(crate) async fn read(call: Call) -> Answer<ReceiptBody> {
    let auth_id = call.id("authorisation")?;
    let Some(view) = call.state.store.authorisation_view(auth_id).await? else {
        return Err(not_found(&call).await?);
    };
    let (enterprise_id, auth_id) = (view.authorisation.enterprise_id, view.authorisation.auth_id);
    let transfers = call.state.store.transfers_of(enterprise_id, auth_id).await?;
    let about = LinkMessageFilter {
        auth_id: Some(auth_id),
        limit: MAX_MESSAGES,
        ..LinkMessageFilter::default()
    };
    let messages = call.state.store.link_messages(about).await?;
    named(&call.state, ReceiptBody::of(&view, &transfers, &messages)).await
}

/// An authorisation that is not there may be in an export.
async fn not_found(call: &Call) -> Result<Problem, Problem> {
    let Some(moment) = call.state.store.retained_from().await? else {
        return Ok(Problem::not_found("authorisation"));
    };
    let what = "authorisation (what was closed before";
    Ok(Problem::not_found(&format!("{what} {} is exported and deleted)", moment.to_utc8())))
}

/// `POST /admin/v1/authorisations/{id}/reverse`.
pub(crate) async fn reverse(call: Call) -> Answer<AuthorisationBody> {
    let auth_id = call.id("authorisation")?;
    let fields = call.fields()?;
    let reason = mask_written_pans(&fields.required_text(field!(OPERATOR_REVERSAL, "reason"))?);
    tracing::info!(%auth_id, reason, "an operator reverses an authorisation");
    reversed(&call, auth_id, &fields, Some(reason)).await
}
