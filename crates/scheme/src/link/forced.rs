//! How much a link's advices may state in a day: they move money without limit, so more than that
//! is an alarm (network-iso8583.md section 7.1).

use domain::{FxRate, Money, Timestamp};
use store::StoreError;

use super::shared::{Drain, Link};

/// Remembers the day of the last alarm, so that an operator's `resume` holds for that day.
#[derive(Default)]
pub(crate) struct ForcedWatch {
    alarmed_day: Option<i64>,
}

impl ForcedWatch {
    /// Raises the alarm and takes the link out of requests once the day's advices pass the limit.
    pub(crate) async fn look(&mut self, link: &Link) {
        let Some(limit) = link.settings().max_forced_per_day else { return };
        let now = link.real_now();
        let day = now.utc8_day_number();
        if self.alarmed_day == Some(day) {
            return;
        }
        let name = &link.settings().name;
        match is_passed(link, limit, now).await {
            Ok(false) => {}
            Ok(true) => {
                self.alarmed_day = Some(day);
                link.change_drain(Drain::No, Drain::Asked);
                link.meters.forced_limit_passed();
                let (limit, currency) = (limit.to_major(), limit.currency().alpha());
                tracing::error!(
                    link = name,
                    limit,
                    currency,
                    "advices of a link stated more than max-forced-per-day: it takes no requests \
                     until an operator resumes it"
                );
            }
            Err(error) => {
                tracing::error!(link = name, %error, "what advices stated today is not known");
            }
        }
    }
}

/// Whether the advices of this UTC+8 day come to more than the limit, at today's rates. What cannot
/// be converted or added up counts as more.
async fn is_passed(link: &Link, limit: Money, now: Timestamp) -> Result<bool, StoreError> {
    let store = &link.intake.store;
    let since = now.utc8_day_start();
    let mut total = Money::zero(limit.currency());
    for stated in store.stated_since(link.settings().name.clone(), since).await? {
        let (from, to) = (stated.currency(), limit.currency());
        let converted = if from == to {
            Some(stated)
        } else {
            let table = store.fx_rate(from, to).await?;
            let rate = table.rate(from, to).ok();
            rate.and_then(|rate| FxRate::convert(stated, to, rate).ok())
        };
        let Some(sum) = converted.and_then(|it| total.checked_add(it).ok()) else {
            return Ok(true);
        };
        total = sum;
    }
    Ok(total.amount_minor() > limit.amount_minor())
}
