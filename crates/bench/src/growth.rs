//! What an authorisation leaves on PostgreSQL: the bytes by which its tables and indexes grow, and
//! those that it writes to the log (WAL), for a forwarded purchase with its result webhook and its
//! clearing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use http::Method;
use serde_json::json;
use tokio_postgres::Client;

use crate::cards::{self, Owner};
use crate::enterprise::EnterpriseProcess;
use crate::hot_deposit::postgres::{connect, in_new_database};
use crate::platform::Platform;
use crate::report::{Bound, Measurement};
use crate::{load, purchase};

/// Purchases in flight; each caller has its own card.
const IN_FLIGHT: usize = 16;
/// Number of warm-up purchases: tables and indexes have their first pages then.
const WARM_UP: u64 = 500;
/// Number of measured purchases.
const COUNT: u64 = 5_000;
/// The bounds, bytes.
const MAX_BYTES: f64 = 2_500.0;
const MAX_WAL_BYTES: f64 = 4_500.0;

/// The sizes of a database's tables, and how much was written to the log.
struct Sizes {
    tables: Vec<(String, i64)>,
    wal: i64,
}

/// Measures in a new database of the server.
pub async fn measure(server: &Path, work_dir: &Path, url: &str) -> Result<Vec<Measurement>> {
    let data_dir = tempfile::tempdir_in(work_dir)?;
    in_new_database(url, async |url| measure_in(server, data_dir.path(), &url).await).await
}

async fn measure_in(server: &Path, data_dir: &Path, url: &str) -> Result<Vec<Measurement>> {
    let platform = Arc::new(Platform::start_with(server, data_dir, &["--database-url", url])?);
    let keys = &platform.sandbox.enterprise;
    let enterprise = EnterpriseProcess::start(&keys.platform_public_key, &keys.secret_key)?;
    platform.register(&enterprise).await?;
    let cards = Arc::new(cards::issue(&Owner::of_sandbox(&platform)?, IN_FLIGHT).await?);
    let (client, driver) = connect(url).await?;
    run(&platform, (&enterprise, &cards), WARM_UP).await?;
    let before = sizes(&client).await?;
    run(&platform, (&enterprise, &cards), COUNT).await?;
    let after = sizes(&client).await?;
    drop(client);
    driver.abort();
    let platform = Arc::into_inner(platform).context("every caller has ended")?;
    platform.process.terminate()?;
    let each = |bytes: i64| bytes as f64 / COUNT as f64;
    let mut left = 0;
    for (table, bytes) in &after.tables {
        let earlier = before.tables.iter().find(|(name, _)| name == table);
        let grown = bytes - earlier.map_or(0, |(_, bytes)| *bytes);
        if grown != 0 {
            eprintln!("  {table}: {:.0} B", each(grown));
        }
        left += grown;
    }
    let info = |key, what, bytes| Measurement::info(key, what, each(bytes), "B");
    Ok(vec![
        info("growth_bytes", "PostgreSQL: an authorisation leaves (goal 2,000)", left)
            .held_to(Bound::AtMost(MAX_BYTES)),
        info("growth_wal_bytes", "PostgreSQL: it writes WAL (goal 4,000)", after.wal - before.wal)
            .held_to(Bound::AtMost(MAX_WAL_BYTES)),
    ])
}

async fn sizes(client: &Client) -> Result<Sizes> {
    // Checkpoints at other moments would copy other pages into the log.
    client.batch_execute("CHECKPOINT").await?;
    let sql = "SELECT relname::text, pg_total_relation_size(oid) FROM pg_class \
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname";
    let tables = client.query(sql, &[]).await?;
    let wal = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
    Ok(Sizes {
        tables: tables.iter().map(|row| (row.get(0), row.get(1))).collect(),
        wal: client.query_one(wal, &[]).await?.get(0),
    })
}

/// Makes purchases, waits for their webhooks, and clears each.
async fn run(
    platform: &Arc<Platform>,
    (enterprise, cards): (&EnterpriseProcess, &Arc<Vec<String>>),
    count: u64,
) -> Result<()> {
    let taken = Arc::new(AtomicU64::new(0));
    let done = load::callers(platform.admin, IN_FLIGHT, |caller, mut connection| {
        let (taken, platform, cards) =
            (Arc::clone(&taken), Arc::clone(platform), Arc::clone(cards));
        async move {
            let mut done = 0;
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                let request = purchase::request(&platform, &cards[caller % cards.len()])?;
                let auth_id = purchase::buy(&mut connection, request).await?;
                let path = format!("/sandbox/v1/authorisations/{auth_id}/clear");
                let clearing = platform.admin_request(Method::POST, &path, &json!({}))?;
                connection.expect_ok(clearing).await?;
                done += 1;
            }
            Ok(done)
        }
    })
    .await?;
    enterprise.delivered(done).await.map(drop)
}
