//! Velocity limits: limits on a card's spending in a day and in a month of UTC+8
//! (operator-and-sandbox.md sections 2 and 5, cardbridge-open-api.md section 6.2.9). Pure.

use crate::text::text_enum;
use crate::{Timestamp, VelocityLimit, VelocityLimits};

text_enum! {
    /// The limit that a purchase would exceed; the text is the detail of its refusal.
    VelocityExcess {
        /// The amount of one authorisation with its increments.
        Single = "single_limit_exceeded",
        /// The day's amount.
        DailyAmount = "daily_amount_exceeded",
        /// The day's number of authorisations.
        DailyCount = "daily_count_exceeded",
        /// The month's amount.
        MonthlyAmount = "monthly_amount_exceeded",
        /// The month's number of authorisations.
        MonthlyCount = "monthly_count_exceeded",
        /// The amount ever authorised and not given back.
        Total = "total_limit_exceeded",
    }
}

/// Usage in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeriodUse {
    /// The period's first day, counted in UTC+8 from 1970-01-01.
    pub first_day: i64,
    /// Spent, in minor units of the card's currency.
    pub amount_minor: i64,
    /// Authorisations.
    pub count: i64,
}

/// The amount and count added to both periods, or given back to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VelocityShare {
    /// In minor units of the card's currency.
    pub amount_minor: i64,
    /// Authorisations: 1 or 0.
    pub count: i64,
}

/// Usage of all cards of one PAN in the newest day and the newest month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VelocityUse {
    /// The day.
    pub day: PeriodUse,
    /// The month.
    pub month: PeriodUse,
    /// All that was ever counted and not given back, in minor units of the card's currency.
    pub total_minor: i64,
}

impl VelocityUse {
    /// The usage as of `now`: a period that is over leaves nothing behind. It never goes back to an
    /// earlier day, in whichever order authorisations are written.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        self.at_offset(now, Timestamp::UTC8_SECONDS)
    }

    /// The same with days that begin at a midnight other than that of UTC+8.
    #[must_use]
    pub fn at_offset(self, now: Timestamp, offset_seconds: i64) -> Self {
        let day = now.day_number_at(offset_seconds);
        if day <= self.day.first_day {
            return self;
        }
        let fresh = |first_day| PeriodUse { first_day, ..PeriodUse::default() };
        let month = now.month_first_day_number_at(offset_seconds);
        let is_new_month = month > self.month.first_day;
        let month = if is_new_month { fresh(month) } else { self.month };
        Self { day: fresh(day), month, ..self }
    }

    /// The first limit of a period, in the order of [`VelocityExcess`], that `share` would exceed.
    /// Reaching a limit exactly does not exceed it. A share without an amount is not checked
    /// against amounts, nor one without a count against counts.
    #[must_use]
    pub fn excess(&self, limits: &VelocityLimits, share: VelocityShare) -> Option<VelocityExcess> {
        let (day, month) = (self.day, self.month);
        let lines = [
            (
                exceeds(limits.daily.amount_minor, day.amount_minor, share.amount_minor),
                VelocityExcess::DailyAmount,
            ),
            (exceeds(limits.daily.count, day.count, share.count), VelocityExcess::DailyCount),
            (
                exceeds(limits.monthly.amount_minor, month.amount_minor, share.amount_minor),
                VelocityExcess::MonthlyAmount,
            ),
            (exceeds(limits.monthly.count, month.count, share.count), VelocityExcess::MonthlyCount),
        ];
        lines.into_iter().find_map(|(is_exceeded, excess)| is_exceeded.then_some(excess))
    }

    /// True if `share` would raise the total above `most_minor`.
    #[must_use]
    pub fn exceeds_total(&self, most_minor: Option<i64>, share: VelocityShare) -> bool {
        exceeds(most_minor, self.total_minor, share.amount_minor)
    }

    /// Adds a share to both periods and the total.
    #[must_use]
    pub const fn plus(self, share: VelocityShare) -> Self {
        Self {
            day: self.day.plus(share),
            month: self.month.plus(share),
            total_minor: self.total_minor.saturating_add(share.amount_minor),
        }
    }

    /// Adds a share of `day`, which is not later than the newest, to each of the two periods that
    /// includes the day.
    #[must_use]
    pub const fn plus_of_day(self, share: VelocityShare, day: i64) -> Self {
        Self {
            day: if day == self.day.first_day { self.day.plus(share) } else { self.day },
            month: if day >= self.month.first_day { self.month.plus(share) } else { self.month },
            total_minor: self.total_minor.saturating_add(share.amount_minor),
        }
    }

    /// Gives back a share that was added on `day` (counted as in [`PeriodUse::first_day`]), to each
    /// of the two periods that includes the day, and to the total.
    #[must_use]
    pub const fn minus(self, share: VelocityShare, day: i64) -> Self {
        // No share is of a day later than the newest, so its month is the newest or is over.
        let same_day = day == self.day.first_day;
        let same_month = day >= self.month.first_day;
        Self {
            day: if same_day { self.day.minus(share) } else { self.day },
            month: if same_month { self.month.minus(share) } else { self.month },
            total_minor: self.total_minor.saturating_sub(share.amount_minor),
        }
    }
}

