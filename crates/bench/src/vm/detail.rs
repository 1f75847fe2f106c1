//! CPU of the server's process for one enveloped `/cardDetail`, compared with the RSA operations
//! that the call itself needs: one private, and one public for each block of its answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::json;
use wire::vm::card::DETAIL_PATH;

use super::app::App;
use super::floor::Floor;
use crate::load;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};

/// Apps that call concurrently; each has its own rate of blocks.
const APPS: usize = 8;
/// Calls in flight per app.
const IN_FLIGHT: usize = 4;
/// Rounds, with the floor measured in each.
const ROUNDS: u32 = 6;
/// Calls of each connection in a round, and before the first: together fewer than an app may make
/// without being slowed down.
const CALLS: u32 = 25;
/// Length of the merchants' keys, in bits.
const MERCHANT_KEY_BITS: u32 = 2048;
/// Wait after the last call: remaining work, such as a checkpoint, counts too.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Measures with apps made for it.
pub async fn measure(platform: &Platform) -> Result<Vec<Measurement>> {
    let mut apps = Vec::with_capacity(APPS);
    for _ in 0..APPS {
        apps.push(App::open(platform, MERCHANT_KEY_BITS).await?);
    }
    let apps = Arc::new(apps);
    let blocks = run(platform, &apps).await?;
    let floor = Arc::new(Floor::new(MERCHANT_KEY_BITS)?);
    let operations = move |floor: &Floor| {
        floor.decrypt()?;
        floor.encrypt(blocks)
    };
    let alone = floor.alone(operations).await?;
    let (mut cpu, mut floors) = (0.0, Vec::new());
    for round in 1..=ROUNDS {
        let before = platform.process.cpu_seconds()?;
        let watch = floor.watch(operations);
        run(platform, &apps).await?;
        floors.push(watch.end()?);
        if round == ROUNDS {
            tokio::time::sleep(AFTERMATH).await;
        }
        cpu += platform.process.cpu_seconds()? - before;
    }
    let call = cpu / f64::from(ROUNDS * CALLS) / (APPS * IN_FLIGHT) as f64;
    let floor = floors.iter().sum::<f64>() / floors.len() as f64;
    Ok(vec![
        Measurement::info("vm_detail_blocks", "blocks of a cardDetail's answer", blocks as f64, ""),
        Measurement::info("vm_detail_rsa_us", "its RSA-2048 operations", floor * 1e6, "us CPU"),
        Measurement::info("vm_detail_idle_rsa_us", "the same while idle", alone * 1e6, "us CPU"),
        Measurement::info("vm_detail_us", "cardDetail in its envelope", call * 1e6, "us CPU"),
        Measurement::info("vm_detail_ratio", "cardDetail / its RSA", call / floor, "")
            .held_to(Bound::AtMost(1.6)),
    ])
}

/// A round of calls by all apps; returns how many blocks an answer has.
async fn run(platform: &Platform, apps: &Arc<Vec<App>>) -> Result<usize> {
    let blocks = load::callers(platform.public, APPS * IN_FLIGHT, |caller, mut connection| {
        let apps = Arc::clone(apps);
        async move {
            let app = &apps[caller % APPS];
            let body = app.sealed(&json!({ "card_id": app.card_id }))?;
            let mut answer = Bytes::new();
            for _ in 0..CALLS {
                answer = connection.expect_ok(app.request(DETAIL_PATH, body.clone())?).await?;
                ensure!(answer.starts_with(br#"{"code":0"#), "a cardDetail was refused");
            }
            ensure!(app.opened(&answer)?["card_id"] == app.card_id, "another card");
            Ok(app.blocks(&answer)? as u64)
        }
    })
    .await?;
    Ok(usize::try_from(blocks)? / (APPS * IN_FLIGHT))
}
