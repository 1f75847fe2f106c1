//! Opening the store: prepares schema, master key, mode, clock and leases before anything uses it.

use std::sync::Arc;

use domain::{Clock, IdGenerator, Mode};
use store::{Holder, Location, Store, StoreError, TakeNumberError};
use vault::Vault;

use super::data_dir::DataDir;
use super::durability;
use crate::config::{Config, Database, NodeNumber};
use crate::failure::Failure;

/// Setting with the vault's key check value.
const KEY_CHECK: &str = "key-check-value";
/// Setting with the mode that the data belongs to.
const MODE: &str = "mode";
/// Setting that records that the initial rates were stored.
const FX_SEEDED: &str = "fx-seeded";
/// The most that the highest id may be ahead of the clock in production, in seconds.
const MAX_AHEAD_S: i64 = 3_600;

/// Opens the store and prepares it for use.
///
/// # Errors
/// It cannot be opened, is sealed under another master key, belongs to the other mode, or
/// another process has this one's node number.
pub async fn open(
    config: &Config,
    data_dir: &DataDir,
    clock: Clock,
    vault: &Vault,
    holder: &Holder,
) -> Result<Store, Failure> {
    let location = location(config, data_dir);
    if config.mode == Mode::Production && config.database == Database::Embedded {
        tracing::warn!("production on the embedded store: one process, no replica");
    }
    let ids = Arc::new(IdGenerator::new(clock.clone(), config.node.first()));
    let store = Store::open(location, clock.clone(), ids).await.map_err(not_opened)?;
    if let Some(server) = &config.read_database {
        store.read_aside_from(server).map_err(not_opened)?;
    }
    if config.mode == Mode::Production {
        durability::require(config, &store).await?;
    }
    recognise(config, &store, vault).await?;
    take_number(config, &store, holder).await?;
    check_ids(config, &store)?;
    let unprepared =
        |error: StoreError| Failure::run(format_args!("the store cannot be prepared: {error}"));
    prepare(config, &store, &clock).await.map_err(unprepared)?;
    seal_urls(&store, vault).await.map_err(unprepared)?;
    Ok(store)
}

fn location(config: &Config, data_dir: &DataDir) -> Location {
    match &config.database {
        Database::Embedded => Location::Sqlite(data_dir.store_file()),
        Database::Postgres(server) => Location::Postgres(server.clone()),
    }
}

/// The migrations that the configured store lacks, in order.
///
/// # Errors
/// It cannot be read, or another process has it open.
pub async fn pending_migrations(config: &Config) -> Result<Vec<String>, Failure> {
    let data_dir = DataDir::open(config)?;
    pending(&location(config, &data_dir)).await
}

async fn pending(location: &Location) -> Result<Vec<String>, Failure> {
    store::pending_migrations(location).await.map_err(not_opened)
}

/// Brings the configured store's schema up to date; returns the migrations that it lacked.
///
/// # Errors
/// It cannot be opened, or another process has it open.
pub async fn migrate(config: &Config) -> Result<Vec<String>, Failure> {
    let data_dir = DataDir::open(config)?;
    let location = location(config, &data_dir);
    let lacked = pending(&location).await?;
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), config.node.first()));
    Store::open(location, clock, ids).await.map_err(not_opened)?.close().await;
    Ok(lacked)
}

fn not_opened(error: StoreError) -> Failure {
    match error {
        StoreError::Denied(why) => Failure::configuration(format_args!(
            "database-url: should name a user that may make tables in its database, for instance \
             by GRANT CREATE ON SCHEMA public: {why}"
        )),
        error => Failure::run(format_args!("the store cannot be opened: {error}")),
    }
}

/// Claims the node number among the processes that share the store.
async fn take_number(config: &Config, store: &Store, holder: &Holder) -> Result<(), Failure> {
    // One after the other: many that start at once would all choose the same, and see no other.
    let taken = match store.start_turn().await {
        Ok(_turn) => {
            let taken = match config.node {
                NodeNumber::Auto => store.take_any_number(holder).await,
                NodeNumber::Fixed(_) => store.take_number(holder).await,
            };
            if taken.is_ok() {
                require_shared_documents(config, store).await?;
            }
            taken
        }
        Err(error) => Err(error.into()),
    };
    let node = store.ids().node();
    taken.map_err(|error| match error {
        TakeNumberError::Held { .. } => Failure::try_later(format_args!(
            "node: should be auto, or a number that no other process of this database has; \
             {node} is {error}"
        )),
        TakeNumberError::NoneFree => Failure::try_later(format_args!("node: {error}")),
        TakeNumberError::Store(error) => {
            Failure::run(format_args!("a node number cannot be taken: {error}"))
        }
    })
}

