//! cardTransaction (vm-api.md sections 6.9 and 7.3): one row for each authorisation, which
//! changes in place.

use std::borrow::Cow;

use domain::{Authorisation, AuthorisationStatus, Cause, Direction, HoldState, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amount::{Amount, CURRENCY};
use super::parameters::{PAGE, PAGE_SIZE, PageRequest, Parameters};
use super::schema;
pub use super::standing::{Kind, State};
use super::time::Offset;
use super::{VmError, VmSettings};
use crate::field;
use crate::field::{Field, Kind as FieldKind, Table};

/// Path of the call.
pub const TRANSACTIONS_PATH: &str = "/cardTransaction";

/// The parameters of cardTransaction.
pub const TRANSACTION_FIELDS: Table = Table::unnamed(&[
    Field::text("card_id", "Only of this card"),
    Field::text("auth_id", "Only this one"),
    Field::text("transaction_type", "Only of this type, as in the answer"),
    Field::text("status", "Only of this status, as in the answer"),
    Field::of("start_time", "Only those made then or later", FieldKind::Moment),
    Field::of("end_time", "Only those made in that second or earlier", FieldKind::Moment),
    PAGE,
    PAGE_SIZE,
]);

/// Shops' names are padded with blanks to this length, as both published samples are.
const MERCHANT_NAME_CHARS: usize = 22;

/// Kind and state of an authorisation as it stands; `open_state` is shown for one that is approved
/// and not yet settled (vm-api.md section 16, row 6).
#[must_use]
pub fn standing(it: &Authorisation, open_state: State) -> (Kind, State) {
    standing_of(it.direction, it.status, it.posted_minor > 0, it.hold_state, open_state)
}

/// As [`standing`], from the fields that it depends on.
#[must_use]
pub fn standing_of(
    direction: Direction,
    status: AuthorisationStatus,
    is_posted: bool,
    hold_state: HoldState,
    open_state: State,
) -> (Kind, State) {
    let is_refund = direction == Direction::Incoming;
    let kind_if_declined = if is_refund { Kind::Refund } else { Kind::Authorization };
    match status {
        AuthorisationStatus::Declined => return (kind_if_declined, State::Declined),
        AuthorisationStatus::Pending => return (kind_if_declined, State::Pending),
        AuthorisationStatus::Approved => {}
    }
    if is_refund {
        return (Kind::Refund, State::Complete);
    }
    if is_posted {
        return (Kind::Settlement, State::Complete);
    }
    match hold_state {
        HoldState::Voided | HoldState::Expired => (Kind::AuthorisationCancel, State::Complete),
        HoldState::Pending => (Kind::Authorization, open_state),
        HoldState::None | HoldState::Posted => (Kind::Authorization, State::Complete),
    }
}

/// A row, and without change the body of its webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// The authorisation.
    pub auth_id: String,
    /// The card.
    pub card_id: String,
    /// When it was asked for.
    #[schema(schema_with = schema::moment)]
    pub auth_time: String,
    /// In the shop's currency.
    pub auth_amount: Amount,
    /// ISO 4217, letters.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub auth_currency: Cow<'static, str>,
    /// What was posted; 0 until then.
    pub settle_amount: Amount,
    /// Always `USD`.
    #[schema(schema_with = schema::account_currency)]
    pub settle_currency: Cow<'static, str>,
    /// See [`State`].
    #[schema(schema_with = schema::transaction_state)]
    pub status: Cow<'static, str>,
    /// See [`Kind`].
    #[serde(rename = "type")]
    #[schema(schema_with = schema::transaction_kind)]
    pub kind: Cow<'static, str>,
    /// Name of the shop, padded with blanks.
    pub merchant_name: String,
    /// When the row was made.
    #[schema(schema_with = schema::moment)]
    pub create_time: String,
    /// Why it was declined, in words; empty if it was not.
    pub description: String,
}

impl Transaction {
    /// The row of an authorisation of a card that callers know as `card_id`.
    #[must_use]
    pub fn of(it: &Authorisation, card_id: String, settings: &VmSettings) -> Self {
        let (kind, state) = standing(it, settings.open_state);
        let is_declined = state == State::Declined;
        let settled_minor = if kind == Kind::Refund && !is_declined {
            it.amount.amount_minor()
        } else {
            it.posted_minor
        };
        let name = it.merchant.name.as_deref().unwrap_or_default();
        let created = settings.offset.text(it.created_at);
        Self {
            auth_id: it.auth_id.to_string(),
            card_id,
            auth_time: created.clone(),
            auth_amount: Amount(it.acquirer_amount),
            auth_currency: it.acquirer_amount.currency().alpha().into(),
            settle_amount: Amount::of_minor(settled_minor),
            settle_currency: CURRENCY.alpha().into(),
            status: state.as_str().into(),
            kind: kind.as_str().into(),
            merchant_name: format!("{name:<MERCHANT_NAME_CHARS$}"),
            create_time: created,
            description: it.cause.as_ref().filter(|_| is_declined).map_or_else(String::new, reason),
        }
    }
}

/// The cause of a decline in words. In this dialect a purchase does not draw on a deposit.
fn reason(cause: &Cause) -> String {
    match cause {
        Cause::DepositExhausted => "insufficient balance".to_owned(),
        other => other.text().replace('_', " "),
    }
}

/// The search that cardTransaction asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionQuery {
    /// Only authorisations of this card.
    pub card_id: Option<String>,
    /// Only this authorisation.
    pub auth_id: Option<String>,
    /// Only rows of this kind; a text that is not a kind matches nothing.
    pub kind: Option<Result<Kind, String>>,
    /// Only rows in this state; a text that is not a state matches nothing.
    pub state: Option<Result<State, String>>,
    /// Made then or later.
    pub from: Option<Timestamp>,
    /// Made in that second or earlier.
    pub to: Option<Timestamp>,
    /// The page.
    pub page: PageRequest,
}

/// Reads a request to cardTransaction.
///
/// # Errors
/// A time or page that cannot be read.
pub fn parse_query(parameters: &Parameters, offset: Offset) -> Result<TransactionQuery, VmError> {
    let kind = parameters.text(field!(TRANSACTION_FIELDS, "transaction_type"))?;
    let state = parameters.text(field!(TRANSACTION_FIELDS, "status"))?;
    Ok(TransactionQuery {
        card_id: parameters.text(field!(TRANSACTION_FIELDS, "card_id"))?,
        auth_id: parameters.text(field!(TRANSACTION_FIELDS, "auth_id"))?,
        kind: kind.map(|text| text.parse().map_err(|_| text)),
        state: state.map(|text| text.parse().map_err(|_| text)),
        from: parameters.moment(field!(TRANSACTION_FIELDS, "start_time"), offset)?,
        to: parameters.moment(field!(TRANSACTION_FIELDS, "end_time"), offset)?,
        page: parameters.page()?,
    })
}

/// The answer of cardTransaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transactions {
    /// All that match.
    pub total: u64,
    /// Those on the page, newest first.
    pub list: Vec<Transaction>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_words() {
        assert_eq!(reason(&Cause::DepositExhausted), "insufficient balance");
        assert_eq!(reason(&Cause::DailyAmountExceeded), "daily amount exceeded");
    }
}
