//! A card's limits and what is used of them (cardbridge-open-api.md sections 6.2.9 and 14,
//! U12).

use domain::{Card, Money, PeriodUse, VelocityLimit, VelocityLimits, VelocityUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amount::AmountText;

/// Path of a card's limits; query [`CARD_ID`](super::query::CARD_ID).
pub const VELOCITY_LIMITS_PATH: &str = "/open-api/card/v1/card-velocity-limits";

/// The limits of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VelocityLimitsBody {
    /// The card.
    pub card_id: String,
    /// Its currency, that of all amounts.
    pub currency: String,
    /// SINGLE, DAILY and MONTHLY.
    pub limits: Vec<VelocityLimitBody>,
}

/// The limit of one period. What is not limited is null, and so is what is used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VelocityLimitBody {
    /// `SINGLE` (one authorisation), `DAILY` or `MONTHLY`, of UTC+8.
    pub period: String,
    /// Most that may be spent.
    pub limit_amount: Option<AmountText>,
    /// Spent in the current period.
    pub used_amount: Option<AmountText>,
    /// What is left of it.
    pub available_amount: Option<AmountText>,
    /// Most authorisations.
    pub limit_count: Option<i64>,
    /// Authorisations in the current period.
    pub used_count: Option<i64>,
}

impl VelocityLimitsBody {
    /// The limits of a card with what its PAN used.
    #[must_use]
    pub fn new(card: &Card, limits: &VelocityLimits, used: &VelocityUse) -> Self {
        // The limit on a single authorisation has no usage and no count.
        let single = VelocityLimit { count: None, ..limits.single };
        let lines = [
            ("SINGLE", single, PeriodUse::default()),
            ("DAILY", limits.daily, used.day),
            ("MONTHLY", limits.monthly, used.month),
        ];
        Self {
            card_id: card.card_id.to_string(),
            currency: card.currency.to_string(),
            limits: lines.map(|(period, limit, used)| line(card, period, limit, used)).into(),
        }
    }
}

fn line(card: &Card, period: &str, limit: VelocityLimit, used: PeriodUse) -> VelocityLimitBody {
    let text = |minor| AmountText::from(Money::new(minor, card.currency));
    let left = |most: i64| most.saturating_sub(used.amount_minor).max(0);
    VelocityLimitBody {
        period: period.to_owned(),
        limit_amount: limit.amount_minor.map(text),
        used_amount: limit.amount_minor.map(|_| text(used.amount_minor)),
        available_amount: limit.amount_minor.map(left).map(text),
        limit_count: limit.count,
        used_count: limit.count.map(|_| used.count),
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;
    use crate::cardbridge::test_objects;

    #[test]
    fn limits_are_shown_as_proposed_and_what_is_not_limited_is_null() {
        let card = Card { currency: Currency::SGD, ..test_objects::card() };
        let limits = VelocityLimits {
            single: VelocityLimit { amount_minor: Some(500_000), count: Some(7) },
            daily: VelocityLimit { amount_minor: Some(1_000_000), count: Some(50) },
            monthly: VelocityLimit { amount_minor: None, count: Some(9) },
        };
        let period = |amount_minor, count| PeriodUse { first_day: 1, amount_minor, count };
        let used = VelocityUse { day: period(12_050, 2), month: period(22_050, 3), total_minor: 0 };
        assert_eq!(
            serde_json::to_string(&VelocityLimitsBody::new(&card, &limits, &used)).unwrap(),
            concat!(
                r#"{"cardId":"4591298458535677185","currency":"702","limits":["#,
                r#"{"period":"SINGLE","limitAmount":5000.00,"usedAmount":0.00,"#,
                r#""availableAmount":5000.00,"limitCount":null,"usedCount":null},"#,
                r#"{"period":"DAILY","limitAmount":10000.00,"usedAmount":120.50,"#,
                r#""availableAmount":9879.50,"limitCount":50,"usedCount":2},"#,
                r#"{"period":"MONTHLY","limitAmount":null,"usedAmount":null,"#,
                r#""availableAmount":null,"limitCount":9,"usedCount":3}]}"#
            )
        );
    }

    #[test]
    fn less_than_nothing_is_never_available() {
        let limit = VelocityLimit { amount_minor: Some(10), count: None };
        let used = PeriodUse { first_day: 1, amount_minor: 11, count: 1 };
        let shown = line(&test_objects::card(), "DAILY", limit, used);
        assert_eq!(shown.available_amount, AmountText::new("0.00"));
    }
}
