//! The lease of a node number by a process, in the server's time: no two processes draw ids, or
//! decide authorisations at their start, under one number.
//!
//! The embedded store needs no lease: its file is locked by its process.

mod number;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::engine::Tx;
use crate::store::{Engine, Postgres};
use crate::{Store, StoreError};

pub(crate) use number::Number;

/// The time for which a number stays its holder's without being renewed, in the server's time.
const LEASE: Duration = Duration::from_secs(15);
/// The interval between renewals.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(3);
/// The longest time for one try to renew.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(2);
/// The server's present time in microseconds since 1970.
pub(crate) const SERVER_NOW: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";

/// The process that takes a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name that operators see: host, process and address.
    pub name: String,
    /// A text that only one living process can have. A process that takes a number with the
    /// identity that holds it is the successor of a process that has died, and need not wait.
    pub identity: String,
}

/// An error of [`Store::take_number`].
#[derive(Debug, Clone, Error)]
pub enum TakeNumberError {
    /// Another process has it.
    #[error("held by {holder}, whose lease lasts {left_s} s more unless it is renewed")]
    Held {
        /// Its name.
        holder: String,
        /// The rest of its lease, in whole seconds.
        left_s: i64,
    },
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes the node number of this process and keeps it until the store is closed; then continues
    /// ids from those that the last holder stored. Does nothing on the embedded store.
    ///
    /// # Errors
    /// Another process has it, or the server fails.
    pub async fn take_number(&self, holder: &Holder) -> Result<(), TakeNumberError> {
        let Engine::Postgres(engine) = &self.inner.engine else { return Ok(()) };
        let (node, number) = (self.ids().node(), Arc::clone(&self.inner.number));
        let (began, taker) = (self.clock().elapsed(), Arc::new(holder.clone()));
        let epoch = engine
            .write_apart(move |tx| {
                let taker = Arc::clone(&taker);
                Box::pin(async move { take(tx, node, &taker).await })
            })
            .await?;
        number.renewed(began);
        let task = tokio::spawn(keep(self.clone(), epoch)).abort_handle();
        *number.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, task));
        Ok(self.continue_ids().await?)
    }

    /// Waits until another process has this process's number. Never returns before.
    pub async fn number_lost(&self) {
        let mut lost = self.inner.number.lost.subscribe();
        // The sender lives as long as the store.
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Gives the number back, so the next process need not wait for its lease to end.
    pub(crate) async fn give_number_back(&self, engine: &Postgres) {
        let held = self.inner.number.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((epoch, task)) = held else { return };
        task.abort();
        // A write that is still under way must not commit under the next process's number.
        self.inner.number.is_given_back.store(true, Ordering::SeqCst);
        let node = self.ids().node();
        let given = engine.write_apart(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE process SET expires_at = 0 WHERE node = $1 AND epoch = $2";
                tx.execute(sql, &[node.into(), epoch.into()]).await
            })
        });
        match tokio::time::timeout(RENEWAL_TIMEOUT, given).await {
            Ok(Ok(_)) => {}
            failed => tracing::warn!(?failed, node, "the node number was not given back"),
        }
    }
}

async fn take(tx: &Tx, node: i64, holder: &Holder) -> Result<i64, TakeNumberError> {
    let sql = format!(
        "INSERT INTO process (node, holder, identity, epoch, expires_at) \
         VALUES ($1, $2, $3, 1, {SERVER_NOW} + $4) ON CONFLICT (node) DO UPDATE \
         SET holder = excluded.holder, identity = excluded.identity, \
         epoch = process.epoch + 1, expires_at = {SERVER_NOW} + $4 \
         WHERE process.expires_at <= {SERVER_NOW} OR process.identity = excluded.identity \
         RETURNING epoch"
    );
    let params = [node.into(), (&holder.name).into(), (&holder.identity).into(), lease_us().into()];
    if let Some(epoch) = tx.one(&sql, &params).await? {
        return Ok(epoch);
    }
    let sql = format!("SELECT holder, expires_at - {SERVER_NOW} FROM process WHERE node = $1");
    let found: Option<(String, i64)> = tx.one(&sql, &[node.into()]).await?;
    let (holder, left_us) = found.ok_or(StoreError::Corrupt("process"))?;
    Err(TakeNumberError::Held { holder, left_s: left_us.max(0) / 1_000_000 + 1 })
}

fn lease_us() -> i64 {
    i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX)
}

/// Renews the number until the store is closed or the number is another's.
async fn keep(store: Store, epoch: i64) {
    let Engine::Postgres(engine) = &store.inner.engine else { return };
    let (node, number) = (store.ids().node(), &store.inner.number);
    loop {
        tokio::time::sleep(RENEWAL_INTERVAL).await;
        let began = store.clock().elapsed();
        let renewal = engine.write_apart(move |tx| Box::pin(renew(tx, node, epoch)));
        match tokio::time::timeout(RENEWAL_TIMEOUT, renewal).await {
            Ok(Ok(true)) => number.renewed(began),
            Ok(Ok(false)) => {
                tracing::error!(node, "another process has taken this node number");
                number.lost.send_replace(true);
                return;
            }
            Ok(Err(error)) => tracing::warn!(node, %error, "the node number was not renewed"),
            Err(_) => tracing::warn!(node, "the node number was not renewed in time"),
        }
    }
}

/// Renews the lease; false if another process has the number.
async fn renew(tx: &Tx, node: i64, epoch: i64) -> Result<bool, StoreError> {
    let sql =
        format!("UPDATE process SET expires_at = {SERVER_NOW} + $3 WHERE node = $1 AND epoch = $2");
    tx.execute(&sql, &[node.into(), epoch.into(), lease_us().into()]).await.map(|count| count == 1)
}
