//! Numbers for what was committed.

use std::collections::BTreeMap;

use domain::{EnterpriseId, Event, Timestamp};

use super::packed::{pack, unpack};
use super::{ALL, FeedHead, FeedPage, MAX_PAGE_EVENTS};
use crate::engine::{Statement, with};
use crate::process::SERVER_NOW;
use crate::records::{Record, values_of};
use crate::{Store, StoreError};

/// The most entries that are numbered in one commit.
const MAX_ENTRIES: usize = 500;
/// The most pages that are deleted in one commit.
const MAX_FORGOTTEN: u32 = 500;

/// The result of [`Store::number_events`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// How many events got their numbers.
    pub events: usize,
    /// True if more may wait.
    pub is_more: bool,
}

const WAITING: &str = "SELECT place, enterprise_id, body FROM feed_entry ORDER BY place LIMIT $1";
const LAST: &str = "SELECT enterprise_id, last_number FROM feed_head \
    WHERE enterprise_id = $1 OR enterprise_id IN (SELECT enterprise_id FROM feed_entry)";
/// Fails, and with it the commit, if another process has numbered events meanwhile.
const TURN: &str = "UPDATE feed_head SET last_number = CASE WHEN last_number = $1 \
    THEN CAST($2 AS BIGINT) END \
    WHERE enterprise_id = $3";
/// Takes exactly what was read: an entry whose commit comes later is left to the next run.
const TAKE: &str = "DELETE FROM feed_entry WHERE place = $1 AND enterprise_id = $2 AND body = $3";

/// An entry: its place, its enterprise and its events.
type Entry = (i64, EnterpriseId, Vec<u8>);

impl Store {
    /// True if it is this process's turn to number events: it is the living one with the lowest
    /// node number. If two believe so, each run of one fails and is repeated.
    pub async fn numbers_events(&self) -> Result<bool, StoreError> {
        if self.is_embedded() {
            return Ok(true);
        }
        let sql = format!("SELECT MIN(node) FROM process WHERE expires_at > {SERVER_NOW}");
        let lowest: Option<Option<i64>> = self.one(sql, []).await?;
        Ok(lowest.flatten().is_none_or(|node| node == self.ids().node()))
    }

    /// Gives numbers to events that were committed, oldest first, at most 500 entries of them. On a
    /// server this takes one round trip, and a second one if there are any.
    pub async fn number_events(&self) -> Result<Numbered, StoreError> {
        let waiting = self.waiting().await?;
        if waiting.entries.is_empty() {
            return Ok(Numbered { events: 0, is_more: false });
        }
        let run = run(&waiting, self.clock().now())?;
        match self.write_together(run.statements).await {
            Ok(_) => Ok(Numbered { events: run.events, is_more: run.is_full }),
            // Another process was faster, or the same happens again.
            Err(error) => match self.waiting().await?.last(ALL) == waiting.last(ALL) {
                true => Err(error),
                false => Ok(Numbered { events: 0, is_more: true }),
            },
        }
    }

    async fn waiting(&self) -> Result<Waiting, StoreError> {
        self.read(with((), async |tx, ()| {
            let statements = [
                Statement::new(WAITING, [i64::try_from(MAX_ENTRIES).unwrap_or(i64::MAX).into()]),
                Statement::new(LAST, [ALL.into()]),
            ];
            let mut answers = tx.together(&statements).await?;
            Ok(Waiting { entries: answers.all()?, lasts: answers.all()?.into_iter().collect() })
        }))
        .await
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

/// What has no numbers yet, and the last numbers that were given.
struct Waiting {
    entries: Vec<Entry>,
    lasts: BTreeMap<i64, i64>,
}

impl Waiting {
    fn last(&self, enterprise_id: EnterpriseId) -> i64 {
        self.lasts.get(&enterprise_id.as_i64()).copied().unwrap_or(0)
    }
}

/// One commit of numbers.
struct Run {
    statements: Vec<Statement>,
    events: usize,
    is_full: bool,
}

fn run(waiting: &Waiting, now: Timestamp) -> Result<Run, StoreError> {
    let mut feeds = BTreeMap::<i64, Vec<Event>>::new();
    for (_, enterprise_id, body) in &waiting.entries {
        let feed = feeds.entry(enterprise_id.as_i64()).or_default();
        feed.extend(unpack(*enterprise_id, body)?);
    }
    let events = feeds.values().map(Vec::len).sum();
    let first = waiting.last(ALL);
    let mut position = first;
    let mut rows = Vec::new();
    for (owner, events) in feeds {
        let enterprise_id = EnterpriseId::from_i64(owner);
        let mut last_number = waiting.last(enterprise_id);
        for events in events.chunks(MAX_PAGE_EVENTS) {
            let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
            (last_number, position) = (last_number + count, position + count);
            let page = FeedPage {
                enterprise_id,
                last_number,
                last_position: position,
                events: count,
                numbered_at: now,
                body: pack(events)?,
            };
            // Not `put`: a number that is taken must stay what it is.
            rows.push(Statement::new(FeedPage::texts().insert(1, 1).0, values_of(&page)));
        }
        let head = FeedHead { enterprise_id, last_number };
        rows.push(Statement::new(FeedHead::texts().put.as_str(), values_of(&head)));
    }
    let mut statements = vec![Statement::new(TURN, [first.into(), position.into(), ALL.into()])];
    for (place, enterprise_id, body) in &waiting.entries {
        let params = [(*place).into(), (*enterprise_id).into(), body.as_slice().into()];
        statements.push(Statement::new(TAKE, params));
    }
    statements.extend(rows);
    Ok(Run { statements, events, is_full: waiting.entries.len() >= MAX_ENTRIES })
}
