//! Ids: 19-digit decimal snowflakes, always strings in JSON.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::Serialize;
use thiserror::Error;

use crate::Clock;

/// A text that is not an id. Ids are opaque to callers, so the edge answers "not found", never a
/// parse error (cardbridge-open-api.md section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(i64);

        impl $name {
            /// From the stored number.
            #[must_use]
            pub const fn from_i64(id: i64) -> Self { Self(id) }
            /// The stored number.
            #[must_use]
            pub const fn as_i64(self) -> i64 { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse_id(text).map(Self) }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+ };
}

ids! {
    /// An enterprise: the API customer.
    EnterpriseId,
    /// A card profile: a kind of card that is issued.
    ProfileId,
    /// A cardholder.
    CustomerId,
    /// A card order.
    OrderId,
    /// A card record; two cards may share one PAN.
    CardId,
    /// A PAN record.
    PanId,
    /// One authorisation.
    AuthId,
    /// The bill (Outstanding) that joins authorisations and postings.
    OutsId,
    /// A posted transaction.
    TransactionId,
    /// A ledger account.
    AccountId,
    /// A ledger transfer.
    TransferId,
    /// A webhook event; the receiver's deduplication key.
    WebhookId,
    /// A leased job.
    JobId,
    /// One opening of card data.
    RevealId,
    /// A 3DS challenge.
    ChallengeId,
    /// A KYC ticket.
    KycTicketId,
    /// An intent (EDD) ticket.
    IntentTicketId,
    /// An application of dialect 2.
    VmAppId,
    /// A movement of the balance of a card of dialect 2.
    VmFlowId,
    /// A message of a network.
    NetworkMessageId,
}

fn parse_id(text: &str) -> Result<i64, IdError> {
    let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if text.is_empty() || !canonical {
        return Err(IdError);
    }
    text.parse().map_err(|_| IdError)
}

/// 2016-11-01T00:00:00+08:00 in milliseconds; makes ids of this decade 19 digits long.
const EPOCH_MS: i64 = 1_477_929_600_000;
const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
const MAX_SEQUENCE: i64 = (1 << SEQUENCE_BITS) - 1;

/// Draws ids: 41 bits of milliseconds, 10 bits of node, 12 bits of sequence.
pub struct IdGenerator {
    clock: Clock,
    node: AtomicI64,
    last: Mutex<(i64, i64)>,
}

impl IdGenerator {
    /// Highest node number.
    pub const MAX_NODE: u16 = (1 << NODE_BITS) - 1;
    /// The number of bits of an id to the right of its node number.
    pub const NODE_SHIFT: u32 = SEQUENCE_BITS;

    /// A generator for one process; `node` (0 to 1023) must differ between
    /// processes that share a store. Ids follow real time.
    #[must_use]
    pub fn new(clock: Clock, node: u16) -> Self {
        assert!(node <= Self::MAX_NODE, "node number beyond 10 bits");
        Self { clock, node: i64::from(node).into(), last: Mutex::new((0, 0)) }
    }

    /// The clock that ids follow.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The node number of this generator.
    #[must_use]
    pub fn node(&self) -> i64 {
        self.node.load(Ordering::Relaxed)
    }

    /// Gives the generator another node number, before it has drawn an id.
    pub fn renumber(&self, node: i64) {
        debug_assert!((0..=i64::from(Self::MAX_NODE)).contains(&node), "10 bits");
        self.node.store(node, Ordering::Relaxed);
    }

    /// Continues after `highest`, the highest id that a store holds: a clock that was set back
    /// while no process ran must not make ids repeat.
    pub fn go_on_from(&self, highest: i64) {
        let after = ((highest >> (NODE_BITS + SEQUENCE_BITS)) + 1, 0);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = after.max(*last);
    }

    /// The last id drawn, or the one that ids continue from.
    #[must_use]
    pub fn highest(&self) -> i64 {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.compose(*last)
    }

    fn compose(&self, (ms, sequence): (i64, i64)) -> i64 {
        (ms << (NODE_BITS + SEQUENCE_BITS)) | (self.node() << SEQUENCE_BITS) | sequence
    }

    /// Milliseconds by which the ids already drawn, or found in the store, are ahead of the
    /// machine's clock; 0 if they are not.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        let now_ms = self.clock.real_now().as_millis() - EPOCH_MS;
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (last.0 - now_ms).max(0)
    }

    /// The next id, as the number that every id type wraps. Strictly increasing within a process,
    /// even when the machine's clock steps back.
    #[must_use]
    pub fn next(&self) -> i64 {
        let now_ms = self.clock.real_now().as_millis() - EPOCH_MS;
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (ms, sequence) = match *last {
            (last_ms, _) if now_ms > last_ms => (now_ms, 0),
            // A full millisecond borrows from the next one instead of waiting for it.
            (last_ms, MAX_SEQUENCE) => (last_ms + 1, 0),
            (last_ms, sequence) => (last_ms, sequence + 1),
        };
        *last = (ms, sequence);
        self.compose(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_and_have_nineteen_digits() {
        let ids = IdGenerator::new(Clock::system(), 7);
        let mut previous = 0;
        for _ in 0..10_000 {
            let id = ids.next();
            assert!(id > previous);
            previous = id;
        }
        assert_eq!(previous.to_string().len(), 19);
        let node = (previous >> IdGenerator::NODE_SHIFT) & i64::from(IdGenerator::MAX_NODE);
        assert_eq!((node, ids.node()), (7, 7));
    }

    #[test]
    fn ids_continue_from_the_highest_used_whatever_the_clock_says() {
        let earlier = IdGenerator::new(Clock::system(), 9);
        let in_an_hour = (earlier.next() >> 22) + 3_600_000;
        let highest = (in_an_hour << 22) | (1_023 << 12) | 4_095;
        let ids = IdGenerator::new(Clock::system(), 0);
        assert_eq!(ids.ahead_ms(), 0);
        ids.go_on_from(highest);
        ids.go_on_from(1);
        assert!((3_590_000..=3_600_001).contains(&ids.ahead_ms()), "{}", ids.ahead_ms());
        let (first, second) = (ids.next(), ids.next());
        assert!(first > highest && second > first);
    }

    #[test]
    fn only_canonical_decimal_text_is_an_id() {
        assert_eq!(
            "4591298458535677185".parse::<CardId>().map(CardId::as_i64),
            Ok(4_591_298_458_535_677_185)
        );
        for bad in ["", "0", "01", "-1", "+1", "1 ", "card_1", "9999999999999999999"] {
            assert_eq!(bad.parse::<CardId>(), Err(IdError), "{bad}");
        }
    }
}
