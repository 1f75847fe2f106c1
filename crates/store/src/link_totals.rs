//! What the messages of a network come to, for the reconciliations that acquirers send
//! (network-iso8583.md section 3.7).

use domain::{Currency, LinkTotals, NetworkMessageId, ReconciliationWindow, Timestamp, TotalKind};

use crate::{NETWORK_KEY_DAYS, Store, StoreError};

/// Most messages that one reconciliation looks at.
pub const MAX_COUNTED_MESSAGES: usize = 1_000_000;
/// Messages that one statement reads: between two of them the caller may give up.
const ROWS_A_READ: usize = 2_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// Longest time that a network waits for an answer of a link (`response-time-ms`).
pub const MAX_LINK_RESPONSE_MS: i64 = 60_000;
/// An answer counts as on its way for so long: the network waits no longer for it, and what became
/// of it is noted soon after.
const UNDER_WAY_MS: i64 = MAX_LINK_RESPONSE_MS + 5_000;

/// The messages with a settlement date, empty = without one, after a row. An advice whose request
/// is approved, and the reversal of what the network got no approval of, count to nothing.
pub(crate) const COUNTED: &str = "SELECT m.received_at, m.message_id, m.counts_as, \
    m.counted_minor, CASE WHEN m.counted_currency <> $8 THEN 'NONE' \
    WHEN m.is_approved = 0 AND m.delivery = 'PENDING' AND m.received_at > $7 \
    THEN 'UNDER_WAY' WHEN m.is_approved = 0 THEN 'NONE' \
    WHEN m.reversed_auth_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM link_message o \
    WHERE o.auth_id = m.reversed_auth_id AND o.is_approved = 1 \
    AND o.counts_as IN ('CREDIT', 'DEBIT')) THEN 'NONE' \
    WHEN EXISTS (SELECT 1 FROM link_message f WHERE f.message_id = m.repeats_message_id \
    AND f.is_approved = 1) THEN 'NONE' ELSE 'COUNTS' END \
    FROM link_message m WHERE m.network = $1 AND m.acquirer = $2 \
    AND COALESCE(m.settlement_date, '') = $3 AND m.counts_as IS NOT NULL \
    AND (m.received_at, m.message_id) > ($4, $5) AND m.received_at < $6 \
    ORDER BY m.received_at, m.message_id LIMIT $9";

/// A message as it counts: arrival, id, total, amount, and whether it counts.
type Row = ((Timestamp, NetworkMessageId), TotalKind, Option<i64>, String);

/// Selects what is added up.
#[derive(Debug, Clone)]
pub struct TotalsRequest {
    /// The network, over all its links.
    pub network: String,
    /// The acquirer's number without leading zeros.
    pub acquirer: String,
    /// The settlement date: MMDD. Messages that have none are those of the window.
    pub settlement_date: Option<String>,
    /// The window of what has no settlement date.
    pub window: ReconciliationWindow,
    /// The currency.
    pub currency: Currency,
}

/// Totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComputedTotals {
    /// The totals; `None` if a sum does not fit, or there are more messages than
    /// [`MAX_COUNTED_MESSAGES`].
    pub totals: Option<LinkTotals>,
    /// True if there are messages whose answer is on its way: what became of it is not on record
    /// yet.
    pub is_under_way: bool,
}

/// A sum that goes on.
struct Sum {
    totals: LinkTotals,
    left: usize,
    is_under_way: bool,
}

impl Sum {
    /// Adds messages; `None` if that does not fit.
    fn add(&mut self, rows: &[Row]) -> Option<()> {
        self.left = self.left.checked_sub(rows.len())?;
        for (_, kind, amount_minor, counts) in rows {
            match counts.as_str() {
                "COUNTS" => {
                    let totals = std::mem::take(&mut self.totals);
                    self.totals = totals.plus(*kind, amount_minor.unwrap_or(0))?;
                }
                "UNDER_WAY" => self.is_under_way = true,
                _ => {}
            }
        }
        Some(())
    }
}

impl Store {
    /// What the messages of an acquirer come to of which an approval was written. What arrived
    /// before the identities that are known counts to nothing. Its statements are short, so that a
    /// caller with a deadline can give up between them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link_totals(&self, request: &TotalsRequest) -> Result<ComputedTotals, StoreError> {
        let now = self.clock().real_now();
        let oldest = now.plus_millis(-NETWORK_KEY_DAYS * DAY_MS);
        let ReconciliationWindow { from, to } = request.window;
        let after = now.plus_seconds(1);
        let window = (from.map_or(oldest, |from| from.max(oldest)), to.unwrap_or(after));
        let mut sum =
            Sum { totals: LinkTotals::default(), left: MAX_COUNTED_MESSAGES, is_under_way: false };
        let mut is_whole = self.add_up(request, "", window, &mut sum).await?;
        if let Some(date) = request.settlement_date.as_deref().filter(|_| is_whole) {
            is_whole = self.add_up(request, date, (oldest, after), &mut sum).await?;
        }
        let Sum { totals, is_under_way, .. } = sum;
        Ok(ComputedTotals { totals: is_whole.then_some(totals), is_under_way })
    }

    /// Adds the messages up that arrived in a span; returns false if that does not fit.
    async fn add_up(
        &self,
        request: &TotalsRequest,
        settlement_date: &str,
        (from, to): (Timestamp, Timestamp),
        sum: &mut Sum,
    ) -> Result<bool, StoreError> {
        let TotalsRequest { network, acquirer, currency, .. } = request;
        let under_way = self.clock().real_now().plus_millis(-UNDER_WAY_MS);
        let rows_a_read = i64::try_from(ROWS_A_READ).unwrap_or(i64::MAX);
        // No id is so small.
        let mut last = (from, NetworkMessageId::from_i64(i64::MIN));
        loop {
            let values = [
                network.into(),
                acquirer.into(),
                settlement_date.into(),
                last.0.into(),
                last.1.into(),
                to.into(),
                under_way.into(),
                (*currency).into(),
                rows_a_read.into(),
            ];
            let rows: Vec<Row> = self.all(COUNTED, values).await?;
            if sum.add(&rows).is_none() {
                return Ok(false);
            }
            match rows.last() {
                Some((place, ..)) if rows.len() == ROWS_A_READ => last = *place,
                _ => return Ok(true),
            }
            // A statement on SQLite does not wait for anything.
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, IdGenerator};

    use super::*;
    use crate::Location;
    use crate::engine::Value;

    #[tokio::test]
    async fn counted_messages_are_read_in_order_by_their_index() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("store.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        let values = vec![Value::Int(1); 9];
        let plan: Vec<(i64, i64, i64, String)> =
            store.all(format!("EXPLAIN QUERY PLAN {COUNTED}"), values).await.unwrap();
        let steps: Vec<_> = plan.into_iter().map(|(.., step)| step).collect();
        assert!(steps[0].contains("m USING INDEX link_message_counted"), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        store.close().await;
    }
}
