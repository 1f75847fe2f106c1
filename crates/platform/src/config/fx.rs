//! The exchange rates that a fresh store begins with.

use std::collections::BTreeMap;

use domain::{Currency, ExactDecimal, FxRate, Mode};
use rust_decimal::Decimal;
use toml::Value;

use super::Layers;
use super::document::Document;
use super::sections::RateEntry;
use crate::failure::Failure;

/// Most rates in one file.
const MAX_RATES: usize = 10_000;
/// Significant digits of a rate derived from two others.
const CROSS_DIGITS: u32 = 6;

/// The file's rates; without any, the sandbox has its own table and production has none.
pub fn rates(layers: &Layers, mode: Mode) -> Result<Vec<FxRate>, Failure> {
    let own = (mode == Mode::Sandbox).then(|| layers.defaults());
    match layers.file().filter(|file| file.fx().is_some()).or(own) {
        Some(document) => rates_of(document),
        None => Ok(Vec::new()),
    }
}

fn rates_of(document: &Document) -> Result<Vec<FxRate>, Failure> {
    let Some(section) = document.fx() else { return Ok(Vec::new()) };
    // Rates given pair by pair come last and win.
    let mut rates = crossed(document, &section.per_usd)?;
    for entry in &section.rates {
        rates.push(rate_of(document, entry)?);
    }
    if rates.len() > MAX_RATES {
        return Err(refused(document, format_args!("at most {MAX_RATES} rates")));
    }
    Ok(rates)
}

fn rate_of(document: &Document, entry: &RateEntry) -> Result<FxRate, Failure> {
    Ok(FxRate {
        from: currency(document, &entry.from)?,
        to: currency(document, &entry.to)?,
        rate: positive(document, &entry.rate)?,
    })
}

/// Every pair of the dollar and these currencies, both ways.
fn crossed(document: &Document, per_usd: &BTreeMap<String, Value>) -> Result<Vec<FxRate>, Failure> {
    if per_usd.is_empty() {
        return Ok(Vec::new());
    }
    let mut units = vec![(Currency::USD, Decimal::ONE)];
    for (text, value) in per_usd {
        let own = currency(document, text)?;
        if own == Currency::USD {
            let should_be =
                format_args!("units of other currencies for one dollar; {text:?} is it");
            return Err(refused(document, should_be));
        }
        if units.iter().any(|(other, _)| *other == own) {
            let alpha = own.alpha();
            let should_be = format_args!("each currency once in per-usd; {alpha} is there twice");
            return Err(refused(document, should_be));
        }
        units.push((own, positive(document, value)?));
    }
    let mut rates = Vec::new();
    for &(from, from_units) in &units {
        for &(to, to_units) in units.iter().filter(|(to, _)| *to != from) {
            let rate = to_units.checked_div(from_units).and_then(|it| it.round_sf(CROSS_DIGITS));
            let rate = rate.filter(|rate| !rate.is_zero());
            let too_far = || refused(document, format_args!("rates that can be crossed"));
            rates.push(FxRate { from, to, rate: rate.ok_or_else(too_far)?.normalize() });
        }
    }
    Ok(rates)
}

fn currency(document: &Document, text: &str) -> Result<Currency, Failure> {
    Currency::parse(text).ok_or_else(|| {
        refused(document, format_args!("pairs of ISO 4217 currencies; {text:?} is none"))
    })
}

fn positive(document: &Document, value: &Value) -> Result<Decimal, Failure> {
    decimal(value)
        .filter(|rate| rate.is_sign_positive() && !rate.is_zero())
        .ok_or_else(|| refused(document, format_args!("rates above zero, as text or number")))
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => ExactDecimal::parse(text).ok()?.to_decimal(),
        Value::Integer(number) => Some(Decimal::from(*number)),
        // The shortest text that reads back as this number is the text in the file.
        Value::Float(number) => ExactDecimal::parse(&number.to_string()).ok()?.to_decimal(),
        _ => None,
    }
}

fn refused(document: &Document, should_be: std::fmt::Arguments<'_>) -> Failure {
    Failure::configuration(format_args!("{}: fx: should be {should_be}", document.name()))
}
