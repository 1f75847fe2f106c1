//! The cards' operations: createCard, cardDetail, updateCardLimit, freezeCard, rechargeCard,
//! refundCard, deleteCard and getCardList (vm-api.md sections 6.3 to 6.11).

use domain::{Money, Timestamp, is_mark, normal_form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::VmError;
use super::parameters::{InEnvelope, PAGE, PAGE_SIZE, PageRequest, Parameters};
use super::time::Offset;
use crate::field;
use crate::field::{Body, Field, Kind, Table};

pub use super::card_answer::{
    CardDetail, CardIdBody, CardLine, CardList, CardStatusBody, LimitBody, Moved,
};

/// Path of createCard.
pub const CREATE_PATH: &str = "/createCard";
/// Path of cardDetail.
pub const DETAIL_PATH: &str = "/cardDetail";
/// Path of updateCardLimit.
pub const LIMIT_PATH: &str = "/updateCardLimit";
/// Path of freezeCard.
pub const FREEZE_PATH: &str = "/freezeCard";
/// Path of rechargeCard.
pub const RECHARGE_PATH: &str = "/rechargeCard";
/// Path of refundCard.
pub const REFUND_PATH: &str = "/refundCard";
/// Path of deleteCard.
pub const DELETE_PATH: &str = "/deleteCard";
/// Path of getCardList.
pub const LIST_PATH: &str = "/getCardList";

/// Longest name of a cardholder, first or last (vm-api.md section 16, row 24).
pub const MAX_NAME_CHARS: usize = 50;
/// Longest label.
pub const MAX_LABEL_CHARS: usize = 160;
/// Longest line of an address (operator-and-sandbox.md section 5).
pub const MAX_ADDRESS_CHARS: usize = 256;
/// Least initial load, minor units.
pub const LEAST_LOAD_MINOR: i64 = 2_000;
/// Least recharge, minor units.
pub const LEAST_RECHARGE_MINOR: i64 = 1_000;
/// Largest load, recharge or line, minor units.
pub const LARGEST_AMOUNT_MINOR: i64 = 10_000_000;
const MINOR_PER_MAJOR: i64 = 100;

const CARD_ID: Field = Field::text("card_id", "The card's id, not its number").required();
const SINGLE_LIMIT: Field =
    Field::of("single_limit", "Most of one authorisation; 0 is no limit", Kind::Limit);
const DAY_LIMIT: Field = Field::of("day_limit", "Most of a day; 0 is no limit", Kind::Limit);
const MONTH_LIMIT: Field = Field::of("month_limit", "Most of a month; 0 is no limit", Kind::Limit);

/// The parameters of an address.
pub const ADDRESS_FIELDS: Table = Table::unnamed(&[
    address_line("address_line_one", "First line; needed if any other is there"),
    address_line("address_line_two", "Second line"),
    address_line("city", "City"),
    address_line("state", "State or province"),
    address_line("country", "Country"),
    address_line("post_code", "Postal code"),
]);

const fn address_line(name: &'static str, meaning: &'static str) -> Field {
    Field::of(name, meaning, Kind::Text { max_chars: MAX_ADDRESS_CHARS })
}

/// The parameters of createCard.
pub const CREATE_FIELDS: Table = Table::unnamed(&[
    Field::text("product_code", "A product's code, not its BIN").required(),
    Field::of(
        "first_name",
        "Up to 50 letters of any script, blanks, hyphens, apostrophes and full stops",
        Kind::Name,
    )
    .required(),
    Field::of(
        "last_name",
        "Up to 50 letters of any script, blanks, hyphens, apostrophes and full stops",
        Kind::Name,
    )
    .required(),
    Field::of(
        "amount",
        "Initial load of a prepaid card, total line of a credit-line card, US dollars, at most \
         two decimals",
        Kind::Load { least_minor: LEAST_LOAD_MINOR, most_minor: LARGEST_AMOUNT_MINOR },
    )
    .required(),
    SINGLE_LIMIT,
    DAY_LIMIT,
    MONTH_LIMIT,
    Field::of("label", "The caller's own label", Kind::Text { max_chars: MAX_LABEL_CHARS }),
    Field::of("card_address", "The cardholder's address", Kind::Object(&ADDRESS_FIELDS)),
    Field::text("area_code", "Dialling code, as +1"),
    Field::text("mobile", "Phone number"),
    Field::text("email", "E-mail address"),
]);

/// The parameters of cardDetail and deleteCard.
pub const CARD_FIELDS: Table = Table::unnamed(&[CARD_ID]);

/// The parameters of updateCardLimit. A limit that is left out stays as it is.
pub const LIMIT_FIELDS: Table = Table::unnamed(&[
    CARD_ID,
    SINGLE_LIMIT,
    DAY_LIMIT,
    MONTH_LIMIT,
    Field::of("amount", "The total line; 0 is no limit", Kind::Limit),
]);

/// The parameters of freezeCard.
pub const FREEZE_FIELDS: Table = Table::unnamed(&[
    CARD_ID,
    Field::of(
        "status",
        "CANCELLED freezes the card, ACTIVE lifts that",
        Kind::Word(&["CANCELLED", "ACTIVE"]),
    )
    .required(),
]);

/// The parameters of rechargeCard.
pub const RECHARGE_FIELDS: Table = Table::unnamed(&[
    CARD_ID,
    Field::of(
        "amount",
        "US dollars, at most two decimals",
        Kind::Load { least_minor: LEAST_RECHARGE_MINOR, most_minor: LARGEST_AMOUNT_MINOR },
    )
    .required(),
]);

/// The parameters of refundCard.
pub const REFUND_FIELDS: Table = Table::unnamed(&[
    CARD_ID,
    Field::of("amount", "US dollars, at most two decimals", Kind::Payment).required(),
]);

/// The parameters of getCardList.
pub const LIST_FIELDS: Table = Table::unnamed(&[
    Field::text("product_code", "Only cards of this product"),
    Field::text("card_type", "Only cards of this kind: save or share"),
    Field::text("card_id", "Only this card, deleted or not"),
    Field::of("start_time", "Only cards opened then or later", Kind::Moment),
    Field::of("end_time", "Only cards opened in that second or earlier", Kind::Moment),
    PAGE,
    PAGE_SIZE,
]);

/// The change that freezeCard asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeRequest {
    /// `CANCELLED`.
    Freeze,
    /// `ACTIVE`.
    Unfreeze,
}

