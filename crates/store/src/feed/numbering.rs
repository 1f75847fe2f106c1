//! Numbers for what was committed.

use std::collections::BTreeMap;

use domain::{EnterpriseId, Event, Timestamp};

use super::packed::{pack, unpack};
use super::{ALL, FeedHead, FeedPage, MAX_PAGE_EVENTS};
use crate::engine::Statement;
use crate::process::SERVER_NOW;
use crate::records::{Record, values_of};
use crate::{Store, StoreError};

/// The most entries that are numbered in one commit.
const MAX_ENTRIES: usize = 500;
/// The wait after which any process numbers what waits, microseconds.
const LONGEST_WAIT_US: i64 = 10_000_000;
/// A place before every other.
const BEGINNING: i64 = i64::MIN;
/// Entries are looked for from so long before the last one on, microseconds of places: the server
/// need not go through all that were taken and are still there for somebody's snapshot. A commit
/// that takes longer is found by a look from the beginning.
const LOOK_BACK_US: i64 = 60_000_000;
/// The most pages that are deleted in one commit.
const MAX_FORGOTTEN: u32 = 500;

/// The result of [`Store::number_events`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// How many events got their numbers.
    pub events: usize,
    /// True if more may wait.
    pub is_more: bool,
    /// The place from which the next look may begin.
    pub look_from: i64,
}

/// Entries with the last number of their enterprise and the last position of all. One statement, so
/// that all of it is of one moment: entries beside the numbers of a later one would be numbered
/// twice.
const WAITING: &str = "SELECT e.place, e.enterprise_id, e.body, COALESCE(own.last_number, 0), \
    every.last_number FROM feed_entry e JOIN feed_head every ON every.enterprise_id = $1 \
    LEFT JOIN feed_head own ON own.enterprise_id = e.enterprise_id WHERE e.place > $3 \
    ORDER BY e.place LIMIT $2";
const LAST_POSITION: &str = "SELECT last_number FROM feed_head WHERE enterprise_id = $1";
/// Fails, and with it the commit, if another process has numbered events meanwhile.
const TURN: &str = "UPDATE feed_head SET last_number = CASE WHEN last_number = $1 \
    THEN CAST($2 AS BIGINT) END \
    WHERE enterprise_id = $3";
/// Takes exactly what was read: an entry whose commit comes later is left to the next run.
const TAKE: &str = "DELETE FROM feed_entry WHERE place = $1 AND enterprise_id = $2 AND body = $3";

/// An entry: its place, its enterprise and its events, and the two last numbers.
type Entry = (i64, EnterpriseId, Vec<u8>, [i64; 2]);

impl Store {
    /// True if it is this process's turn to number events: it is the living one with the lowest
    /// node number, or events have waited for over ten seconds, because that one is of a version
    /// before or fails. If two believe so, each run of one fails and is repeated.
    pub async fn numbers_events(&self) -> Result<bool, StoreError> {
        if self.is_embedded() {
            return Ok(true);
        }
        let sql = format!(
            "SELECT (SELECT MIN(node) FROM process WHERE expires_at > {SERVER_NOW}), \
             COALESCE((SELECT place FROM feed_entry ORDER BY place LIMIT 1) \
             < {SERVER_NOW} - {LONGEST_WAIT_US}, FALSE)"
        );
        let found: Option<(Option<i64>, bool)> = self.one(sql, []).await?;
        let (lowest, is_late) = found.unwrap_or_default();
        Ok(is_late || lowest.is_none_or(|node| node == self.ids().node()))
    }

    /// Gives numbers to events that were committed, oldest first, at most 500 entries of them. On a
    /// server this takes one round trip, and a second one if there are any.
    pub async fn number_events(&self) -> Result<Numbered, StoreError> {
        self.number_events_from(BEGINNING).await
    }

