//! A page of 500 transactions for a merchant with a key of 4096 bits, compared with the encryption
//! of its blocks.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::json;
use wire::vm::transaction::TRANSACTIONS_PATH;

use super::app::App;
use super::floor::Floor;
use crate::connection::Connection;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};
use crate::statistics::median;
use crate::{load, purchase};

/// Rows of a page, and number of purchases made for it.
const ROWS: usize = 500;
/// Purchases in flight.
const IN_FLIGHT: usize = 10;
/// Length of the merchant's key, in bits.
const MERCHANT_KEY_BITS: u32 = 4096;
/// Number of warm-up pages.
const WARM_UP: u32 = 3;
/// Rounds, with the floor measured in each.
const ROUNDS: u32 = 4;
/// Blocks that the floor encrypts at a time.
const FLOOR_BLOCKS: usize = 4;
/// Pages in a round.
const PAGES: u32 = 20;

/// Measures with an app and purchases made for it.
pub async fn measure(platform: &Platform) -> Result<Vec<Measurement>> {
    let app = App::open(platform, MERCHANT_KEY_BITS).await?;
    fill(platform, &app).await?;
    let mut pages = Pages::of(platform, &app).await?;
    for _ in 0..WARM_UP {
        pages.fetch().await?;
    }
    let floor = Arc::new(Floor::new(MERCHANT_KEY_BITS)?);
    let operations = |floor: &Floor| floor.encrypt(FLOOR_BLOCKS);
    let of_page = pages.blocks as f64 / FLOOR_BLOCKS as f64;
    let alone = floor.alone(operations).await? * of_page;
    let (mut cpu, mut floors, mut wall_ms) = (0.0, Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = platform.process.cpu_seconds()?;
        let watch = floor.watch(operations);
        for _ in 0..PAGES {
            let started = Instant::now();
            pages.fetch().await?;
            wall_ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        floors.push(watch.end()?);
        cpu += platform.process.cpu_seconds()? - before;
    }
    let page = cpu / f64::from(ROUNDS * PAGES);
    let floor = of_page * floors.iter().sum::<f64>() / floors.len() as f64;
    Ok(vec![
        Measurement::info("vm_page_blocks", "blocks of a 500-row page", pages.blocks as f64, ""),
        Measurement::info("vm_page_rsa_ms", "their RSA-4096 encryption", floor * 1e3, "ms CPU"),
        Measurement::info("vm_page_idle_rsa_ms", "the same while idle", alone * 1e3, "ms CPU"),
        Measurement::info("vm_page_ms", "500-row cardTransaction page", page * 1e3, "ms CPU"),
        Measurement::info("vm_page_wall_ms", "the same, to its client: p50", median(wall_ms), "ms"),
        Measurement::info("vm_page_ratio", "500-row page / its RSA", page / floor, "")
            .held_to(Bound::AtMost(1.3)),
    ])
}

/// Makes the purchases that the page shows.
async fn fill(platform: &Platform, app: &App) -> Result<()> {
    let requests = (0..ROWS).map(|_| purchase::request(platform, &app.card_id));
    let requests = requests.collect::<Result<Vec<_>>>()?;
    let shares: Vec<_> = requests.chunks(ROWS / IN_FLIGHT).map(<[_]>::to_vec).collect();
    let made = load::callers(platform.admin, IN_FLIGHT, |caller, mut connection| {
        let share = shares[caller].clone();
        async move {
            let mut made = 0;
            for request in share {
                purchase::buy(&mut connection, request).await?;
                made += 1;
            }
            Ok(made)
        }
    })
    .await?;
    ensure!(made == ROWS as u64, "{made} purchases instead of {ROWS}");
    Ok(())
}

/// The page, fetched repeatedly on one connection.
struct Pages<'a> {
    app: &'a App,
    connection: Connection,
    body: Bytes,
    /// Blocks of its answer.
    blocks: usize,
    answer_bytes: usize,
}

impl<'a> Pages<'a> {
    async fn of(platform: &Platform, app: &'a App) -> Result<Self> {
        let body = app.sealed(&json!({ "page": 1, "page_size": ROWS }))?;
        let mut connection = Connection::open(platform.public).await?;
        let request = app.request(TRANSACTIONS_PATH, body.clone())?;
        let answer = connection.expect_ok(request).await?;
        let rows = app.opened(&answer)?["list"].as_array().map(Vec::len).context("a list")?;
        ensure!(rows == ROWS, "{rows} rows instead of {ROWS}");
        let (blocks, answer_bytes) = (app.blocks(&answer)?, answer.len());
        Ok(Self { app, connection, body, blocks, answer_bytes })
    }

    async fn fetch(&mut self) -> Result<()> {
        let request = self.app.request(TRANSACTIONS_PATH, self.body.clone())?;
        let answer = self.connection.expect_ok(request).await?;
        ensure!(answer.len() == self.answer_bytes, "another page than the first");
        Ok(())
    }
}
