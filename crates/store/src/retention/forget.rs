//! Deleting what is exported, and carrying its totals forward in the same commit.

use std::collections::HashMap;

use domain::{AccountId, AuthId, EnterpriseId, Timestamp};

use super::at_rest::{IS_AT_REST, MAX_NAMED, named, places, rows_of};
use super::exported_files::ExportedFile;
use crate::engine::{Tx, Value, with};
use crate::records::{record, sql};
use crate::{Store, StoreError};

/// The setting with the moment from which everything is still there, business time: 8 bytes in
/// big-endian order, so their bytes compare as the moments do.
const RETAINED_FROM: &str = "retained_from_us";

/// What the deleted transfers of an account come to, minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CarriedForward {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) account_id: AccountId,
    pub(crate) funding_minor: i64,
    pub(crate) available_minor: i64,
    pub(crate) held_minor: i64,
    pub(crate) posted_minor: i64,
    /// Those among them that were fees: their number and total.
    pub(crate) fees: i64,
    pub(crate) fees_minor: i64,
    pub(crate) transfers: i64,
}

record! {
    CarriedForward in "carried_forward" key (enterprise_id, account_id) {
        enterprise_id,
        account_id,
        funding_minor,
        available_minor,
        held_minor,
        posted_minor,
        fees,
        fees_minor,
        transfers,
    }
}

/// The moment from which everything is still there; None if nothing was ever deleted.
pub(crate) async fn retained_from(tx: &Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT value FROM setting WHERE name = $1";
    let Some(bytes) = tx.one::<Vec<u8>>(sql, &[RETAINED_FROM.into()]).await? else {
        return Ok(None);
    };
    let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt(RETAINED_FROM))?;
    Ok(Some(Timestamp::from_micros(i64::from_be_bytes(bytes))))
}

/// The authorisations of a file that may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The owner.
    pub enterprise_id: EnterpriseId,
    /// Each with the digest of its exported rows ([`super::AtRest::digest`]).
    pub exported: Vec<(AuthId, [u8; 32])>,
    /// The moment at which they were at rest.
    pub before: Timestamp,
}

impl Store {
    /// The moment (business time) from which everything is still there; None if nothing was ever
    /// deleted.
    pub async fn retained_from(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|tx| Box::pin(retained_from(tx))).await
    }

    /// Notes that the deletion of a file begins, which was at rest at `before`: from then on
    /// nothing is derived from rows of earlier days alone.
    pub async fn begin_forgetting(
        &self,
        file: &ExportedFile,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(with((file.clone(), before), async |tx, (file, before)| {
            let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                WHERE setting.value < excluded.value";
            let bytes = before.as_micros().max(0).to_be_bytes();
            tx.execute(sql, &[RETAINED_FROM.into(), bytes.as_slice().into()]).await?;
            let sql = "UPDATE exported_file SET state = 'DELETING' \
                WHERE month = $1 AND part = $2 AND state = 'WRITTEN'";
            let params = [file.month.as_i64().into(), file.part.into()];
            tx.execute(sql, &params).await.map(drop)
        }))
        .await
    }

    /// Deletes exported authorisations with all their rows and carries their totals forward, in
    /// commits of at most fifty; returns how many were deleted. One that is not as it was exported,
    /// or no longer at rest, stays.
    pub async fn forget(&self, forgotten: Forgotten) -> Result<usize, StoreError> {
        let Forgotten { enterprise_id, exported, before } = forgotten;
        let mut count = 0;
        for exported in exported.chunks(MAX_NAMED) {
            let request = (enterprise_id, exported.to_vec(), before);
            count += self
                .write::<_, StoreError, _>(with(
                    request,
                    async |tx: &Tx, request: &(EnterpriseId, Vec<(AuthId, [u8; 32])>, Timestamp)| {
                        let (enterprise_id, exported, before) = request;
                        forget(tx, *enterprise_id, exported, *before).await
                    },
                ))
                .await?;
        }
        Ok(count)
    }
}

