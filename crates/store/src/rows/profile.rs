//! The columns of a card profile.

use domain::{CardProfile, EnterpriseId, ProfileId, VelocityLimit, VelocityLimits};

use super::{Fields, lines};
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a card profile.
pub(crate) const PROFILE_COLUMNS: &str = "enterprise_id, profile_id, name, bin_range, network, \
    currency, card_layouts, supported_countries, hold_days_normal, hold_days_pre_auth, \
    single_amount_minor, single_count, daily_amount_minor, daily_count, monthly_amount_minor, \
    monthly_count, created_at";

/// Reads a profile from [`PROFILE_COLUMNS`].
pub(crate) fn profile_from(row: &Row) -> Result<CardProfile, StoreError> {
    let mut f = Fields::of(row);
    Ok(CardProfile {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        profile_id: f.id(ProfileId::from_i64)?,
        name: f.text()?,
        bin_range: f.parsed("card_profile.bin_range")?,
        network: f.text()?,
        currency: f.currency()?,
        card_layouts: f.lines("card_profile.card_layouts")?,
        supported_countries: f.lines("card_profile.supported_countries")?,
        hold_days_normal: f.small("card_profile.hold_days_normal")?,
        hold_days_pre_auth: f.small("card_profile.hold_days_pre_auth")?,
        limits: VelocityLimits {
            single: limit_from(&mut f)?,
            daily: limit_from(&mut f)?,
            monthly: limit_from(&mut f)?,
        },
        created_at: f.time()?,
    })
}

/// The values of a profile for [`PROFILE_COLUMNS`].
pub(crate) fn profile_values(profile: &CardProfile) -> Vec<Value> {
    vec![
        profile.enterprise_id.into(),
        profile.profile_id.into(),
        (&profile.name).into(),
        profile.bin_range.to_string().into(),
        (&profile.network).into(),
        profile.currency.into(),
        lines(&profile.card_layouts),
        lines(&profile.supported_countries),
        profile.hold_days_normal.into(),
        profile.hold_days_pre_auth.into(),
        profile.limits.single.amount_minor.into(),
        profile.limits.single.count.into(),
        profile.limits.daily.amount_minor.into(),
        profile.limits.daily.count.into(),
        profile.limits.monthly.amount_minor.into(),
        profile.limits.monthly.count.into(),
        profile.created_at.into(),
    ]
}

fn limit_from(f: &mut Fields<'_>) -> Result<VelocityLimit, StoreError> {
    Ok(VelocityLimit { amount_minor: f.opt_int()?, count: f.opt_int()? })
}
