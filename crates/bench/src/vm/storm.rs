//! The effect of a storm of bad envelopes on one app on the calls of another: the p99 of
//! `/cardDetail` at a steady rate, quiet and during the storm, alternating within one run.
//!
//! Half of the storm's callers send bodies of the largest size, all blocks of which are decrypted
//! before any is judged; the others send bodies of one block. Each changes its peer address before
//! it would be cut off.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;
use wire::vm::card::DETAIL_PATH;
use wire::vm::{envelope, framing};

use super::app::App;
use crate::connection::Connection;
use crate::load::ticks;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};
use crate::statistics::{percentile, sorted};

/// Calls per second of the measured app, and number of calls in each turn.
const RATE: u32 = 100;
const CALLS: u32 = 4 * RATE;
/// Number of warm-up calls.
const WARM_UP: u32 = RATE;
/// Turns, each measured quiet and in the storm.
const TURNS: u32 = 3;
/// Callers of the storm: more than may wait for their turn.
const STORM_CALLERS: u64 = 80;
/// Most requests of the storm in a turn.
const MAX_STORM: u64 = 50_000;
/// Bad envelopes of one peer: as many as are accepted without a cut-off (operator-and-sandbox.md
/// section 5, Limits).
const PER_PEER: u64 = 100;
/// Length of a merchant's key, in bits, and of a block for the platform's key, in bytes.
const MERCHANT_KEY_BITS: u32 = 2048;
const BLOCK_BYTES: usize = 256;
/// Below every modulus, and not valid ciphertext.
const BAD_BYTE: u8 = 0x55;

/// Measures with two apps made for it.
pub async fn measure(platform: &Platform) -> Result<Vec<Measurement>> {
    let quiet_app = Arc::new(App::open(platform, MERCHANT_KEY_BITS).await?);
    let storm_app = Arc::new(App::open(platform, MERCHANT_KEY_BITS).await?);
    calls(platform.public, &quiet_app, WARM_UP).await?;
    let (mut quiet_ms, mut storm_ms) = (Vec::new(), Vec::new());
    let sent = Arc::new(AtomicU64::new(0));
    for _ in 0..TURNS {
        quiet_ms.extend(calls(platform.public, &quiet_app, CALLS).await?);
        let storm = Storm::begin(platform.public, &storm_app, &sent)?;
        storm_ms.extend(calls(platform.public, &quiet_app, CALLS).await?);
        storm.end()?;
    }
    let sent = sent.load(Ordering::Relaxed) as f64;
    let seconds = f64::from(TURNS * CALLS / RATE);
    let (quiet_ms, storm_ms) = (sorted(quiet_ms), sorted(storm_ms));
    let (quiet, storm) = (percentile(&quiet_ms, 990), percentile(&storm_ms, 990));
    let info = Measurement::info;
    Ok(vec![
        info("vm_storm_per_second", "bad envelopes of the storm", sent / seconds, "/s"),
        info("vm_quiet_p99_ms", "another app's cardDetail, 100/s: p99 quiet", quiet, "ms"),
        info("vm_storm_p99_ms", "another app's cardDetail, 100/s: p99 in the storm", storm, "ms"),
        info("vm_storm_ratio", "p99 in the storm / p99 quiet", storm / quiet, "")
            .held_to(Bound::AtMost(3.0)),
    ])
}

/// Makes calls that must succeed; returns the milliseconds that each took since it was due.
async fn calls(address: SocketAddr, app: &Arc<App>, count: u32) -> Result<Vec<f64>> {
    let body = app.sealed(&json!({ "card_id": app.card_id }))?;
    let mut due = ticks(count, RATE);
    // A call uses any idle connection, and opens one if there is none.
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let mut running = Vec::with_capacity(count as usize);
    while let Some((_, moment)) = due.recv().await {
        let (app, body, idle) = (Arc::clone(app), body.clone(), Arc::clone(&idle));
        running.push(tokio::spawn(async move {
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match free {
                Some(connection) => connection,
                None => Connection::open(address).await?,
            };
            let answer = connection.expect_ok(app.request(DETAIL_PATH, body)?).await?;
            let latency_ms = moment.elapsed().as_secs_f64() * 1e3;
            ensure!(answer.starts_with(br#"{"code":0"#), "a cardDetail was refused");
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            anyhow::Ok(latency_ms)
        }));
    }
    let mut latencies = Vec::with_capacity(running.len());
    for call in running {
        latencies.push(call.await??);
    }
    Ok(latencies)
}

/// A storm under way, on its own thread so it does not hold up the measuring code.
struct Storm {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Storm {
    fn begin(address: SocketAddr, app: &Arc<App>, sent: &Arc<AtomicU64>) -> Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (app, sent, over) = (Arc::clone(app), Arc::clone(sent), Arc::clone(&is_over));
        let limit = sent.load(Ordering::Relaxed) + MAX_STORM;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let storm_callers = (0..STORM_CALLERS).map(|number| {
                    let body = bad_body(if number % 2 == 0 { largest_blocks() } else { 1 });
                    let (app, sent, over) = (Arc::clone(&app), Arc::clone(&sent), over.clone());
                    tokio::spawn(async move {
                        let mut connection = Connection::open(address).await?;
                        while !over.load(Ordering::Relaxed) {
                            let number = sent.fetch_add(1, Ordering::Relaxed);
                            if number >= limit {
                                break;
                            }
                            send(&mut connection, &app, &body, number / PER_PEER).await?;
                        }
                        anyhow::Ok(())
                    })
                });
                for stormer in storm_callers.collect::<Vec<_>>() {
                    stormer.await??;
                }
                Ok(())
            })
        });
        Ok(Self { is_over, thread })
    }

    fn end(self) -> Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the storm panicked")?
    }
}

/// Sends a bad envelope on behalf of a peer; it must be refused.
async fn send(connection: &mut Connection, app: &App, body: &Bytes, peer: u64) -> Result<()> {
    let mut request = app.request(DETAIL_PATH, body.clone())?;
    let peer = format!("10.{}.{}.{}", peer >> 16 & 255, peer >> 8 & 255, peer & 255);
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_str(&peer)?);
    let answer = connection.expect_ok(request).await?;
    ensure!(answer.starts_with(br#"{"code":400"#), "a bad envelope was not refused");
    Ok(())
}

fn bad_body(blocks: usize) -> Bytes {
    envelope::request(&vec![BAD_BYTE; blocks * BLOCK_BYTES]).into()
}

/// The number of blocks in the largest body.
fn largest_blocks() -> usize {
    // The text of three blocks is a whole number of base64's groups.
    let three = framing::to_text(&[BAD_BYTE; 3 * BLOCK_BYTES]).len();
    let frame = envelope::request(&[]).len();
    (envelope::MAX_BODY_BYTES - frame) / three * 3
}