    /// As [`Store::number_events`], for entries whose place is higher.
    pub async fn number_events_from(&self, place: i64) -> Result<Numbered, StoreError> {
        let most = i64::try_from(MAX_ENTRIES).unwrap_or(i64::MAX);
        let waiting: Vec<Entry> =
            self.all(WAITING, [ALL.into(), most.into(), place.into()]).await?;
        let Some((.., [_, first])) = waiting.first() else {
            return Ok(Numbered { events: 0, is_more: false, look_from: place });
        };
        let first = *first;
        let run = run(&waiting, first, self.clock().now())?;
        match self.write_together(run.statements).await {
            Ok(_) => {
                let last = waiting.last().map_or(place, |(last, ..)| last - LOOK_BACK_US);
                // Of the embedded store places begin again.
                let look_from = if self.is_embedded() { BEGINNING } else { last };
                Ok(Numbered { events: run.events, is_more: run.is_full, look_from })
            }
            Err(error) => match self.one::<i64>(LAST_POSITION, [ALL.into()]).await? {
                Some(last) if last != first => {
                    Ok(Numbered { events: 0, is_more: true, look_from: place })
                }
                _ => Err(error),
            },
        }
    }

    /// Deletes pages of events that were numbered before a moment of business time, at most 500;
    /// true if there may be more.
    pub async fn forget_events(&self, before: Timestamp) -> Result<bool, StoreError> {
        // The bound by position keeps the look short, since no index has the time.
        let sql = "SELECT last_position FROM feed_page WHERE numbered_at < $1 \
            AND last_position <= (SELECT MIN(last_position) FROM feed_page) + $2 \
            ORDER BY last_position LIMIT $2";
        let old: Vec<i64> = self.all(sql, [before.into(), MAX_FORGOTTEN.into()]).await?;
        let Some(last) = old.last() else { return Ok(false) };
        let sql = "DELETE FROM feed_page WHERE last_position <= $1";
        self.execute(sql, [(*last).into()]).await?;
        Ok(true)
    }
}

/// One commit of numbers.
struct Run {
    statements: Vec<Statement>,
    events: usize,
    is_full: bool,
}

/// Numbers entries after the position `first`.
fn run(waiting: &[Entry], first: i64, now: Timestamp) -> Result<Run, StoreError> {
    let mut feeds = BTreeMap::<i64, (i64, Vec<Event>)>::new();
    let mut taken = Vec::with_capacity(waiting.len());
    for (place, enterprise_id, body, [last_number, _]) in waiting {
        let (_, feed) = feeds.entry(enterprise_id.as_i64()).or_insert((*last_number, Vec::new()));
        feed.extend(unpack(*enterprise_id, body)?);
        let params = [(*place).into(), (*enterprise_id).into(), body.as_slice().into()];
        taken.push(Statement::new(TAKE, params));
    }
    let (mut events, mut position, mut rows) = (0, first, Vec::new());
    for (owner, (mut last_number, of_owner)) in feeds {
        let enterprise_id = EnterpriseId::from_i64(owner);
        events += of_owner.len();
        for of_page in of_owner.chunks(MAX_PAGE_EVENTS) {
            let count = i64::try_from(of_page.len()).unwrap_or(i64::MAX);
            (last_number, position) = (last_number + count, position + count);
            let page = FeedPage {
                enterprise_id,
                last_number,
                last_position: position,
                events: count,
                numbered_at: now,
                body: pack(of_page)?,
            };
            // Not `put`: a number that is taken must stay what it is.
            rows.push(Statement::new(FeedPage::texts().insert(1, 1).0, values_of(&page)));
        }
        let head = FeedHead { enterprise_id, last_number };
        rows.push(Statement::new(FeedHead::texts().put.as_str(), values_of(&head)));
    }
    let mut statements = vec![Statement::new(TURN, [first.into(), position.into(), ALL.into()])];
    statements.extend(taken);
    statements.extend(rows);
    Ok(Run { statements, events, is_full: waiting.len() >= MAX_ENTRIES })
}