/// An address; empty where nothing is known. No Debug: it is personal.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize, ToSchema)]
#[schema(description = "An address; a line is empty where nothing is known.")]
pub struct Address {
    /// First line.
    pub address_line_one: String,
    /// Second line.
    pub address_line_two: String,
    /// City.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Country as the caller wrote it.
    pub country: String,
    /// Postal code.
    pub post_code: String,
}

/// The cardholder, as createCard received it. No Debug: it is personal.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct Holder {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Address.
    pub card_address: Address,
    /// Dialling code.
    pub area_code: String,
    /// Phone number.
    pub mobile: String,
    /// E-mail address.
    pub email: String,
}

impl Holder {
    /// First and last name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// Limits of a card, minor units; zero means no limit of that kind (vm-api.md section 16, row 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of one authorisation.
    pub single_minor: i64,
    /// Of a day.
    pub day_minor: i64,
    /// Of a month.
    pub month_minor: i64,
}

/// A request to createCard.
pub struct CreateCard {
    /// The product of the card.
    pub product_code: String,
    /// The cardholder.
    pub holder: Holder,
    /// Initial load of a prepaid card, or total line of a credit-line card.
    pub amount: Money,
    /// Its limits.
    pub limits: Limits,
    /// The caller's label.
    pub label: String,
}

/// Reads a request to createCard.
///
/// # Errors
/// A field is missing or has a value that no card takes.
pub fn parse_create(parameters: &Parameters) -> Result<CreateCard, VmError> {
    let product_code = parameters.required_text(field!(CREATE_FIELDS, "product_code"))?;
    let (first_name, last_name) = (
        name(parameters, field!(CREATE_FIELDS, "first_name"))?,
        name(parameters, field!(CREATE_FIELDS, "last_name"))?,
    );
    let amount = parameters.required_amount(field!(CREATE_FIELDS, "amount"))?;
    if !is_name(&first_name) || !is_name(&last_name) {
        return Err(VmError::Params);
    }
    require_within(amount, LEAST_LOAD_MINOR)?;
    let address = parameters.object(field!(CREATE_FIELDS, "card_address"))?;
    let limits = Limits {
        single_minor: limit(parameters, field!(CREATE_FIELDS, "single_limit"))?.unwrap_or(0),
        day_minor: limit(parameters, field!(CREATE_FIELDS, "day_limit"))?.unwrap_or(0),
        month_minor: limit(parameters, field!(CREATE_FIELDS, "month_limit"))?.unwrap_or(0),
    };
    let contact = |field| Ok::<_, VmError>(parameters.text(field)?.unwrap_or_default());
    Ok(CreateCard {
        product_code,
        holder: Holder {
            first_name,
            last_name,
            card_address: address.as_ref().map(parse_address).transpose()?.unwrap_or_default(),
            area_code: contact(field!(CREATE_FIELDS, "area_code"))?,
            mobile: contact(field!(CREATE_FIELDS, "mobile"))?,
            email: contact(field!(CREATE_FIELDS, "email"))?,
        },
        amount,
        limits,
        label: parameters.text(field!(CREATE_FIELDS, "label"))?.unwrap_or_default(),
    })
}

