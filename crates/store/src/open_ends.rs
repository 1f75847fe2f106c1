//! Authorisations that are not at their end: undecided ones, and those with an open hold. Both
//! stand in small tables beside the rows of all (`money/apart.rs`).

use domain::{AuthId, Authorisation, EnterpriseId, Timestamp};

use crate::engine::{Row, Tx, with};
use crate::records::{columns_of, read_row, sql};
use crate::{Store, StoreError};

/// Most authorisations that one sweep takes up.
const MAX_SWEEP_ROWS: u32 = 1_000;
/// True for a hold in `open_hold` that is open, by the row of its authorisation.
const IS_OPEN: &str = "EXISTS (SELECT 1 FROM authorisation a \
    WHERE a.enterprise_id = open_hold.enterprise_id AND a.auth_id = open_hold.auth_id \
    AND a.hold_state = 'PENDING' AND a.status <> 'PENDING' AND a.hold_expires_at IS NOT NULL)";

/// A hold whose row breaks the rules of the domain.
#[derive(Debug, Clone)]
pub struct UnreadableHold {
    /// The owner.
    pub enterprise_id: EnterpriseId,
    /// The authorisation.
    pub auth_id: AuthId,
    /// The fault.
    pub error: StoreError,
}

/// The hold of a row. Its key is read even if the rest cannot be.
fn hold_from(row: &Row) -> Result<Result<Authorisation, UnreadableHold>, StoreError> {
    let (enterprise_id, auth_id) = read_row(row)?;
    Ok(read_row(row).map_err(|error| UnreadableHold { enterprise_id, auth_id, error }))
}

impl Store {
    /// Undecided authorisations with ids between the two, in order of id, at most `limit`. On a
    /// server that several processes share, only those whose ids carry this process's node number:
    /// another process may be at work on the rest.
    pub async fn undecided_authorisations(
        &self,
        after: AuthId,
        before: AuthId,
        limit: u32,
    ) -> Result<Vec<AuthId>, StoreError> {
        let own = self.own_ids("auth_id");
        let condition = format!("auth_id > $1 AND auth_id < $2{own}");
        let sql = undecided("auth_id", &condition);
        let sql = format!("SELECT auth_id FROM ({sql}) it ORDER BY auth_id LIMIT $3");
        let params = [after.into(), before.into(), limit.min(MAX_SWEEP_ROWS).into()];
        self.all(sql, params).await
    }

    /// The moment at which the next open hold expires.
    pub async fn next_hold_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT expires_at FROM open_hold ORDER BY expires_at LIMIT 1";
        self.one(sql, []).await
    }

    /// Decided authorisations whose open hold expires by `now`, earliest first, at most `limit`.
    pub async fn expired_holds(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Result<Authorisation, UnreadableHold>>, StoreError> {
        let limit = limit.min(MAX_SWEEP_ROWS);
        let sql = sql!(
            "SELECT {} FROM open_hold o JOIN authorisation a \
             ON a.enterprise_id = o.enterprise_id AND a.auth_id = o.auth_id \
             WHERE o.expires_at <= $1 AND a.hold_state = 'PENDING' AND a.status <> 'PENDING' \
             AND a.hold_expires_at <= $1 ORDER BY o.expires_at, o.auth_id LIMIT $2",
            columns_of::<Authorisation>("a")
        );
        let found = self.all_as(sql, [now.into(), limit.into()], hold_from).await?;
        if found.is_empty() && self.next_hold_expiry().await?.is_some_and(|next| next <= now) {
            self.write(with(now, correct_open_holds)).await?;
        }
        Ok(found)
    }

    /// Postpones to `again` the expiry of an open hold that could not be given back.
    pub async fn postpone_expiry(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let request = (enterprise_id, auth_id, again);
        self.write(with(request, async |tx: &Tx, (enterprise_id, auth_id, again): &_| {
            let (enterprise_id, auth_id): (&EnterpriseId, &AuthId) = (enterprise_id, auth_id);
            let params = [Timestamp::into(*again), (*enterprise_id).into(), (*auth_id).into()];
            for sql in POSTPONE {
                tx.execute(sql, &params).await?;
            }
            Ok(())
        }))
        .await
    }

    /// Brings what a binary of the version before wrote into the tables of undecided authorisations
    /// and open holds, and takes out of them what it ended; returns the number of authorisations,
    /// at most a thousand. An undecided one of such a binary stays where it is found as well.
    pub async fn adopt_older(&self) -> Result<usize, StoreError> {
        if !self.finds(OF_OLDER, [1_i64.into()]).await? && !self.finds(ENDED, []).await? {
            return Ok(0);
        }
        self.write(|tx| Box::pin(adopt(tx))).await
    }
}

/// Reads a column of the undecided authorisations that meet a condition. A binary of the version
/// before leaves them in their rows.
pub(crate) fn undecided(column: &str, condition: &str) -> String {
    format!(
        "SELECT {column} FROM undecided WHERE {condition} UNION SELECT {column} FROM authorisation \
         WHERE by_older = 1 AND status = 'PENDING' AND {condition}"
    )
}

const POSTPONE: [&str; 2] = [
    "UPDATE authorisation SET hold_expires_at = $1 WHERE enterprise_id = $2 AND auth_id = $3 \
     AND hold_state = 'PENDING' AND hold_expires_at < $1",
    "UPDATE open_hold SET expires_at = $1 WHERE enterprise_id = $2 AND auth_id = $3 \
     AND expires_at < $1",
];

