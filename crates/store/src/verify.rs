//! `ledger verify`: every balance derived again from its entries.
//!
//! Everything is read in pages from one snapshot, so memory stays bounded however many transfers
//! there are. What retention deleted is in what was carried forward ([`crate::retention`]). Checked
//! in this order: accounts against their transfers; transfers against one
//! another where money went between accounts; authorisations against their transfers and postings;
//! held balances against the open holds; fees charged to apps against their cards' lists; the use
//! of limits, and what was approved in place of enterprises, against the authorisations that count.

mod fees;
mod holds;
mod replayed;
mod report;
mod stand_in;
mod velocity;

use domain::EnterpriseId;

use crate::engine::Tx;
use crate::retention::retained_from;
use crate::{Store, StoreError};
use report::PAGE_ROWS;

pub use report::{VerifyReport, Violation};

impl Store {
    /// Derives every balance again from its transfers, every held balance from its open holds
    /// and every use of a limit from its authorisations, on one consistent reading.
    pub async fn verify_ledger(&self) -> Result<VerifyReport, StoreError> {
        let store = self.clone();
        // An embedded store is read on the calling thread, and this reads all of it: a blocking
        // thread keeps that off the threads that answer requests.
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            runtime.block_on(store.read_long_aside(|tx| Box::pin(verify(tx))))
        })
        .await
        .map_err(|error| StoreError::Engine(error.to_string()))?
    }
}

async fn verify(tx: &Tx) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport::default();
    let complete_from = complete_from(tx).await?;
    let mut after = i64::MIN;
    loop {
        let enterprises = owners(tx, after).await?;
        let Some(last) = enterprises.last() else { return Ok(report) };
        after = last.as_i64();
        for enterprise_id in enterprises {
            let accounts = replayed::verify_accounts(tx, enterprise_id, &mut report).await?;
            holds::verify_holds(tx, enterprise_id, &accounts, &mut report).await?;
            fees::verify_fees(tx, enterprise_id, &accounts, &mut report).await?;
            let since = (enterprise_id, complete_from);
            velocity::verify_uses(tx, since, &mut report).await?;
            stand_in::verify_stand_ins(tx, since, &mut report).await?;
        }
    }
}

/// The first day, counted as those of limits are, of which no authorisation is deleted. Days begin
/// at other moments in other time zones.
async fn complete_from(tx: &Tx) -> Result<i64, StoreError> {
    let retained_from = retained_from(tx).await?;
    Ok(retained_from.map_or(i64::MIN, |moment| moment.utc8_day_number() + 2))
}

/// Enterprises in order of id; one with an account counts even if its own record is gone.
async fn owners(tx: &Tx, after: i64) -> Result<Vec<EnterpriseId>, StoreError> {
    let sql = "SELECT enterprise_id FROM (SELECT enterprise_id FROM enterprise \
        UNION SELECT enterprise_id FROM ledger_account) owner \
        WHERE enterprise_id > $1 ORDER BY enterprise_id LIMIT $2";
    tx.all(sql, &[after.into(), PAGE_ROWS.into()]).await
}