fn parse_address(parameters: &Body<'_, InEnvelope>) -> Result<Address, VmError> {
    let line = |field| Ok::<_, VmError>(parameters.text(field)?.unwrap_or_default());
    let address_line_one = line(field!(ADDRESS_FIELDS, "address_line_one"))?;
    let address = Address {
        address_line_one,
        address_line_two: line(field!(ADDRESS_FIELDS, "address_line_two"))?,
        city: line(field!(ADDRESS_FIELDS, "city"))?,
        state: line(field!(ADDRESS_FIELDS, "state"))?,
        country: line(field!(ADDRESS_FIELDS, "country"))?,
        post_code: line(field!(ADDRESS_FIELDS, "post_code"))?,
    };
    // Clients send an object of empty texts if they know nothing.
    if address.address_line_one.is_empty() && address != Address::default() {
        return Err(VmError::NotSet("address_line_one"));
    }
    Ok(address)
}

/// A name in Unicode's normal form. A text with a wrong value is refused with the error for names.
fn name(it: &Parameters, field: Field) -> Result<String, VmError> {
    let name = it.required_text(field).map_err(|error| match error {
        VmError::Value(_) => VmError::Params,
        other => other,
    })?;
    Ok(normal_form(&name).into_owned())
}

fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| {
        c.is_alphabetic() || is_mark(c) || matches!(c, ' ' | '-' | '\'' | '\u{2019}' | '.')
    };
    name.chars().count() <= MAX_NAME_CHARS && name.chars().all(is_allowed)
}

fn limit(it: &Parameters, field: Field) -> Result<Option<i64>, VmError> {
    match it.amount(field)?.map(Money::amount_minor) {
        Some(minor) if minor < 0 => Err(VmError::Amount),
        Some(minor) if minor > Money::MAX_INPUT_MINOR => Err(VmError::AmountTooLarge),
        other => Ok(other),
    }
}

fn require_within(amount: Money, least_minor: i64) -> Result<(), VmError> {
    if amount.amount_minor() < least_minor {
        return Err(VmError::AmountTooSmall { least_major: least_minor / MINOR_PER_MAJOR });
    }
    if amount.amount_minor() > LARGEST_AMOUNT_MINOR {
        return Err(VmError::AmountTooLarge);
    }
    Ok(())
}

/// Reads the card id of a request about a card.
///
/// # Errors
/// It is missing.
pub fn parse_card_id(parameters: &Parameters) -> Result<String, VmError> {
    parameters.required_text(CARD_ID)
}

/// Reads a recharge.
///
/// # Errors
/// Missing, below 10, or above the largest amount.
pub fn parse_recharge(parameters: &Parameters) -> Result<(String, Money), VmError> {
    let card_id = parse_card_id(parameters)?;
    let amount = parameters.required_amount(field!(RECHARGE_FIELDS, "amount"))?;
    require_within(amount, LEAST_RECHARGE_MINOR)?;
    Ok((card_id, amount))
}

/// Reads a refund to the merchant's account.
///
/// # Errors
/// Missing, or not above zero.
pub fn parse_refund(parameters: &Parameters) -> Result<(String, Money), VmError> {
    let card_id = parse_card_id(parameters)?;
    let amount = parameters.required_amount(field!(REFUND_FIELDS, "amount"))?;
    if !amount.is_positive() {
        return Err(VmError::Amount);
    }
    Ok((card_id, amount))
}

/// Reads a request to freezeCard.
///
/// # Errors
/// Missing, or a status that is neither `CANCELLED` nor `ACTIVE`.
pub fn parse_freeze(parameters: &Parameters) -> Result<(String, FreezeRequest), VmError> {
    let card_id = parse_card_id(parameters)?;
    match parameters.required_text(field!(FREEZE_FIELDS, "status"))?.as_str() {
        "CANCELLED" => Ok((card_id, FreezeRequest::Freeze)),
        "ACTIVE" => Ok((card_id, FreezeRequest::Unfreeze)),
        _ => Err(VmError::Status),
    }
}

/// New limits of a credit-line card; `None` leaves a limit as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitChange {
    /// Of one authorisation, minor units.
    pub single_minor: Option<i64>,
    /// Of a day.
    pub day_minor: Option<i64>,
    /// Of a month.
    pub month_minor: Option<i64>,
    /// The total line.
    pub total_minor: Option<i64>,
}

