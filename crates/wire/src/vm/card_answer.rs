//! The answers of the cards' operations (vm-api.md sections 6.3 to 6.11).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::amount::Amount;
use super::card::Address;
use super::schema;

/// The answer of createCard and deleteCard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardIdBody {
    /// The card.
    pub card_id: String,
}

/// The answer of freezeCard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardStatusBody {
    /// The card.
    pub card_id: String,
    /// `ACTIVE` or `CANCELLED`.
    #[schema(schema_with = schema::card_status)]
    pub status: Cow<'static, str>,
}

/// The answer of rechargeCard and refundCard: the text `true`, as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// Always `true`.
    #[schema(schema_with = schema::done)]
    pub data: Cow<'static, str>,
}

impl Moved {
    /// The only value.
    pub const DONE: Self = Self { data: Cow::Borrowed("true") };
}

/// The limits in cardDetail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitBody {
    /// Of one authorisation; 0 = none.
    pub single_limit: Amount,
    /// Of a day.
    pub day_limit: Amount,
    /// Of a month.
    pub month_limit: Amount,
    /// The total line.
    pub total_limit: Amount,
    /// What the day has left; 0 without a limit.
    pub remaining_day_limit: Amount,
    /// What the month has left; 0 without a limit.
    pub remaining_month_limit: Amount,
}

/// The answer of cardDetail. It contains PAN and CVV in clear: no Debug, never logged or kept.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(description = "A card with its number and CVV in clear: keep neither.")]
pub struct CardDetail {
    /// The card.
    pub card_id: String,
    /// PAN.
    #[schema(pattern = r"^\d{16}$")]
    pub card_number: String,
    /// CVV2, three digits.
    #[schema(pattern = r"^\d{3}$")]
    pub cvv: String,
    /// `MM/YY`.
    #[schema(schema_with = schema::expiry)]
    pub expire: String,
    /// The same again, under a name that one client looks for (vm-api.md section 6.4).
    #[schema(schema_with = schema::expiry)]
    pub expiry: String,
    /// `ACTIVE`, `CANCELLED` or `DELETED`.
    #[schema(schema_with = schema::card_status)]
    pub status: Cow<'static, str>,
    /// Cardholder.
    pub user_name: String,
    /// What can be spent.
    pub available_amount: Amount,
    /// `save` or `share`.
    #[schema(schema_with = schema::funding)]
    pub card_type: Cow<'static, str>,
    /// Its limits.
    pub limit: LimitBody,
    /// The address that createCard was told.
    pub card_address: Address,
    /// When it was opened. This and the next two are told only where `[vm] extra-fields` is
    /// true: with them the answer outgrows one block of a key of 4096 bits, which is all that
    /// some clients decrypt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::moment, required = false)]
    pub create_time: Option<String>,
    /// The caller's label, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Its product, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub product_code: Option<String>,
}

impl Drop for CardDetail {
    fn drop(&mut self) {
        self.card_number.zeroize();
        self.cvv.zeroize();
    }
}

/// The answer of getCardList.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardList {
    /// All that match.
    pub total: u64,
    /// Those on the page.
    pub list: Vec<CardLine>,
}

/// A card in a list, never with its CVV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardLine {
    /// The card.
    pub card_id: String,
    /// First six and last four digits, the others masked.
    #[schema(pattern = r"^\d{6}\*{6}\d{4}$")]
    pub card_number: String,
    /// Its product.
    pub product_code: String,
    /// `save` or `share`.
    #[schema(schema_with = schema::funding)]
    pub card_type: Cow<'static, str>,
    /// What can be spent.
    pub available_amount: Amount,
    /// `ACTIVE`, `CANCELLED` or `DELETED`.
    #[schema(schema_with = schema::card_status)]
    pub status: Cow<'static, str>,
    /// The caller's label.
    pub label: String,
    /// `MM/YY`.
    #[schema(schema_with = schema::expiry)]
    pub expire: String,
    /// When it was opened.
    #[schema(schema_with = schema::moment)]
    pub create_time: String,
}
