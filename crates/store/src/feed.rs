//! The feed of events: what happened, in one order that readers can follow without missing
//! anything.
//!
//! A commit leaves its events in an entry. A number given there would make commits wait for one
//! another, and a reader that passed a number whose commit was still under way would never see it.
//! So the entries get their numbers afterwards, in one transaction at a time: each enterprise's
//! events are numbered from 1, and all events together have a position, from 1. Readers see
//! numbered events only.

mod entry;
mod numbering;
mod packed;
mod reading;

use domain::{EnterpriseId, Event, Timestamp};

use crate::records::record;

pub(crate) use entry::post;
pub use numbering::Numbered;
pub use reading::EventFilter;

/// The most events in one stored page.
const MAX_PAGE_EVENTS: usize = 50;
/// Stands for "no enterprise" in a column.
const NO_ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(0);
/// Has the last position of all events among the enterprises' last numbers.
const ALL: EnterpriseId = EnterpriseId::from_i64(-1);

/// An event with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedEvent {
    /// Its place among all events, from 1, without gaps.
    pub position: i64,
    /// Its place among the events of its enterprise, from 1, without gaps; those without an
    /// enterprise are numbered together.
    pub number: i64,
    /// What happened.
    pub event: Event,
}

/// Consecutive events of one enterprise.
struct FeedPage {
    enterprise_id: EnterpriseId,
    /// The number of the last one.
    last_number: i64,
    /// The position of the last one.
    last_position: i64,
    /// How many there are.
    events: i64,
    /// When they were numbered, in business time.
    numbered_at: Timestamp,
    /// The events, packed.
    body: Vec<u8>,
}

record! {
    FeedPage in "feed_page" key (enterprise_id, last_number) {
        enterprise_id,
        last_number,
        last_position,
        events,
        numbered_at,
        body,
    }
}

/// The last number that was given.
struct FeedHead {
    enterprise_id: EnterpriseId,
    last_number: i64,
}

record! {
    FeedHead in "feed_head" key (enterprise_id) {
        enterprise_id,
        last_number,
    }
}
