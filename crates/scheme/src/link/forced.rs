//! How much a link's advices may state in a day: they move money without limit, so more than that
//! is an alarm (network-iso8583.md section 7.1).

use domain::{Currency, FxRate, Timestamp};
use store::StoreError;

use super::shared::{Drain, Link};

/// Messages are counted this long after they arrived, when their commits have ended. One that takes
/// longer is not counted.
const LAG_MS: i64 = 3_000;

/// What the advices of a link stated today, over all processes. Each look reads only what arrived
/// since the last one.
#[derive(Default)]
pub(crate) struct ForcedWatch {
    day: i64,
    /// What arrived before this is counted.
    counted_to: Option<Timestamp>,
    /// In the currency of the limit.
    total_minor: i64,
    /// Whether the alarm of this day was raised: an operator's `resume` holds for the day.
    is_raised: bool,
}

impl ForcedWatch {
    /// Raises the alarm and takes the link out of requests once the day's advices pass the limit.
    pub(crate) async fn look(&mut self, link: &Link) {
        let Some(limit) = link.settings().max_forced_per_day else { return };
        let to = link.real_now().plus_millis(-LAG_MS);
        if self.day != to.utc8_day_number() {
            *self = Self { day: to.utc8_day_number(), ..Self::default() };
        }
        let from = self.counted_to.unwrap_or(to.utc8_day_start());
        if self.is_raised || from >= to {
            return;
        }
        let name = &link.settings().name;
        match stated(link, limit.currency(), (from, to)).await {
            Ok(stated_minor) => {
                self.counted_to = Some(to);
                self.total_minor = self.total_minor.saturating_add(stated_minor);
            }
            Err(error) => {
                tracing::error!(link = name, %error, "what advices stated today is not known");
            }
        }
        if self.total_minor > limit.amount_minor() {
            self.is_raised = true;
            link.change_drain(Drain::No, Drain::Asked);
            link.meters.forced_limit_passed();
            let (limit, currency) = (limit.to_major(), limit.currency().alpha());
            tracing::error!(
                link = name,
                limit,
                currency,
                "advices of a link stated more than max-forced-per-day: it takes no requests until \
                 an operator resumes it"
            );
        }
    }
}

/// What the advices of a span stated, in minor units of a currency at today's rates. What cannot be
/// converted counts as more than any limit.
async fn stated(
    link: &Link,
    to: Currency,
    span: (Timestamp, Timestamp),
) -> Result<i64, StoreError> {
    let store = &link.intake.store;
    let mut total_minor = 0_i64;
    for stated in store.stated_between(&link.settings().name, span).await? {
        let table = store.fx_rate(stated.currency(), to).await?;
        let rate = table.rate(stated.currency(), to).ok();
        let converted = rate.and_then(|rate| FxRate::convert(stated, to, rate).ok());
        let minor = converted.map_or(i64::MAX, |it| it.amount_minor());
        total_minor = total_minor.saturating_add(minor);
    }
    Ok(total_minor)
}
