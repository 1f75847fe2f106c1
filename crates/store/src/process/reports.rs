//! The exchange of reports and of the offset of business time with each renewal of a lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{OtherReport, Reports, Telling, Told};
use super::server_time::{SERVER_NOW, micros};
use crate::engine::{Statement, Tx};
use crate::settings::{clock_offset_us, stored_clock_offset};
use crate::store::Engine;
use crate::{Store, StoreError};

/// The longest wait of an advance for other processes: longer than the lease of one that died.
const MAX_CLOCK_WAIT: Duration = Duration::from_secs(20);
/// The pause between two looks at what they confirmed.
const CLOCK_PAUSE: Duration = Duration::from_millis(100);

/// Renews the lease and exchanges reports, in one round trip; `None` if another process has the
/// number.
pub(super) async fn renew(
    tx: &Tx,
    (node, epoch): (i64, i64),
    lease: Duration,
    telling: &Telling,
) -> Result<Option<Told>, StoreError> {
    let renewal = format!(
        "UPDATE process SET expires_at = {SERVER_NOW} + $3, limits = $4, limits_at = $5, \
         clock_offset_us = $6 WHERE node = $1 AND epoch = $2 RETURNING {SERVER_NOW}"
    );
    let params = [
        node.into(),
        epoch.into(),
        micros(lease).into(),
        telling.report.clone().into(),
        telling.made_at_us.into(),
        telling.clock_offset_us.into(),
    ];
    let others = format!(
        "SELECT node, epoch, limits_at, limits FROM process WHERE node <> $1 \
         AND expires_at > {SERVER_NOW} AND limits_at IS NOT NULL AND limits IS NOT NULL"
    );
    let statements = [
        Statement::new(renewal, params),
        stored_clock_offset(),
        Statement::new(others, [node.into()]),
    ];
    let mut answers = tx.together(&statements).await?;
    let Some(server_us) = answers.one::<i64>()? else { return Ok(None) };
    let clock_offset_us = clock_offset_us(answers.one()?)?;
    let rows: Vec<(i64, i64, i64, Vec<u8>)> = answers.all()?;
    let other = |(node, epoch, made_at_us, report)| {
        let age_us = u64::try_from(server_us.saturating_sub(made_at_us)).unwrap_or(0);
        OtherReport { node, epoch, serial: made_at_us, age: Duration::from_micros(age_us), report }
    };
    let others = rows.into_iter().map(other).collect();
    Ok(Some(Told { server_us, clock_offset_us, others }))
}

impl Store {
    /// From now on, reports are exchanged with each renewal of the lease. Only the first call
    /// counts, and none on the embedded store.
    pub fn exchange_reports(&self, reports: Arc<dyn Reports>) {
        let _ = self.inner.exchange.reports.set(reports);
    }

    /// Waits until all other living processes have this process's business time, 20 s at most. Does
    /// nothing on the embedded store.
    ///
    /// # Errors
    /// One of them does not have it in time, or the server fails; time has moved here nevertheless.
    pub async fn clock_confirmed(&self) -> Result<(), StoreError> {
        if matches!(self.inner.engine, Engine::Sqlite(_)) {
            return Ok(());
        }
        let (node, offset_us) = (self.ids().node(), self.clock().offset_us());
        let sql = format!(
            "SELECT holder FROM process WHERE node <> $1 AND expires_at > {SERVER_NOW} \
             AND (clock_offset_us IS NULL OR clock_offset_us < $2) ORDER BY node LIMIT 1"
        );
        let deadline = Instant::now() + MAX_CLOCK_WAIT;
        loop {
            let behind: Option<String> =
                self.one(sql.clone(), [node.into(), offset_us.into()]).await?;
            let Some(holder) = behind else { return Ok(()) };
            if Instant::now() >= deadline {
                return Err(StoreError::Away(format!(
                    "business time has moved, but not at {holder} within {} s",
                    MAX_CLOCK_WAIT.as_secs()
                )));
            }
            tokio::time::sleep(CLOCK_PAUSE).await;
        }
    }
}