impl PeriodUse {
    const fn plus(self, share: VelocityShare) -> Self {
        Self {
            first_day: self.first_day,
            amount_minor: self.amount_minor.saturating_add(share.amount_minor),
            count: self.count.saturating_add(share.count),
        }
    }

    const fn minus(self, share: VelocityShare) -> Self {
        Self {
            first_day: self.first_day,
            amount_minor: self.amount_minor.saturating_sub(share.amount_minor),
            count: self.count.saturating_sub(share.count),
        }
    }
}

impl VelocityLimit {
    /// True if neither its amount nor its count is limited.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.amount_minor.is_none() && self.count.is_none()
    }
}

impl VelocityLimits {
    /// True if an authorisation of `amount_minor`, in minor units of the card's currency, exceeds
    /// the limit on a single one.
    #[must_use]
    pub fn is_above_single(&self, amount_minor: i64) -> bool {
        self.single.amount_minor.is_some_and(|most_minor| amount_minor > most_minor)
    }

    /// True if days or months are limited, so their usage must be counted.
    #[must_use]
    pub const fn has_periods(&self) -> bool {
        !self.daily.is_open() || !self.monthly.is_open()
    }
}

fn exceeds(limit: Option<i64>, used: i64, added: i64) -> bool {
    added > 0 && limit.is_some_and(|limit| used.saturating_add(added) > limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    const fn share(amount_minor: i64) -> VelocityShare {
        VelocityShare { amount_minor, count: 1 }
    }

    const fn limits(daily: VelocityLimit, monthly: VelocityLimit) -> VelocityLimits {
        let single = VelocityLimit { amount_minor: None, count: None };
        VelocityLimits { single, daily, monthly }
    }

    #[test]
    fn days_and_months_end_at_midnight_of_utc8() {
        for (last, first, is_new_month) in [
            ("2026-11-22T15:59:59.999999Z", "2026-11-22T16:00:00Z", false),
            ("2026-11-30T15:59:59.999999Z", "2026-11-30T16:00:00Z", true),
            ("2026-12-31T15:59:59.999999Z", "2026-12-31T16:00:00Z", true),
            ("2028-02-28T15:59:59.999999Z", "2028-02-28T16:00:00Z", false),
            ("2028-02-29T15:59:59.999999Z", "2028-02-29T16:00:00Z", true),
            ("2027-02-28T15:59:59.999999Z", "2027-02-28T16:00:00Z", true),
            ("2100-02-28T15:59:59.999999Z", "2100-02-28T16:00:00Z", true),
        ] {
            let before = VelocityUse::default().at(at(last)).plus(share(7));
            assert_eq!(before.at(at(last)), before, "{last}");
            let after = before.at(at(first));
            assert_eq!((after.day.amount_minor, after.day.count), (0, 0), "{first}");
            let kept = if is_new_month { (0, 0) } else { (7, 1) };
            assert_eq!((after.month.amount_minor, after.month.count), kept, "{first}");
        }
    }

    #[test]
    fn a_limit_may_be_reached_and_not_exceeded() {
        let used = VelocityUse::default().at(at("2026-11-22T00:00:00Z")).plus(share(60));
        let amount = |most| VelocityLimit { amount_minor: Some(most), count: None };
        let count = |most| VelocityLimit { amount_minor: None, count: Some(most) };
        let open = VelocityLimit::default();
        for (limits, added, excess) in [
            (limits(open, open), share(i64::MAX), None),
            (limits(amount(100), open), share(40), None),
            (limits(amount(100), open), share(41), Some(VelocityExcess::DailyAmount)),
            (limits(open, amount(100)), share(41), Some(VelocityExcess::MonthlyAmount)),
            (limits(count(2), count(2)), share(1), None),
            (limits(count(1), count(1)), share(1), Some(VelocityExcess::DailyCount)),
            (limits(open, count(1)), share(1), Some(VelocityExcess::MonthlyCount)),
            (limits(count(1), amount(1)), share(1), Some(VelocityExcess::DailyCount)),
            // An increment is not another authorisation.
            (limits(count(1), open), VelocityShare { amount_minor: 1, count: 0 }, None),
            (limits(amount(i64::MAX), open), share(i64::MAX), None),
        ] {
            assert_eq!(used.excess(&limits, added), excess, "{limits:?} {added:?}");
        }
    }

    proptest! {
        /// After any order of events, the usage of the newest day and month is the sum of the
        /// shares that were added in them and not given back, according to the calendar's own
        /// texts.
        #[test]
        fn the_use_is_the_sum_of_the_period(
            start in 0_i64..4_000_000_000,
            steps in prop::collection::vec((0_i64..40 * 24, 1_i64..1_000, any::<bool>()), 1..40),
        ) {
            let mut used = VelocityUse::default();
            let mut now = Timestamp::from_micros(start * 1_000_000);
            let mut kept: Vec<(Timestamp, i64)> = Vec::new();
            for (hours, amount_minor, gives_back) in steps {
                now = now.plus_seconds(hours * 3_600 + 17);
                used = used.at(now);
                if gives_back && let Some((then, amount_minor)) = kept.pop() {
                    used = used.minus(share(amount_minor), then.utc8_day_number());
                } else {
                    used = used.plus(share(amount_minor));
                    kept.push((now, amount_minor));
                }
                let of_day = |then: Timestamp| then.utc8_day() == now.utc8_day();
                let of_month = |then: Timestamp| then.utc8_day()[..6] == now.utc8_day()[..6];
                let sum = |of: &dyn Fn(Timestamp) -> bool| {
                    let own = kept.iter().filter(|(then, _)| of(*then));
                    own.fold((0, 0), |(sum, count), (_, amount)| (sum + amount, count + 1))
                };
                prop_assert_eq!((used.day.amount_minor, used.day.count), sum(&of_day));
                prop_assert_eq!((used.month.amount_minor, used.month.count), sum(&of_month));
            }
        }

        /// A day at another offset begins at its own midnight, and the total never ends. The first
        /// day of 1970 stands for no usage yet.
        #[test]
        fn other_offsets_have_their_own_midnights(
            start in 86_400_i64..4_000_000_000, hours in -14_i64..=14,
        ) {
            let offset = hours * 3_600;
            let now = Timestamp::from_micros(start * 1_000_000);
            let used = VelocityUse::default().at_offset(now, offset).plus(share(7));
            let local = now.plus_seconds(offset - Timestamp::UTC8_SECONDS);
            prop_assert_eq!(used.day.first_day, local.utc8_day_number());
            let tomorrow = used.at_offset(now.plus_seconds(86_400), offset);
            prop_assert_eq!((tomorrow.day.amount_minor, tomorrow.total_minor), (0, 7));
            prop_assert_eq!(tomorrow.minus(share(7), used.day.first_day).total_minor, 0);
            prop_assert!(used.exceeds_total(Some(13), share(7)));
            prop_assert!(!used.exceeds_total(Some(14), share(7)));
            prop_assert!(!used.exceeds_total(None, share(7)));
        }

        /// An authorisation that is written after one of a later day counts towards that later day.
        #[test]
        fn an_earlier_day_does_not_come_back(start in 0_i64..4_000_000_000, back in 0_i64..90) {
            let now = Timestamp::from_micros(start * 1_000_000);
            let used = VelocityUse::default().at(now).plus(share(5));
            prop_assert_eq!(used.at(now.plus_seconds(-back * 86_400)), used);
        }
    }
}
