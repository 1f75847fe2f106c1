//! The table of exchange rates; a change counts from the next authorisation on.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{ExactDecimal, FxRate, FxTable};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::{Fields, currency, required_decimal};
use crate::problem::Problem;
use crate::request_bodies::{FX_RATE_ENTRY, FX_RATES};
use crate::state::ApiState;
use wire::field;

/// One rate: 1 unit of `from` is `rate` units of `to`.
#[derive(Serialize, ToSchema)]
pub(crate) struct FxRateBody {
    from: String,
    to: String,
    rate: String,
}

/// The table in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct FxRatesBody {
    rates: Vec<FxRateBody>,
}

impl From<&FxTable> for FxRatesBody {
    fn from(table: &FxTable) -> Self {
        let body = |rate: FxRate| FxRateBody {
            from: rate.from.to_string(),
            to: rate.to.to_string(),
            rate: rate.rate.normalize().to_string(),
        };
        Self { rates: table.rates().into_iter().map(body).collect() }
    }
}

/// The table in force.
#[utoipa::path(get, path = "/admin/v1/fx-rates", operation_id = "read_fx_rates", tag = "fx-rates",
    responses((status = 200, body = FxRatesBody)))]
pub(crate) async fn read(State(state): State<Arc<ApiState>>) -> Result<Json<FxRatesBody>, Problem> {
    Ok(Json(FxRatesBody::from(&state.store.fx_table().await?)))
}

/// Replaces the whole table.
#[utoipa::path(put, path = "/admin/v1/fx-rates", tag = "fx-rates", request_body = ref("FxRates"),
    responses((status = 200, body = FxRatesBody)))]
pub(crate) async fn replace(
    State(state): State<Arc<ApiState>>,
    body: Bytes,
) -> Result<Json<FxRatesBody>, Problem> {
    let rates = rates(&body)?;
    let shown = FxRatesBody::from(&FxTable::new(rates.clone()));
    state.store.replace_fx_rates(rates).await?;
    Ok(Json(shown))
}

fn rates(body: &[u8]) -> Result<Vec<FxRate>, Problem> {
    let fields = Fields::parse_as(&FX_RATES, body)?;
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
        let read = |entries: &str| rates(format!("{{\"rates\":[{entries}]}}").as_bytes());
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
