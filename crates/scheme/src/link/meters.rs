//! Metrics of links (network-iso8583.md section 7.7). No value of a message is in them: types that
//! the page does not list (network-iso8583.md section 3.1) count as `other`.

use std::time::Duration;

use iso8583::Mti;

use super::closing::CloseReason;
use super::session::ConnectionState;

const UP: &str = "cardbridge_link_up";
const CONNECTIONS: &str = "cardbridge_link_connections";
const MESSAGES: &str = "cardbridge_link_messages_total";
const ANSWER_SECONDS: &str = "cardbridge_link_answer_seconds";
const IN_FLIGHT: &str = "cardbridge_link_in_flight";
const REFUSED: &str = "cardbridge_link_refused_total";
const CLOSED: &str = "cardbridge_link_closed_total";
const UNDELIVERED: &str = "cardbridge_link_undelivered_total";
const FORCED_LIMIT: &str = "cardbridge_link_forced_limit_passed_total";
const REPEATS: &str = "cardbridge_link_repeats_total";
const EARLY_REVERSALS: &str = "cardbridge_link_early_reversals_total";
const UNPOSTED_ADVICES: &str = "cardbridge_link_unposted_advices_total";
const MAC_ERRORS: &str = "cardbridge_link_mac_errors_total";
const PIN_ERRORS: &str = "cardbridge_link_pin_errors_total";
const RECONCILIATION_OUT: &str = "cardbridge_link_reconciliation_out_total";
const ECHO_SECONDS: &str = "cardbridge_link_echo_seconds";

/// Why a message was not taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Overload {
    /// Too many in this second.
    Rate,
    /// Too many under way.
    InFlight,
    /// Too many advices and reversals wait: dropped, not answered.
    Waiting,
}

/// What became of an answer that was not written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Undelivered {
    /// The connection was gone, or its peer did not read.
    NotWritten,
    /// The network no longer waited.
    TooLate,
}

/// The metrics of one link.
pub(crate) struct Meters {
    link: String,
}

impl Meters {
    /// The metrics of the link of this name.
    pub(crate) const fn new(link: String) -> Self {
        Self { link }
    }

    fn link(&self) -> String {
        self.link.clone()
    }

    /// Connections by state, and whether the link is up.
    pub(crate) fn connections(&self, states: &[ConnectionState]) {
        for state in ConnectionState::ALL {
            let count = states.iter().filter(|it| *it == state).count();
            metrics::gauge!(CONNECTIONS, "link" => self.link(), "state" => state.as_str())
                .set(whole(count));
        }
        let is_up = states.contains(&ConnectionState::SignedOn);
        metrics::gauge!(UP, "link" => self.link()).set(whole(usize::from(is_up)));
    }

    /// A message and the code that it is answered; `None` if it is not.
    pub(crate) fn message(&self, mti: Mti, code: Option<&[u8]>) {
        let code = code.map_or("none".into(), String::from_utf8_lossy).into_owned();
        metrics::counter!(MESSAGES, "link" => self.link(), "mti" => name(mti), "code" => code)
            .increment(1);
    }

    /// An answer that was written this long after its message.
    pub(crate) fn answered(&self, mti: Mti, elapsed: Duration) {
        metrics::histogram!(ANSWER_SECONDS, "link" => self.link(), "mti" => name(mti))
            .record(elapsed);
    }

    /// Messages under way in a lane.
    pub(crate) fn in_flight(&self, lane: &'static str, count: usize) {
        metrics::gauge!(IN_FLIGHT, "link" => self.link(), "lane" => lane).set(whole(count));
    }

    /// A message that was not taken because of a cap.
    pub(crate) fn overloaded(&self, why: Overload) {
        let reason = match why {
            Overload::Rate => "rate",
            Overload::InFlight => "in_flight",
            Overload::Waiting => "waiting",
        };
        metrics::counter!(REFUSED, "link" => self.link(), "reason" => reason).increment(1);
    }

    /// A connection that was closed.
    pub(crate) fn closed(&self, reason: CloseReason) {
        let reason = reason.as_str();
        metrics::counter!(CLOSED, "link" => self.link(), "reason" => reason).increment(1);
    }

    /// Answers that were not written.
    pub(crate) fn undelivered(&self, what: Undelivered, count: u64) {
        let delivery = match what {
            Undelivered::NotWritten => "NOT_WRITTEN",
            Undelivered::TooLate => "TOO_LATE",
        };
        metrics::counter!(UNDELIVERED, "link" => self.link(), "delivery" => delivery)
            .increment(count);
    }

    /// Advices stated more than they may in a day.
    pub(crate) fn forced_limit_passed(&self) {
        metrics::counter!(FORCED_LIMIT, "link" => self.link()).increment(1);
    }

    /// A request that was known already.
    pub(crate) fn repeated(&self) {
        metrics::counter!(REPEATS, "link" => self.link()).increment(1);
    }

    /// A reversal that came before its original.
    pub(crate) fn early_reversal(&self) {
        metrics::counter!(EARLY_REVERSALS, "link" => self.link()).increment(1);
    }

    /// A fact that is not posted.
    pub(crate) fn unposted_advice(&self) {
        metrics::counter!(UNPOSTED_ADVICES, "link" => self.link()).increment(1);
    }

    /// A message without the right authentication code.
    pub(crate) fn bad_mac(&self) {
        metrics::counter!(MAC_ERRORS, "link" => self.link()).increment(1);
    }

    /// A PIN block that cannot be opened.
    pub(crate) fn unreadable_pin(&self) {
        metrics::counter!(PIN_ERRORS, "link" => self.link()).increment(1);
    }

    /// An acquirer's totals that differ from ours.
    pub(crate) fn reconciliation_out(&self) {
        metrics::counter!(RECONCILIATION_OUT, "link" => self.link()).increment(1);
    }

    /// An echo test that was answered.
    pub(crate) fn echo(&self, elapsed: Duration) {
        metrics::histogram!(ECHO_SECONDS, "link" => self.link()).record(elapsed);
    }
}

/// A count as a gauge takes it.
fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// A peer chooses its types, so that only those of the specification have a label of their own.
fn name(mti: Mti) -> String {
    let is_known = matches!(
        mti.digits(),
        [0 | 1, 1 | 2 | 4 | 5, 0 | 2, 0 | 1]
            | [0, 8, 0, 0 | 1]
            | [0, 8, 2, 0]
            | [1, 8, 0, 4 | 5]
            | [1, 8, 2, 4]
    );
    if is_known { mti.to_string() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_the_specification_are_labels() {
        let known = ["0100", "0121", "0421", "0800", "0820", "1101", "1420", "1804", "1824"];
        assert_eq!(known.map(|mti| name(Mti::parse(mti).unwrap())), known);
        for mti in ["0999", "9100", "0109", "0810", "0804", "1800", "1814"] {
            assert_eq!(name(Mti::parse(mti).unwrap()), "other", "{mti}");
        }
    }
}
