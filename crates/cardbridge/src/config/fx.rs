//! The table of rates that a fresh store begins with.

use api::Mode;
use domain::{Currency, ExactDecimal, FxRate};
use rust_decimal::Decimal;
use toml::Value;

use super::Layers;
use super::document::{Document, RateEntry};
use crate::failure::Failure;

/// Most rates in one file.
const MAX_RATES: usize = 10_000;

/// The rates of the file; without any, the sandbox's own table, and none in production.
pub fn rates(layers: &Layers, mode: Mode) -> Result<Vec<FxRate>, Failure> {
    let own = (mode == Mode::Sandbox).then(|| layers.defaults());
    match layers.file().filter(|file| file.fx().is_some()).or(own) {
        Some(document) => rates_of(document),
        None => Ok(Vec::new()),
    }
}

fn rates_of(document: &Document) -> Result<Vec<FxRate>, Failure> {
    let entries = document.fx().map_or(&[][..], |section| &section.rates);
    if entries.len() > MAX_RATES {
        return Err(refused(document, format_args!("at most {MAX_RATES} rates")));
    }
    entries.iter().map(|entry| rate_of(document, entry)).collect()
}

fn rate_of(document: &Document, entry: &RateEntry) -> Result<FxRate, Failure> {
    let currency = |text: &str| {
        Currency::parse(text).ok_or_else(|| {
            refused(document, format_args!("pairs of ISO 4217 currencies; {text:?} is none"))
        })
    };
    let rate = decimal(&entry.rate)
        .filter(|rate| rate.is_sign_positive() && !rate.is_zero())
        .ok_or_else(|| refused(document, format_args!("rates above zero, as text or number")))?;
    Ok(FxRate { from: currency(&entry.from)?, to: currency(&entry.to)?, rate })
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => ExactDecimal::parse(text).ok()?.to_decimal(),
        Value::Integer(number) => Some(Decimal::from(*number)),
        // The shortest text that reads back as this number is what stands in the file.
        Value::Float(number) => ExactDecimal::parse(&number.to_string()).ok()?.to_decimal(),
        _ => None,
    }
}

fn refused(document: &Document, should_be: std::fmt::Arguments<'_>) -> Failure {
    Failure::configuration(format_args!("{}: fx: should be {should_be}", document.name()))
}