/// Corrects what is due by `now`: a binary of the version before ended or postponed it.
async fn correct_open_holds(tx: &Tx, now: &Timestamp) -> Result<(), StoreError> {
    let ended = sql!("DELETE FROM open_hold WHERE expires_at <= $1 AND NOT {IS_OPEN}");
    tx.execute(ended, &[(*now).into()]).await?;
    let postponed = "UPDATE open_hold SET expires_at = (SELECT a.hold_expires_at \
        FROM authorisation a WHERE a.enterprise_id = open_hold.enterprise_id \
        AND a.auth_id = open_hold.auth_id) WHERE expires_at <= $1";
    tx.execute(postponed, &[(*now).into()]).await.map(drop)
}

/// Decided authorisations of a binary of the version before: their owner and id, and when their
/// hold expires if it is open.
const OF_OLDER: &str = "SELECT enterprise_id, auth_id, \
    CASE WHEN hold_state = 'PENDING' THEN hold_expires_at END FROM authorisation \
    WHERE by_older = 1 AND status <> 'PENDING' ORDER BY auth_id LIMIT $1 FOR UPDATE SKIP LOCKED";
/// Undecided authorisations that such a binary decided.
const ENDED: &str = "SELECT u.auth_id FROM undecided u JOIN authorisation a \
    ON a.enterprise_id = u.enterprise_id AND a.auth_id = u.auth_id \
    WHERE a.status <> 'PENDING' LIMIT 1";

async fn adopt(tx: &Tx) -> Result<usize, StoreError> {
    let found: Vec<(EnterpriseId, AuthId, Option<Timestamp>)> =
        tx.all(OF_OLDER, &[MAX_SWEEP_ROWS.into()]).await?;
    for (enterprise_id, auth_id, expires_at) in &found {
        let key = [(*enterprise_id).into(), (*auth_id).into()];
        if let Some(expires_at) = expires_at {
            let sql = "INSERT INTO open_hold (enterprise_id, auth_id, expires_at) \
                VALUES ($1, $2, $3) ON CONFLICT (enterprise_id, auth_id) DO NOTHING";
            let [owner, id] = key.clone();
            tx.execute(sql, &[owner, id, (*expires_at).into()]).await?;
        }
        let sql = "UPDATE authorisation SET by_older = NULL \
            WHERE enterprise_id = $1 AND auth_id = $2";
        tx.execute(sql, &key).await?;
    }
    let sql = "DELETE FROM undecided WHERE EXISTS (SELECT 1 FROM authorisation a \
        WHERE a.enterprise_id = undecided.enterprise_id AND a.auth_id = undecided.auth_id \
        AND a.status <> 'PENDING')";
    tx.execute(sql, &[]).await?;
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, IdGenerator};

    use super::*;
    use crate::Location;
    use crate::migrations::old;

    /// The last version whose authorisations held all their parts.
    const OLD: i32 = 28;

    /// One is undecided, one has an open hold, one is closed.
    fn old_rows() -> String {
        let row = |id: i64, status: &str, hold_state: &str| {
            format!(
                "INSERT INTO authorisation (enterprise_id, auth_id, card_id, customer_id, outs_id, \
                 direction, auth_type, transaction_type, amount_minor, currency, \
                 acquirer_amount_minor, acquirer_currency, fx_rate, status, hold_state, \
                 hold_remaining_minor, hold_expires_at, posted_minor, cleared_acquirer_minor, \
                 reversed_acquirer_minor, created_at, receipt) VALUES (1, {id}, 7, 8, {id}, \
                 'OUTGOING', 'NORMAL', 'R', 100, 840, 100, 840, '1', '{status}', '{hold_state}', \
                 0, {id}, 0, 0, 0, {id}, '{{\"id\":{id}}}');"
            )
        };
        [row(1, "PENDING", "PENDING"), row(2, "APPROVED", "PENDING"), row(3, "APPROVED", "POSTED")]
            .concat()
    }

    async fn old_rows_are_in_their_tables(location: Location) {
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 0));
        let store = Store::open(location, clock, ids).await.unwrap();
        let [first, second, last] = [1, 2, i64::MAX].map(AuthId::from_i64);
        let undecided = store.undecided_authorisations(AuthId::from_i64(0), last, 10).await;
        assert_eq!(undecided.unwrap(), [first]);
        let expired = store.expired_holds(Timestamp::from_micros(9), 10).await.unwrap();
        let expired: Vec<_> = expired.into_iter().map(|it| it.unwrap().auth_id).collect();
        assert_eq!(expired, [second]);
        for id in 1..=3 {
            let view = store.authorisation_view(AuthId::from_i64(id)).await.unwrap().unwrap();
            assert_eq!(view.receipt, format!("{{\"id\":{id}}}"));
        }
        let sql = "SELECT auth_id FROM authorisation WHERE by_older IS NOT NULL";
        assert!(!store.finds(sql, []).await.unwrap());
        store.close().await;
    }

    #[tokio::test]
    async fn old_rows_of_an_embedded_store_are_in_their_tables() {
        let directory = tempfile::tempdir().unwrap();
        old_rows_are_in_their_tables(old::on_file(&directory, OLD, &old_rows())).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn old_rows_on_a_server_are_in_their_tables() {
        old::on_server("store_apart", (OLD, &old_rows()), old_rows_are_in_their_tables).await;
    }
}
