//! Bills: authorisations and postings that belong together (cardbridge-open-api.md
//! section 8.4, "Outstanding").

use domain::{Authorisation, OutsId, Posting};

use crate::engine::Tx;
use crate::records::{select, sql};
use crate::{MAX_PAGE_ROWS, Store, StoreError};

/// A bill. Its amounts are minor units of the billing currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The amount still set aside.
    pub held_minor: i64,
    /// The amount spent less the amount that came back.
    pub posted_minor: i64,
    /// Its authorisations in order of arrival, at most [`crate::MAX_PAGE_ROWS`].
    pub authorisations: Vec<Authorisation>,
    /// Its postings in order, at most [`crate::MAX_PAGE_ROWS`].
    pub postings: Vec<Posting>,
}

impl Store {
    /// A bill of any enterprise, for operators; None if no authorisation belongs to it.
    pub async fn outstanding(&self, outs_id: OutsId) -> Result<Option<Outstanding>, StoreError> {
        self.read_snapshot(move |tx| Box::pin(read(tx, outs_id))).await
    }
}

async fn read(tx: &Tx, outs_id: OutsId) -> Result<Option<Outstanding>, StoreError> {
    let params = [outs_id.into(), MAX_PAGE_ROWS.into()];
    let of_bill =
        sql!("{} WHERE outs_id = $1 ORDER BY auth_id LIMIT $2", select::<Authorisation>());
    let authorisations: Vec<Authorisation> = tx.all(of_bill, &params).await?;
    if authorisations.is_empty() {
        return Ok(None);
    }
    let of_bill =
        sql!("{} WHERE outs_id = $1 ORDER BY transaction_id LIMIT $2", select::<Posting>());
    let postings = tx.all(of_bill, &params).await?;
    let held = "SELECT CAST(COALESCE(SUM(hold_remaining_minor), 0) AS BIGINT) \
        FROM authorisation WHERE outs_id = $1";
    let posted = "SELECT CAST(COALESCE(SUM(CASE WHEN direction = 'OUTGOING' \
        THEN amount_minor ELSE -amount_minor END), 0) AS BIGINT) FROM posting WHERE outs_id = $1";
    Ok(Some(Outstanding {
        held_minor: tx.one(held, &[outs_id.into()]).await?.unwrap_or(0),
        posted_minor: tx.one(posted, &[outs_id.into()]).await?.unwrap_or(0),
        authorisations,
        postings,
    }))
}
