//! Bills: authorisations and postings that belong together (cardbridge-open-api.md
//! section 8.4, "Outstanding").

use domain::{Authorisation, OutsId, Posting};

use crate::engine::Tx;
use crate::rows::{AUTHORISATION_COLUMNS, POSTING_COLUMNS, authorisation_from, posting_from};
use crate::{MAX_PAGE_ROWS, Store, StoreError};

/// A bill. Its amounts are minor units of the billing currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// What is still set aside.
    pub held_minor: i64,
    /// What was spent less what came back.
    pub posted_minor: i64,
    /// Its authorisations in order of arrival, at most [`crate::MAX_PAGE_ROWS`].
    pub authorisations: Vec<Authorisation>,
    /// Its postings in order, at most [`crate::MAX_PAGE_ROWS`].
    pub postings: Vec<Posting>,
}

impl Store {
    /// A bill of any enterprise, for operators; none if no authorisation belongs to it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outstanding(&self, outs_id: OutsId) -> Result<Option<Outstanding>, StoreError> {
        self.read_snapshot(move |tx| Box::pin(read(tx, outs_id))).await
    }
}

async fn read(tx: &Tx, outs_id: OutsId) -> Result<Option<Outstanding>, StoreError> {
    let of_bill = |columns: &str, table: &str, id: &str| {
        format!("SELECT {columns} FROM {table} WHERE outs_id = $1 ORDER BY {id} LIMIT $2")
    };
    let params = [outs_id.into(), MAX_PAGE_ROWS.into()];
    let sql = of_bill(AUTHORISATION_COLUMNS, "authorisation", "auth_id");
    let rows = tx.query(&sql, &params).await?;
    let authorisations: Vec<_> = rows.iter().map(authorisation_from).collect::<Result<_, _>>()?;
    if authorisations.is_empty() {
        return Ok(None);
    }
    let sql = of_bill(POSTING_COLUMNS, "posting", "transaction_id");
    let rows = tx.query(&sql, &params).await?;
    let held = "SELECT CAST(COALESCE(SUM(hold_remaining_minor), 0) AS BIGINT) \
        FROM authorisation WHERE outs_id = $1";
    let posted = "SELECT CAST(COALESCE(SUM(CASE WHEN direction = 'OUTGOING' \
        THEN amount_minor ELSE -amount_minor END), 0) AS BIGINT) FROM posting WHERE outs_id = $1";
    Ok(Some(Outstanding {
        held_minor: sum(tx, held, outs_id).await?,
        posted_minor: sum(tx, posted, outs_id).await?,
        authorisations,
        postings: rows.iter().map(posting_from).collect::<Result<_, _>>()?,
    }))
}

async fn sum(tx: &Tx, sql: &str, outs_id: OutsId) -> Result<i64, StoreError> {
    tx.query_opt(sql, &[outs_id.into()]).await?.map_or(Ok(0), |row| row.int(0))
}
