//! The lease of a node number by a process, in the server's time: no two processes draw ids, or
//! decide authorisations at their start, under one number.
//!
//! The embedded store needs no lease: its file is locked by its process.

mod exchange;
mod number;
mod reports;
mod server_time;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::IdGenerator;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::engine::{Tx, Value};
use crate::store::{Engine, Postgres};
use crate::{Store, StoreError};

pub(crate) use exchange::Exchange;
pub use exchange::{OtherReport, Reports};
pub(crate) use number::Number;
use reports::renew;
pub(crate) use server_time::{SERVER_NOW, micros};

/// The time for which a number stays its holder's without being renewed, in the server's time.
const LEASE: Duration = Duration::from_secs(15);
/// The interval between renewals.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(3);
/// The longest time for one try to renew: longer than a server that hangs is waited for, and short
/// enough for another try while the lease is trusted.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The time for which a number whose lease ended stays unused: its holder may have been paused.
const QUARANTINE: Duration = Duration::from_secs(600);
/// The most tries to be faster than other processes.
const MAX_TRIES: u32 = 20;

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
    /// All have holders, or had one until a few minutes ago.
    #[error("all numbers are held, or were until 10 minutes ago")]
    NoneFree,
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
        let (node, taker) = (self.ids().node(), Arc::new(holder.clone()));
        let began = self.clock().elapsed();
        let epoch = engine
            .write_apart(move |tx| {
                let taker = Arc::clone(&taker);
                Box::pin(async move { take(tx, node, &taker).await })
            })
            .await?;
        self.keep_number(epoch, began).await
    }

    /// Takes any free node number, before an id is drawn, and keeps it as [`Store::take_number`]
    /// does: the one that this identity had before; one that was given back; one that was never
    /// used; the one whose lease ended longest ago, at least 10 minutes. Does nothing on the
    /// embedded store.
    ///
    /// # Errors
    /// No number is free, or the server fails.
    pub async fn take_any_number(&self, holder: &Holder) -> Result<(), TakeNumberError> {
        let Engine::Postgres(engine) = &self.inner.engine else { return Ok(()) };
        for _ in 0..MAX_TRIES {
            let taker = Arc::new(holder.clone());
            let began = self.clock().elapsed();
            let taken = engine.write_apart(move |tx| {
                let taker = Arc::clone(&taker);
                Box::pin(async move { take_any(tx, &taker).await })
            });
            match taken.await {
                Ok((node, epoch)) => {
                    self.ids().renumber(node);
                    return self.keep_number(epoch, began).await;
                }
                // Another process was faster.
                Err(TakeNumberError::Held { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TakeNumberError::NoneFree)
    }

    async fn keep_number(&self, epoch: i64, began: Duration) -> Result<(), TakeNumberError> {
        let number = &self.inner.number;
        number.renewed(began);
        let task = tokio::spawn(keep(self.clone(), epoch)).abort_handle();
        *number.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, task));
        Ok(self.continue_ids().await?)
    }

    /// The difference between the server's clock and this machine's, in milliseconds, when the node
    /// number was renewed last; above zero if the server's is ahead.
    #[must_use]
    pub fn clock_skew_ms(&self) -> i64 {
        self.inner.number.skew_ms()
    }

    /// The name of another living process, if there is one; never on the embedded store.
    pub async fn other_process(&self) -> Result<Option<String>, StoreError> {
        if self.is_embedded() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT holder FROM process WHERE node <> $1 AND expires_at > {SERVER_NOW} \
             ORDER BY node LIMIT 1"
        );
        self.one(sql, [self.ids().node().into()]).await
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
         epoch = process.epoch + 1, expires_at = {SERVER_NOW} + $4, \
         limits = NULL, limits_at = NULL, clock_offset_us = NULL \
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

async fn take_any(tx: &Tx, holder: &Holder) -> Result<(i64, i64), TakeNumberError> {
    let own = "SELECT MIN(node) FROM process WHERE identity = $1";
    let given_back = "SELECT MIN(node) FROM process WHERE expires_at = 0";
    let most = IdGenerator::MAX_NODE;
    let unused = format!(
        "SELECT MIN(n) FROM generate_series(0::bigint, {most}) n \
         WHERE NOT EXISTS (SELECT 1 FROM process WHERE node = n)"
    );
    let long_free = format!(
        "SELECT node FROM process WHERE expires_at <= {SERVER_NOW} - $1 \
         ORDER BY expires_at, node LIMIT 1"
    );
    let choices: [(&str, &[Value]); 4] = [
        (own, &[(&holder.identity).into()]),
        (given_back, &[]),
        (&unused, &[]),
        (&long_free, &[micros(QUARANTINE).into()]),
    ];
    for (sql, params) in choices {
        let found: Option<Option<i64>> = tx.one(sql, params).await?;
        if let Some(node) = found.flatten() {
            return Ok((node, take(tx, node, holder).await?));
        }
    }
    Err(TakeNumberError::NoneFree)
}

fn lease_us() -> i64 {
    micros(LEASE)
}

/// Renews the number until the store is closed or the number is another's.
async fn keep(store: Store, epoch: i64) {
    let Engine::Postgres(engine) = &store.inner.engine else { return };
    let (node, number) = (store.ids().node(), &store.inner.number);
    let exchange = &store.inner.exchange;
    let mut following: Option<AbortHandle> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(RENEWAL_INTERVAL) => {}
            () = exchange.renew_now.notified() => {}
        }
        let (began, asked_at) = (store.clock().elapsed(), store.clock().real_now());
        let (asked, telling) = (Instant::now(), Arc::new(exchange.telling(store.clock())));
        let renewal = engine.write_apart(move |tx| {
            let telling = Arc::clone(&telling);
            Box::pin(async move { renew(tx, (node, epoch), LEASE, &telling).await })
        });
        match tokio::time::timeout(RENEWAL_TIMEOUT, renewal).await {
            Ok(Ok(Some(told))) => {
                number.renewed(began);
                number.compared(asked_at, told.server_us, store.clock().real_now());
                exchange.take(&told, asked, store.clock().elapsed());
                if following.as_ref().is_none_or(AbortHandle::is_finished) {
                    following = follow(&store, told.clock_offset_us);
                }
            }
            Ok(Ok(None)) => {
                tracing::error!(node, "another process has taken this node number");
                number.lost.send_replace(true);
                return;
            }
            Ok(Err(error)) => tracing::warn!(node, %error, "the node number was not renewed"),
            Err(_) => tracing::warn!(node, "the node number was not renewed in time"),
        }
    }
}

/// Moves business time to an offset that another process stored, then confirms it. Apart from the
/// renewals, since a message under way may hold it up.
fn follow(store: &Store, offset_us: i64) -> Option<AbortHandle> {
    if offset_us <= store.clock().offset_us() {
        return None;
    }
    let store = store.clone();
    let following = tokio::spawn(async move {
        store.follow_clock(offset_us).await;
        store.inner.exchange.renew_now.notify_one();
    });
    Some(following.abort_handle())
}
