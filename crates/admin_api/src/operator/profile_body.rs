//! A card profile, read and shown.

use domain::{CardProfile, Currency, EnterpriseId, Money, ProfileId, Timestamp};
use domain::{VelocityLimit, VelocityLimits};

use crate::answer_body::answer_body;
use crate::fields::{Fields, currency, money};
use crate::problem::Problem;
use crate::request_bodies::{CARD_LIMITS, HOLD_DAYS, NEW_CARD_PROFILE as BODY, PERIOD_LIMIT};
use wire::field;
use wire::field::Field;

const DEFAULT_NETWORK: &str = "VISA";

answer_body! {
    /// Days that holds live.
    pub(crate) struct HoldDaysBody of profile: &CardProfile {
        #[serde(rename = "NORMAL")]
        normal: u32 = profile.hold_days_normal,
        #[serde(rename = "PRE_AUTH")]
        pre_auth: u32 = profile.hold_days_pre_auth,
    }
}

answer_body! {
    /// A limit; null = no limit.
    pub(crate) struct LimitBody of limit: VelocityLimit, currency: Currency {
        amount: Option<String> =
            limit.amount_minor.map(|minor| Money::new(minor, currency).to_major()),
        count: Option<i64> = limit.count,
    }
}

answer_body! {
    /// Limits of each card, by period.
    pub(crate) struct LimitsBody of profile: &CardProfile {
        #[serde(rename = "SINGLE")]
        single: LimitBody = LimitBody::of(profile.limits.single, profile.currency),
        #[serde(rename = "DAILY")]
        daily: LimitBody = LimitBody::of(profile.limits.daily, profile.currency),
        #[serde(rename = "MONTHLY")]
        monthly: LimitBody = LimitBody::of(profile.limits.monthly, profile.currency),
    }
}

answer_body! {
    /// A card profile.
    pub(crate) struct ProfileBody of profile: &CardProfile {
        profile_id: String = profile.profile_id.to_string(),
        enterprise_id: String = profile.enterprise_id.to_string(),
        name: String = profile.name.clone(),
        bin_range: String = profile.bin_range.to_string(),
        network: String = profile.network.clone(),
        currency: String = profile.currency.to_string(),
        card_layouts: Vec<String> = profile.card_layouts.clone(),
        supported_countries: Vec<String> = profile.supported_countries.clone(),
        hold_days: HoldDaysBody = HoldDaysBody::of(profile),
        limits: LimitsBody = LimitsBody::of(profile),
        /// RFC 3339.
        created_at: String = profile.created_at.to_string(),
    }
}

/// Reads a new profile; the caller checks whether its enterprise exists.
pub(crate) fn read(
    fields: &Fields<'_>,
    profile_id: ProfileId,
    created_at: Timestamp,
) -> Result<CardProfile, Problem> {
    let currency = currency(fields, field!(BODY, "currency"))?;
    let enterprise_id = fields.required_text(field!(BODY, "enterpriseId"))?;
    let enterprise_id: EnterpriseId =
        enterprise_id.parse().map_err(|_| Problem::not_found("enterprise"))?;
    let (hold_days_normal, hold_days_pre_auth) = hold_days(fields)?;
    let bin_range = fields.value(field!(BODY, "binRange"), BIN_RANGE_TEXT);
    Ok(CardProfile {
        enterprise_id,
        profile_id,
        name: fields.required_text(field!(BODY, "name"))?,
        bin_range: fields.required(field!(BODY, "binRange"), bin_range?)?,
        network: fields
            .text(field!(BODY, "network"))?
            .unwrap_or_else(|| DEFAULT_NETWORK.to_owned()),
        currency,
        card_layouts: fields.text_list(field!(BODY, "cardLayouts"))?.unwrap_or_default(),
        supported_countries: countries(fields)?,
        hold_days_normal,
        hold_days_pre_auth,
        limits: limits(fields, currency)?,
        created_at,
    })
}

const BIN_RANGE_TEXT: &str =
    "must be 6 to 11 digits, or two such numbers of one length joined by a hyphen";

fn countries(fields: &Fields<'_>) -> Result<Vec<String>, Problem> {
    let field = field!(BODY, "supportedCountries");
    let codes = fields.text_list(field)?.unwrap_or_default();
    let alpha2 = |code: &String| wire::country::parse(code).map(|c| c.alpha2.to_owned());
    let parsed: Option<Vec<_>> = codes.iter().map(alpha2).collect();
    parsed.ok_or_else(|| fields.wrong(field, "must be ISO 3166 country codes"))
}

fn hold_days(fields: &Fields<'_>) -> Result<(u32, u32), Problem> {
    let days = fields.object(field!(BODY, "holdDays"))?;
    let read = |field: Field, default: u32| match &days {
        Some(days) => Ok(days.whole(field)?.unwrap_or(default)),
        None => Ok::<_, Problem>(default),
    };
    Ok((
        read(field!(HOLD_DAYS, "NORMAL"), CardProfile::DEFAULT_HOLD_DAYS_NORMAL)?,
        read(field!(HOLD_DAYS, "PRE_AUTH"), CardProfile::DEFAULT_HOLD_DAYS_PRE_AUTH)?,
    ))
}

fn limits(fields: &Fields<'_>, currency: Currency) -> Result<VelocityLimits, Problem> {
    let Some(limits) = fields.object(field!(BODY, "limits"))? else {
        return Ok(VelocityLimits::default());
    };
    let read = |field: Field| -> Result<VelocityLimit, Problem> {
        let Some(limit) = limits.object(field)? else { return Ok(VelocityLimit::default()) };
        let amount_minor =
            money(&limit, field!(PERIOD_LIMIT, "amount"), currency)?.map(Money::amount_minor);
        let count = limit.whole(field!(PERIOD_LIMIT, "count"))?.map(i64::from);
        Ok(VelocityLimit { amount_minor, count })
    };
    Ok(VelocityLimits {
        single: read(field!(CARD_LIMITS, "SINGLE"))?,
        daily: read(field!(CARD_LIMITS, "DAILY"))?,
        monthly: read(field!(CARD_LIMITS, "MONTHLY"))?,
    })
}
