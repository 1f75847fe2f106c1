//! What an app of dialect 2 is charged for (vm-api.md section 7.5), as operators set and see it.

use domain::{Currency, Money, VmFee, VmFees};
use serde::Serialize;
use store::{VmFeePatch, VmFeesPatch};
use utoipa::ToSchema;

use crate::fields::{Fields, amount_text};
use crate::problem::Problem;
use crate::request_bodies::{VmFeeChange, VmFeesChange};

/// Fees charged to an app's balance, US dollars.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VmFeesBody {
    /// For a card, when it is opened.
    opening: String,
    /// For an approved authorisation.
    authorisation: VmFeeBody,
    /// For a declined authorisation.
    decline: VmFeeBody,
    /// For an approved authorisation in another currency than the card's, on top.
    cross_border: VmFeeBody,
}

/// A fee.
#[derive(Serialize, ToSchema)]
pub(crate) struct VmFeeBody {
    /// Of the amount in the card's currency.
    percent: String,
    /// Least fee.
    least: String,
}

impl VmFeesBody {
    pub(crate) fn of(fees: &VmFees) -> Self {
        Self {
            opening: major(fees.opening_minor),
            authorisation: VmFeeBody::of(fees.authorisation),
            decline: VmFeeBody::of(fees.decline),
            cross_border: VmFeeBody::of(fees.cross_border),
        }
    }
}

impl VmFeeBody {
    fn of(fee: VmFee) -> Self {
        Self { percent: major(i64::from(fee.basis_points)), least: major(fee.least_minor) }
    }
}

/// Two decimals, of dollars and of percent alike.
fn major(minor: i64) -> String {
    Money::new(minor, Currency::USD).to_major()
}

/// The fees that a body changes.
pub(crate) fn read(fields: &Fields<'_>, name: &str) -> Result<VmFeesPatch, Problem> {
    let Some(fees) = fields.object(name, VmFeesChange::FIELDS)? else {
        return Ok(VmFeesPatch::default());
    };
    Ok(VmFeesPatch {
        opening_minor: hundredths(&fees, "opening")?,
        authorisation: fee(&fees, "authorisation")?,
        decline: fee(&fees, "decline")?,
        cross_border: fee(&fees, "crossBorder")?,
    })
}

fn fee(fees: &Fields<'_>, name: &str) -> Result<VmFeePatch, Problem> {
    let Some(fee) = fees.object(name, VmFeeChange::FIELDS)? else {
        return Ok(VmFeePatch::default());
    };
    let basis_points = hundredths(&fee, "percent")?.map(|minor| {
        let basis_points = u32::try_from(minor).ok();
        let basis_points = basis_points.filter(|it| *it <= VmFee::MAX_BASIS_POINTS);
        basis_points.ok_or_else(|| fee.wrong("percent", "must not be above 100"))
    });
    Ok(VmFeePatch {
        basis_points: basis_points.transpose()?,
        least_minor: hundredths(&fee, "least")?,
    })
}

/// A decimal of up to two places that is not below zero, in hundredths.
fn hundredths(fields: &Fields<'_>, name: &str) -> Result<Option<i64>, Problem> {
    let Some(text) = fields.decimal_text(name)? else { return Ok(None) };
    let value = Money::parse_major(&text, Currency::USD)
        .map_err(|error| fields.wrong(name, amount_text(error)))?;
    if value.amount_minor() < 0 {
        return Err(fields.wrong(name, "must not be below zero"));
    }
    Ok(Some(value.amount_minor()))
}