/// Reads a request to updateCardLimit.
///
/// # Errors
/// The card is missing, or a limit is below zero.
pub fn parse_limits(parameters: &Parameters) -> Result<(String, LimitChange), VmError> {
    let change = LimitChange {
        single_minor: limit(parameters, field!(LIMIT_FIELDS, "single_limit"))?,
        day_minor: limit(parameters, field!(LIMIT_FIELDS, "day_limit"))?,
        month_minor: limit(parameters, field!(LIMIT_FIELDS, "month_limit"))?,
        total_minor: limit(parameters, field!(LIMIT_FIELDS, "amount"))?,
    };
    Ok((parse_card_id(parameters)?, change))
}

/// The search that getCardList asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardListQuery {
    /// Only cards of this product.
    pub product_code: Option<String>,
    /// Only cards of this kind.
    pub card_type: Option<String>,
    /// Only this card, deleted or not.
    pub card_id: Option<String>,
    /// Created then or later.
    pub from: Option<Timestamp>,
    /// Created in that second or earlier.
    pub to: Option<Timestamp>,
    /// The page.
    pub page: PageRequest,
}

/// Reads a request to getCardList.
///
/// # Errors
/// A time or page that cannot be read.
pub fn parse_list(parameters: &Parameters, offset: Offset) -> Result<CardListQuery, VmError> {
    Ok(CardListQuery {
        product_code: parameters.text(field!(LIST_FIELDS, "product_code"))?,
        card_type: parameters
            .text(field!(LIST_FIELDS, "card_type"))?
            .map(|kind| kind.to_ascii_lowercase()),
        card_id: parameters.text(field!(LIST_FIELDS, "card_id"))?,
        from: parameters.moment(field!(LIST_FIELDS, "start_time"), offset)?,
        to: parameters.moment(field!(LIST_FIELDS, "end_time"), offset)?,
        page: parameters.page()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parameters;
    use super::*;

    fn create(json: &str) -> Result<CreateCard, VmError> {
        parse_create(&parameters::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_card_is_opened_with_what_clients_send() {
        let it = create(
            r#"{"product_code":"S9999AA","first_name":"Test","last_name":"User","amount":"20",
                "single_limit":0,"label":"\u6f14\u793a","card_address":{"address_line_one":"1 Test Street","country":"US"},
                "area_code":"+1","mobile":2025550100,"email":"t@example.com","user_id":7,"pageSize":3}"#,
        )
        .ok()
        .unwrap();
        assert_eq!(it.amount.amount_minor(), 2_000);
        assert_eq!(it.holder.full_name(), "Test User");
        assert_eq!((it.holder.mobile.as_str(), it.label.as_str()), ("2025550100", "演示"));
    }

    #[test]
    fn what_no_card_takes_is_refused_by_name() {
        let refused = |json: &str| {
            create(json).err().map(|error| (error.name().default_code(), error.to_string()))
        };
        let with =
            |rest: &str| refused(&format!(r#"{{"product_code":"A","last_name":"B",{rest}}}"#));
        let text = |code: u32, text: &str| Some((code, text.to_owned()));
        assert_eq!(refused("{}"), text(400, "field product_code is not set"));
        assert_eq!(with(r#""amount":20"#), text(400, "field first_name is not set"));
        assert_eq!(with(r#""first_name":"A""#), text(400, "field amount is not set"));
        assert_eq!(with(r#""first_name":"A1","amount":20"#), text(700_006, "Params Error"));
        for name in ["Zo\u{e9}", "Zoe\u{301}", "क्षत्रिय", "ที่", "O\u{2019}Neil-Smith Jr."]
        {
            assert!(is_name(&normal_form(name)), "{name}");
        }
        assert_eq!(
            with(r#""first_name":"A","amount":19.99"#),
            text(400_003, "Amount Is Less Than 20")
        );
        assert_eq!(
            with(r#""first_name":"A","amount":100000.01"#),
            text(400_004, "Amount Too Large")
        );
        assert_eq!(with(r#""first_name":"A","amount":20.001"#), text(400_003, "Amount Error"));
        assert_eq!(
            with(r#""first_name":"A","amount":20,"day_limit":-1"#),
            text(400_003, "Amount Error")
        );
    }

    #[test]
    fn only_the_two_words_freeze() {
        let query = |status: &str| {
            let json = format!(r#"{{"card_id":"x","status":"{status}"}}"#);
            parse_freeze(&parameters::parse(json.as_bytes()).unwrap()).map(|(_, query)| query)
        };
        assert_eq!(query("CANCELLED"), Ok(FreezeRequest::Freeze));
        assert_eq!(query("ACTIVE"), Ok(FreezeRequest::Unfreeze));
        assert_eq!(query("freeze"), Err(VmError::Status));
    }
}
