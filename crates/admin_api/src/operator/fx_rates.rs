//! The table of exchange rates; a change counts from the next authorisation on.

use axum::Json;
use std::collections::HashSet;

use domain::{ExactDecimal, FxRate, FxTable};
use rust_decimal::Decimal;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::fields::{Fields, currency, required_decimal};
use crate::problem::Problem;
use crate::request_bodies::{FX_RATE_ENTRY, FX_RATES};
use wire::field;

answer_body! {
    /// One rate: 1 unit of `from` is `rate` units of `to`.
    pub(crate) struct FxRateBody of rate: FxRate {
        from: String = rate.from.to_string(),
        to: String = rate.to.to_string(),
        rate: String = rate.rate.normalize().to_string(),
    }
}

answer_body! {
    /// The table in force.
    pub(crate) struct FxRatesBody of table: &FxTable {
        rates: Vec<FxRateBody> = table.rates().into_iter().map(FxRateBody::of).collect(),
    }
}

/// `GET /admin/v1/fx-rates`.
pub(crate) async fn read(call: Call) -> Answer<FxRatesBody> {
    Ok(Json(FxRatesBody::of(&call.state.store.fx_table().await?)))
}

/// `PUT /admin/v1/fx-rates`.
pub(crate) async fn replace(call: Call) -> Answer<FxRatesBody> {
    let rates = rates(&call.fields()?)?;
    let shown = FxRatesBody::of(&FxTable::new(rates.clone()));
    call.state.store.replace_fx_rates(rates).await?;
    Ok(Json(shown))
}

fn rates(fields: &Fields<'_>) -> Result<Vec<FxRate>, Problem> {
    let entries = fields.object_list(field!(FX_RATES, "rates"))?;
    let entries = fields.required(field!(FX_RATES, "rates"), entries)?;
    let mut pairs = HashSet::new();
    entries
        .iter()
        .map(|entry| {
            let rate = rate(entry)?;
            let fresh = rate.from != rate.to && pairs.insert((rate.from, rate.to));
            fresh
                .then_some(rate)
                .ok_or_else(|| entry.wrong(field!(FX_RATE_ENTRY, "to"), "repeats a pair or `from`"))
        })
        .collect()
}

fn rate(entry: &Fields<'_>) -> Result<FxRate, Problem> {
    let text = required_decimal(entry, field!(FX_RATE_ENTRY, "rate"))?;
    let rate = ExactDecimal::parse(&text).ok().and_then(|it| it.to_decimal());
    let rate = rate.filter(|rate| *rate > Decimal::ZERO);
    Ok(FxRate {
        from: currency(entry, field!(FX_RATE_ENTRY, "from"))?,
        to: currency(entry, field!(FX_RATE_ENTRY, "to"))?,
        rate: rate.ok_or_else(|| {
            entry.wrong(field!(FX_RATE_ENTRY, "rate"), "must be a decimal above zero")
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_above_zero_and_pairs_are_given_once() {
        let read = |entries: &str| {
            let body = format!("{{\"rates\":[{entries}]}}");
            rates(&Fields::parse_as(&FX_RATES, body.as_bytes())?)
        };
        assert_eq!(read("").unwrap(), []);
        let two =
            r#"{"from":"840","to":"702","rate":"1.35"},{"from":"SGD","to":"USD","rate":0.74}"#;
        assert_eq!(read(two).unwrap().len(), 2);
        for bad in [
            r#"{"from":"840","to":"702","rate":"0"}"#,
            r#"{"from":"840","to":"702","rate":"-1"}"#,
            r#"{"from":"840","to":"840","rate":"1"}"#,
            r#"{"from":"840","to":"702","rate":"1"},{"from":"USD","to":"SGD","rate":"2"}"#,
            r#"{"from":"000","to":"702","rate":"1"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
