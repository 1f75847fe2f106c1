//! The amounts of a request (network-iso8583.md section 3.3).

use domain::{BillingAmount, Currency, Money};
use iso8583::Message;

use super::codes::Refusal;
use super::field;

/// The processing code of a purchase with cash back.
const CASH_BACK: &str = "09";
/// Characters of a set of DE54, and where its parts stand.
const SET: usize = 20;
const SET_TYPE: std::ops::Range<usize> = 2..4;
const SET_CURRENCY: std::ops::Range<usize> = 4..7;
const SET_MINOR: std::ops::Range<usize> = 8..20;
/// The amount type of the part that is paid out.
const CASH_PART: &str = "40";
/// Digits of an amount among several.
const AMOUNT_DIGITS: usize = 12;

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

/// The part of a purchase with cash back that is paid out; `None` if the message is none, or does
/// not say.
pub(super) fn cash_back_of(
    message: &Message,
    amount: Option<Money>,
) -> Result<Option<Money>, Refusal> {
    let wrong = Refusal::Format(field::ADDITIONAL_AMOUNTS);
    let is_asked = message.text(field::PROCESSING_CODE).is_some_and(|it| it.starts_with(CASH_BACK));
    let sets = message.text(field::ADDITIONAL_AMOUNTS).filter(|_| is_asked);
    let (Some(mut rest), Some(amount)) = (sets, amount) else { return Ok(None) };
    while !rest.is_empty() {
        let (set, others) = rest.split_at_checked(SET).ok_or(wrong)?;
        rest = others;
        if set.get(SET_TYPE) == Some(CASH_PART) {
            let currency =
                currency_of(set.get(SET_CURRENCY).unwrap_or_default(), field::ADDITIONAL_AMOUNTS)?;
            let minor = set.get(SET_MINOR).and_then(|digits| digits.parse().ok()).ok_or(wrong)?;
            let is_part = currency == amount.currency() && minor <= amount.amount_minor();
            return if is_part { Ok(Some(Money::new(minor, currency))) } else { Err(wrong) };
        }
    }
    Ok(None)
}

/// The rate's digits, and how many of them are decimals, which the first digit says.
fn rate_of(message: &Message) -> Option<(i64, u32)> {
    let (decimals, digits) = message.text(field::BILLING_RATE)?.split_at_checked(1)?;
    Some((digits.parse().ok()?, decimals.parse().ok()?))
}

/// The amount that is settled, if it can be read: nothing is held or posted by it.
pub(super) fn settlement_of(message: &Message) -> Option<Money> {
    let currency = message.text(field::SETTLEMENT_CURRENCY)?;
    let currency = currency_of(currency, field::SETTLEMENT_CURRENCY).ok()?;
    message.get(field::SETTLEMENT_AMOUNT)?;
    Some(Money::new(minor_of(message, field::SETTLEMENT_AMOUNT).ok()?, currency))
}

/// The amount in a field's first twelve digits, minor units.
pub(super) fn leading_minor(message: &Message, number: u8) -> Result<i64, Refusal> {
    let digits = message.text(number).and_then(|text| text.get(..AMOUNT_DIGITS)?.parse().ok());
    digits.ok_or(Refusal::Format(number))
}

fn minor_of(message: &Message, number: u8) -> Result<i64, Refusal> {
    let minor = message.text(number).and_then(|digits| digits.parse().ok());
    minor.ok_or(Refusal::Format(number))
}

pub(super) fn currency_of(text: &str, number: u8) -> Result<Currency, Refusal> {
    let is_numeric = text.bytes().all(|byte| byte.is_ascii_digit());
    let currency = is_numeric.then(|| Currency::parse(text)).flatten();
    currency.ok_or(Refusal::Format(number))
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    fn read(code: &str, sets: &str) -> Result<Option<Money>, Refusal> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        message.set(field::PROCESSING_CODE, code.as_bytes()).unwrap();
        message.set(field::ADDITIONAL_AMOUNTS, sets.as_bytes()).unwrap();
        cash_back_of(&message, Some(Money::new(1_550, Currency::USD)))
    }

    #[test]
    fn cash_back_is_a_part_of_the_amount() {
        let wrong = Err(Refusal::Format(field::ADDITIONAL_AMOUNTS));
        let part = "0040840D000000000500";
        let cash = Ok(Some(Money::new(500, Currency::USD)));
        assert_eq!(read("090000", part), cash);
        assert_eq!(read("090000", &format!("0001840C000000009999{part}")), cash);
        assert_eq!(read("000000", part), Ok(None));
        assert_eq!(read("090000", "0001840C000000009999"), Ok(None));
        for sets in [
            "0040840D000000001551",
            "0040978D000000000500",
            "0040000D000000000500",
            "0040840D00000000050x",
            "0040840D0000000005",
        ] {
            assert_eq!(read("090000", sets), wrong, "{sets}");
        }
    }
}
