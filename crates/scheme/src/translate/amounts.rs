//! The amounts of a request (network-iso8583.md section 3.3).

use domain::{BillingAmount, Currency, Money};
use iso8583::Message;

use super::codes::Refusal;
use super::field;

/// The amount; `None` if there is none, which has no currency either.
pub(super) fn amount_of(message: &Message) -> Result<Option<Money>, Refusal> {
    let minor = match message.get(field::AMOUNT) {
        Some(_) => minor_of(message, field::AMOUNT)?,
        None => 0,
    };
    match message.text(field::CURRENCY) {
        Some(text) => Ok(Some(Money::new(minor, currency_of(text, field::CURRENCY)?))),
        None if minor == 0 => Ok(None),
        None => Err(Refusal::Format(field::CURRENCY)),
    }
}

/// The amount that the network bills. It and its currency come together.
pub(super) fn billing_of(message: &Message) -> Result<Option<BillingAmount>, Refusal> {
    let currency = message.text(field::BILLING_CURRENCY);
    match (message.get(field::BILLING_AMOUNT), currency) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Refusal::Format(field::BILLING_CURRENCY)),
        (None, Some(_)) => Err(Refusal::Format(field::BILLING_AMOUNT)),
        (Some(_), Some(text)) => {
            let currency = currency_of(text, field::BILLING_CURRENCY)?;
            let amount = Money::new(minor_of(message, field::BILLING_AMOUNT)?, currency);
            Ok(Some(BillingAmount::new(amount, rate_of(message))))
        }
    }
}

/// The rate's digits, and how many of them are decimals, which the first digit says.
fn rate_of(message: &Message) -> Option<(i64, u32)> {
    let (decimals, digits) = message.text(field::BILLING_RATE)?.split_at_checked(1)?;
    Some((digits.parse().ok()?, decimals.parse().ok()?))
}

fn minor_of(message: &Message, number: u8) -> Result<i64, Refusal> {
    let minor = message.text(number).and_then(|digits| digits.parse().ok());
    minor.ok_or(Refusal::Format(number))
}

fn currency_of(text: &str, number: u8) -> Result<Currency, Refusal> {
    let is_numeric = text.bytes().all(|byte| byte.is_ascii_digit());
    let currency = is_numeric.then(|| Currency::parse(text)).flatten();
    currency.ok_or(Refusal::Format(number))
}
