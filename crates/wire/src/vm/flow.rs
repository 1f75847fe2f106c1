//! getCardFlow: the movements of a card's balance (vm-api.md section 6.12).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::VmError;
use super::amount::Amount;
use super::parameters::{PAGE, PAGE_SIZE, PageRequest, Parameters};
use super::schema;
use crate::field;
use crate::field::{Field, Table};

/// Path of the call.
pub const FLOW_PATH: &str = "/getCardFlow";

/// The parameters of getCardFlow.
pub const FLOW_FIELDS: Table = Table::unnamed(&[
    Field::text("card_id", "Only what moved this card's balance"),
    PAGE,
    PAGE_SIZE,
]);

/// Reads a request to getCardFlow: the card, if only one is asked for, and the page.
///
/// # Errors
/// A page that cannot be read.
pub fn parse_flows(parameters: &Parameters) -> Result<(Option<String>, PageRequest), VmError> {
    Ok((parameters.text(field!(FLOW_FIELDS, "card_id"))?, parameters.page()?))
}

/// The answer of getCardFlow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flows {
    /// All that match.
    pub total: u64,
    /// Those on the page, newest first.
    pub list: Vec<Flow>,
}

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// Its id.
    pub flow_id: String,
    /// The card.
    pub card_id: String,
    /// `Create`, `Recharge`, `Refund`, `Delete`, `Authorization`, `Settlement` or `Fee`.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::flow_kind)]
    pub kind: Cow<'static, str>,
    /// Signed: below zero takes from the card.
    pub amount: Amount,
    /// What could be spent afterwards.
    pub balance: Amount,
    /// Always `USD`.
    #[schema(schema_with = schema::account_currency)]
    pub currency: Cow<'static, str>,
    /// When.
    #[schema(schema_with = schema::moment)]
    pub create_time: String,
    /// Its subject.
    pub remark: String,
}
