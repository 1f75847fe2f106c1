//! The result of a message before anybody is asked.

use std::sync::Arc;
use std::time::Duration;

use domain::{Authorisation, Enterprise, StandIn};
use store::{VmTariff, Webhooks};
use tokio::time::Instant;

use crate::forward::AuthEndpoint;
use crate::receipt::Receipt;

/// An authorisation whose hold is taken, or a reversal whose money has moved.
pub(crate) struct Held {
    pub(crate) authorisation: Arc<Authorisation>,
    /// The enterprise to ask; `None` = it is approved here.
    pub(crate) endpoint: Option<Arc<AuthEndpoint>>,
    /// The webhooks of the decision.
    pub(crate) webhooks: Webhooks,
    /// The fees of the decision.
    pub(crate) tariff: Option<VmTariff>,
    /// True if an approval is posted at once.
    pub(crate) posts: bool,
    /// The terms on which it is approved if the enterprise gives no usable answer.
    pub(crate) stand_in: Option<StandIn>,
    pub(crate) time: TimeToAnswer,
    pub(crate) receipt: Receipt,
}

/// The result of a message before anybody is asked.
pub(crate) enum HoldOutcome {
    /// Decided without asking.
    Answered { authorisation: Box<Authorisation>, repeated: bool },
    /// The enterprise is to be asked, or nobody is and it is approved.
    Held(Box<Held>),
}

/// The commit of the decision takes this long at most, as a rule.
const COMMIT_TIME: Duration = Duration::from_millis(150);
/// An enterprise that has less than this to answer is not asked.
const LEAST_TO_ANSWER: Duration = Duration::from_millis(100);

/// How long an enterprise has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeToAnswer {
    /// Its answer counts until then.
    pub(crate) deadline: Instant,
    /// The notice is sent before then, or not at all.
    pub(crate) ask_before: Instant,
}

impl TimeToAnswer {
    /// The time of the enterprise for a message that arrived at `arrived`. Where the network stops
    /// waiting at `answer_by`, the decision is to be committed then (network-iso8583.md section
    /// 6.1).
    pub(crate) fn of(
        enterprise: &Enterprise,
        arrived: Instant,
        answer_by: Option<Instant>,
    ) -> Self {
        let own = Duration::from_millis(u64::from(enterprise.auth_deadline_ms));
        Self::within(arrived + own, answer_by)
    }

    fn within(own: Instant, answer_by: Option<Instant>) -> Self {
        let Some(answer_by) = answer_by else { return Self { deadline: own, ask_before: own } };
        let deadline = own.min(earlier(answer_by, COMMIT_TIME));
        Self { deadline, ask_before: earlier(deadline, LEAST_TO_ANSWER) }
    }
}

/// That much before the moment, as far as the clock goes back.
fn earlier(moment: Instant, by: Duration) -> Instant {
    moment.checked_sub(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_shortens_the_time_of_the_enterprise() {
        let arrived = Instant::now();
        let after = |ms| arrived + Duration::from_millis(ms);
        let time = |answer_by| TimeToAnswer::within(after(2_000), answer_by);
        let own = after(2_000);
        assert_eq!(time(None), TimeToAnswer { deadline: own, ask_before: own });
        let patient = TimeToAnswer { deadline: own, ask_before: after(1_900) };
        assert_eq!(time(Some(after(2_150))), patient);
        let hurried = TimeToAnswer { deadline: after(850), ask_before: after(750) };
        assert_eq!(time(Some(after(1_000))), hurried);
    }
}
