//! What an app of dialect 2 is charged for (vm-api.md section 7.5), as operators set and see it.

use domain::{Currency, Money, VmFee, VmFees};
use serde::Serialize;
use store::{VmFeePatch, VmFeesPatch};
use utoipa::ToSchema;
use wire::field;
use wire::field::Field;

use crate::fields::{Fields, amount};
use crate::problem::Problem;
use crate::request_bodies::{VM_APP_CHANGE, VM_FEE_CHANGE, VM_FEES_CHANGE};

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
pub(crate) fn read(fields: &Fields<'_>) -> Result<VmFeesPatch, Problem> {
    let Some(fees) = fields.object(field!(VM_APP_CHANGE, "fees"))? else {
        return Ok(VmFeesPatch::default());
    };
    Ok(VmFeesPatch {
        opening_minor: hundredths(&fees, field!(VM_FEES_CHANGE, "opening"))?,
        authorisation: fee(&fees, field!(VM_FEES_CHANGE, "authorisation"))?,
        decline: fee(&fees, field!(VM_FEES_CHANGE, "decline"))?,
        cross_border: fee(&fees, field!(VM_FEES_CHANGE, "crossBorder"))?,
    })
}

fn fee(fees: &Fields<'_>, field: Field) -> Result<VmFeePatch, Problem> {
    let Some(fee) = fees.object(field)? else {
        return Ok(VmFeePatch::default());
    };
    let basis_points = hundredths(&fee, field!(VM_FEE_CHANGE, "percent"))?.map(|minor| {
        let basis_points = u32::try_from(minor).ok();
        let basis_points = basis_points.filter(|it| *it <= VmFee::MAX_BASIS_POINTS);
        basis_points
            .ok_or_else(|| fee.wrong(field!(VM_FEE_CHANGE, "percent"), "must not be above 100"))
    });
    Ok(VmFeePatch {
        basis_points: basis_points.transpose()?,
        least_minor: hundredths(&fee, field!(VM_FEE_CHANGE, "least"))?,
    })
}

/// A decimal of up to two places that is not below zero, in hundredths.
fn hundredths(fields: &Fields<'_>, field: Field) -> Result<Option<i64>, Problem> {
    match amount(fields, field, Currency::USD)?.map(Money::amount_minor) {
        Some(minor) if minor < 0 => Err(fields.wrong(field, "must not be below zero")),
        minor => Ok(minor),
    }
}
