//! Business time.

use axum::Json;
use domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::{Answer, Call};
use crate::problem::Problem;
use crate::request_bodies::CLOCK_ADVANCE;
use wire::field;

/// The end of business time, 9000-01-01T00:00:00Z. It leaves a thousand years for what falls due
/// later, since the text of a timestamp cannot show the year 10000.
const END_OF_TIME: Timestamp = Timestamp::from_micros(221_845_392_000_000_000);

/// Business time and how far it is ahead of real time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClockBody {
    /// RFC 3339.
    now: String,
    offset_seconds: i64,
}

/// Business time after an advance.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdvancedBody {
    /// RFC 3339.
    now: String,
}

/// `GET /sandbox/v1/clock`.
pub(crate) async fn read(call: Call) -> Answer<ClockBody> {
    let clock = call.state.store.clock();
    let offset_seconds = clock.offset_us() / 1_000_000;
    Ok(Json(ClockBody { now: clock.now().to_string(), offset_seconds }))
}

/// `POST /sandbox/v1/clock/advance`.
pub(crate) async fn advance(call: Call) -> Answer<AdvancedBody> {
    let fields = call.fields()?;
    let seconds = fields.whole(field!(CLOCK_ADVANCE, "seconds"))?;
    let seconds = fields.required(field!(CLOCK_ADVANCE, "seconds"), seconds)?;
    let now = match call.once.begun() {
        // An earlier run of this call checked and chose the target; this one continues to it.
        Some(begun) => {
            let target = begun.parse().map_err(|_| Problem::internal())?;
            call.state.schedule.advance_to(Timestamp::from_micros(target)).await?
        }
        None => advance_noted(&call, seconds).await?,
    };
    Ok(Json(AdvancedBody { now: now.to_string() }))
}

/// Advances the clock. If the call has an idempotency key, the key is first stored with the target
/// time, so that a repeat continues to the same target.
async fn advance_noted(call: &Call, seconds: u32) -> Result<Timestamp, Problem> {
    if call.state.store.clock().now().plus_seconds(i64::from(seconds)) > END_OF_TIME {
        return Err(Problem::conflict("end_of_time", "business time ends with the year 8999"));
    }
    let note = async |target: Timestamp| match call.once.claim() {
        Some(claim) => call.state.store.begin_call(claim, target.as_micros().to_string()).await,
        None => Ok(()),
    };
    Ok(call.state.schedule.advance_noted(seconds, note).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ends_before_the_years_of_five_digits() {
        assert_eq!(END_OF_TIME.to_string(), "9000-01-01T00:00:00.000Z");
    }
}
