//! The columns of what was used of velocity limits, and of where an authorisation counts.

use domain::{AuthId, EnterpriseId, PanId, PeriodUse, VelocityShare, VelocityUse};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of what the cards of a PAN used, behind its keys `enterprise_id, pan_id`.
pub(crate) const VELOCITY_USE_COLUMNS: &str = "day, day_amount_minor, day_count, month, \
    month_amount_minor, month_count, total_minor";

/// The columns of an authorisation that tell where it counts.
pub(crate) const COUNTED_COLUMNS: &str = "velocity_pan_id, velocity_day, velocity_minor";

/// Where an authorisation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The PAN of its card.
    pub(crate) pan_id: PanId,
    /// The day it counts to, as in [`PeriodUse::first_day`].
    pub(crate) day: i64,
    /// What of its amount still counts.
    pub(crate) amount_minor: i64,
}

impl Counted {
    /// What giving back `amount_minor` of it takes off the use: the authorisation itself goes
    /// with the last of its amount. An increment, which names an original, is none by itself.
    pub(crate) fn share_of(&self, amount_minor: i64, original: Option<AuthId>) -> VelocityShare {
        let amount_minor = amount_minor.clamp(0, self.amount_minor);
        let is_last = amount_minor > 0 && amount_minor == self.amount_minor;
        VelocityShare { amount_minor, count: i64::from(is_last && original.is_none()) }
    }
}

/// Reads what was used from [`VELOCITY_USE_COLUMNS`].
pub(crate) fn velocity_use_from(row: &Row) -> Result<VelocityUse, StoreError> {
    let mut f = Fields::of(row);
    Ok(VelocityUse {
        day: period_from(&mut f)?,
        month: period_from(&mut f)?,
        total_minor: f.int()?,
    })
}

/// The values of what was used, the keys first.
pub(crate) fn velocity_use_values(
    enterprise_id: EnterpriseId,
    pan_id: PanId,
    used: &VelocityUse,
) -> Vec<Value> {
    let of = |period: &PeriodUse| [period.first_day, period.amount_minor, period.count];
    let periods = of(&used.day).into_iter().chain(of(&used.month));
    let numbers = periods.chain([used.total_minor]).map(Value::from);
    [enterprise_id.into(), pan_id.into()].into_iter().chain(numbers).collect()
}

/// Reads where an authorisation counts; [`COUNTED_COLUMNS`] are the row's last.
pub(crate) fn counted_from(row: &Row) -> Result<Option<Counted>, StoreError> {
    let first = row.0.len() - 3;
    let Some(pan_id) = row.opt_int(first)?.map(PanId::from_i64) else { return Ok(None) };
    Ok(Some(Counted { pan_id, day: row.int(first + 1)?, amount_minor: row.int(first + 2)? }))
}

/// The values of where an authorisation counts, for [`COUNTED_COLUMNS`].
pub(crate) fn counted_values(counted: Option<&Counted>) -> [Value; 3] {
    [
        counted.map(|it| it.pan_id).into(),
        counted.map(|it| it.day).into(),
        counted.map(|it| it.amount_minor).into(),
    ]
}

fn period_from(f: &mut Fields<'_>) -> Result<PeriodUse, StoreError> {
    Ok(PeriodUse { first_day: f.int()?, amount_minor: f.int()?, count: f.int()? })
}