/// Refuses to be one of several processes in production if this one would keep uploaded documents
/// where the others do not find them.
async fn require_shared_documents(config: &Config, store: &Store) -> Result<(), Failure> {
    if config.mode == Mode::Sandbox || config.s3.is_some() {
        return Ok(());
    }
    let other = store.other_process().await.map_err(|error| {
        Failure::run(format_args!("other processes cannot be looked for: {error}"))
    })?;
    let Some(other) = other else { return Ok(()) };
    // Its number goes back at once: the next start must not take this process for another one.
    store.close().await;
    Err(Failure::try_later(format_args!(
        "s3: should be set where several processes share a database, since others do not find \
         documents that were uploaded to this one; {other} is running, or was until a moment ago"
    )))
}

/// Ids continue from the highest one used. If they are far ahead of the clock, one of the two is
/// wrong, and in production an operator must say which.
fn check_ids(config: &Config, store: &Store) -> Result<(), Failure> {
    let ahead_s = store.ids().ahead_ms() / 1_000;
    if ahead_s <= MAX_AHEAD_S {
        return Ok(());
    }
    if config.mode == Mode::Production && !config.accept_clock_ahead {
        return Err(Failure::configuration(format_args!(
            "accept-clock-ahead: should be set if this machine's clock is right: the highest id \
             in the store is {ahead_s} s ahead of it; otherwise set the clock"
        )));
    }
    tracing::warn!(ahead_s, "the highest id in the store is ahead of this machine's clock");
    Ok(())
}

/// Refuses a store of the other mode or of another master key; claims a fresh one.
async fn recognise(config: &Config, store: &Store, vault: &Vault) -> Result<(), Failure> {
    let failed =
        |error: StoreError| Failure::run(format_args!("the store cannot be read: {error}"));
    let mode: &[u8] = match config.mode {
        Mode::Sandbox => b"sandbox",
        Mode::Production => b"production",
    };
    let check = vault.key_check_value();
    let stored_mode = store.claim_setting(MODE, mode).await.map_err(failed)?;
    if stored_mode != mode {
        return Err(Failure::configuration(format_args!(
            "mode: should be {}, since that is what this store was made for",
            String::from_utf8_lossy(&stored_mode)
        )));
    }
    if store.claim_setting(KEY_CHECK, &check).await.map_err(failed)? != check {
        return Err(Failure::run(
            "master-key-file: should hold the key that this store was sealed under; it holds \
             another",
        ));
    }
    Ok(())
}

async fn prepare(config: &Config, store: &Store, clock: &Clock) -> Result<(), StoreError> {
    let offset_us = store.clock_offset_us().await?;
    let business_us = clock.real_now().as_micros().saturating_add(offset_us);
    clock.advance_to(domain::Timestamp::from_micros(business_us));
    store.continue_business_time().await?;
    if store.is_embedded() {
        // Nobody else can hold a lease in a file that this process has locked.
        store.take_over_leases().await?;
    }
    let _turn = store.start_turn().await?;
    if store.setting(FX_SEEDED).await?.is_none() {
        store.replace_fx_rates(config.fx_rates.clone()).await?;
        store.put_setting(FX_SEEDED, b"yes").await?;
    }
    Ok(())
}

/// Seals URLs that an earlier version stored in clear, before anything reads one.
async fn seal_urls(store: &Store, vault: &Vault) -> Result<(), StoreError> {
    let seal = |it: &store::ClearUrl| vault.seal_url(it.enterprise_id, it.of, &it.url);
    let sealed = store.seal_clear_urls(seal).await?;
    if sealed > 0 {
        tracing::info!(sealed, "URLs of enterprises and apps that lay in clear are sealed now");
    }
    Ok(())
}