async fn forget(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    exported: &[(AuthId, [u8; 32])],
    before: Timestamp,
) -> Result<usize, StoreError> {
    let digests: HashMap<_, _> = exported.iter().copied().collect();
    let ids: Vec<_> = exported.iter().map(|(auth_id, _)| *auth_id).collect();
    // Once they are locked nobody changes them, and everything that was committed before is seen.
    let lock = sql!(
        "SELECT auth_id FROM authorisation WHERE enterprise_id = $1 AND auth_id IN ({}) \
         ORDER BY auth_id FOR UPDATE",
        places()
    );
    let ids: Vec<AuthId> = tx.all(lock, &named(enterprise_id, &ids)).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let at_rest = at_rest_among(tx, enterprise_id, &ids, before).await?;
    let unchanged = rows_of(tx, enterprise_id, &at_rest).await?;
    let is_exported = |it: &super::AtRest| digests.get(&it.auth_id) == Some(&it.digest());
    let ids: Vec<_> = unchanged.iter().filter(|it| is_exported(it)).map(|it| it.auth_id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let params = named(enterprise_id, &ids);
    for statement in statements() {
        tx.execute(statement, &params).await?;
    }
    Ok(ids.len())
}

async fn at_rest_among(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    ids: &[AuthId],
    before: Timestamp,
) -> Result<Vec<AuthId>, StoreError> {
    // `$1` is the moment in the condition, and the owner in the list of ids.
    let sql = sql!(
        "SELECT a.auth_id FROM authorisation a WHERE a.enterprise_id = $1 \
         AND a.auth_id IN ({}) AND {} ORDER BY a.auth_id",
        places(),
        IS_AT_REST.replace("$1", &format!("${}", MAX_NAMED + 2))
    );
    let mut params = named(enterprise_id, ids);
    params.push(Value::from(before));
    tx.all(sql, &params).await
}

/// The statements that carry forward and delete, in their order; all have the same parameters.
fn statements() -> &'static [String] {
    static STATEMENTS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        let theirs = format!("enterprise_id = $1 AND auth_id IN ({})", places());
        let told = format!("enterprise_id = $1 AND business_id IN ({})", places());
        let total = |of: &str, into: &str, from: &str| {
            format!(
                "CAST(SUM(CASE WHEN {into} THEN {of} WHEN {from} THEN -{of} ELSE 0 END) AS BIGINT)"
            )
        };
        let bucket = |name: &str| {
            let (into, from) = (format!("to_bucket = '{name}'"), format!("from_bucket = '{name}'"));
            total("amount_minor", &into, &from)
        };
        // Funding counts what the owner brought in.
        let funding = total("amount_minor", "from_bucket = 'FUNDING'", "to_bucket = 'FUNDING'");
        let added = |table: &str, columns: &[&str]| {
            let add = |column: &&str| format!("{column} = {table}.{column} + excluded.{column}");
            columns.iter().map(add).collect::<Vec<_>>().join(", ")
        };
        const TOTALS: [&str; 7] = [
            "funding_minor",
            "available_minor",
            "held_minor",
            "posted_minor",
            "fees",
            "fees_minor",
            "transfers",
        ];
        vec![
            format!(
                "INSERT INTO carried_forward (enterprise_id, account_id, {}) \
                 SELECT enterprise_id, account_id, {funding}, {}, {}, {}, \
                 COUNT(CASE WHEN kind = 'FEE' THEN 1 END), \
                 CAST(SUM(CASE WHEN kind = 'FEE' THEN amount_minor ELSE 0 END) AS BIGINT), \
                 COUNT(*) FROM ledger_transfer WHERE {theirs} \
                 GROUP BY enterprise_id, account_id \
                 ON CONFLICT (enterprise_id, account_id) DO UPDATE SET {}",
                TOTALS.join(", "),
                bucket("AVAILABLE"),
                bucket("HELD"),
                bucket("POSTED"),
                added("carried_forward", &TOTALS)
            ),
            format!(
                "INSERT INTO carried_use (enterprise_id, pan_id, total_minor) \
                 SELECT a.enterprise_id, card.pan_id, CAST(SUM(a.velocity_minor) AS BIGINT) \
                 FROM authorisation a JOIN card ON card.enterprise_id = a.enterprise_id \
                 AND card.card_id = a.card_id WHERE a.velocity_minor IS NOT NULL \
                 AND a.enterprise_id = $1 AND a.auth_id IN ({}) \
                 GROUP BY a.enterprise_id, card.pan_id \
                 ON CONFLICT (enterprise_id, pan_id) DO UPDATE SET {}",
                places(),
                added("carried_use", &["total_minor"])
            ),
            format!(
                "DELETE FROM webhook_attempt WHERE enterprise_id = $1 AND webhook_id IN \
                 (SELECT webhook_id FROM webhook WHERE {told})"
            ),
            format!("DELETE FROM webhook WHERE {told}"),
            format!("DELETE FROM posting WHERE {theirs}"),
            format!("DELETE FROM ledger_transfer WHERE {theirs}"),
            format!("DELETE FROM network_message WHERE {theirs}"),
            format!("DELETE FROM receipt WHERE {theirs}"),
            format!("DELETE FROM authorisation WHERE {theirs}"),
        ]
    });
    &STATEMENTS
}
