//! The fees of an app of dialect 2 (vm-api.md section 7.5), as operators set and see them.

use domain::{Currency, Money, VmFee, VmFees};
use store::{VmFeePatch, VmFeesPatch};
use wire::field;
use wire::field::Field;

use crate::answer_body::answer_body;
use crate::fields::{Fields, amount};
use crate::problem::Problem;
use crate::request_bodies::{VM_APP_CHANGE, VM_FEE_CHANGE, VM_FEES_CHANGE};

answer_body! {
    /// Fees charged to an app's balance, US dollars.
    pub(crate) struct VmFeesBody of fees: &VmFees {
        /// For a card, when it is opened.
        opening: String = major(fees.opening_minor),
        /// For an approved authorisation.
        authorisation: VmFeeBody = VmFeeBody::of(fees.authorisation),
        /// For a declined authorisation.
        decline: VmFeeBody = VmFeeBody::of(fees.decline),
        /// For an approved authorisation in another currency than the card's, on top.
        cross_border: VmFeeBody = VmFeeBody::of(fees.cross_border),
    }
}

answer_body! {
    /// A fee.
    pub(crate) struct VmFeeBody of fee: VmFee {
        /// Of the amount in the card's currency.
        percent: String = major(i64::from(fee.basis_points)),
        /// Least fee.
        least: String = major(fee.least_minor),
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
