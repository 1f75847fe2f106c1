//! Purchases on one account of a PostgreSQL that is five milliseconds away, from one process and
//! from three: what round trips cost.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::counting_line::CountingLine;

use crate::connection::Connection;
use crate::hot_deposit::postgres::{connect, with_database};
use crate::platform::Platform;
use crate::purchase;
use crate::report::{Bound, Measurement};
use crate::vm::App;

/// Each way.
const ONE_WAY: Duration = Duration::from_micros(2_500);
/// Callers over all processes.
const CALLERS: usize = 96;
/// Purchases begin to count once every connection has planned its statements.
const WARM_UP: Duration = Duration::from_secs(4);
const COUNTED: Duration = Duration::from_secs(10);

/// Measures in a new database of the server at `url`.
pub async fn measure(server: &Path, work_dir: &Path, url: &str) -> Result<Vec<Measurement>> {
    let (admin, driver) = connect(url).await?;
    let name = format!("cardbridge_far_{}", std::process::id());
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let measured = measure_in(server, work_dir, &with_database(url, &name)?).await;
    let dropped = admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    driver.abort();
    let [one, three] = measured?;
    dropped?;
    let row = |key, what, value| Measurement::info(key, what, value, "/s");
    Ok(vec![
        row("far_one_process", "purchases on one account, PostgreSQL 5 ms away, 96 callers", one)
            .held_to(Bound::AtLeast(300.0)),
        row("far_three_processes", "the same by three processes", three)
            .held_to(Bound::AtLeast(250.0)),
    ])
}

async fn measure_in(server: &Path, work_dir: &Path, url: &str) -> Result<[f64; 2]> {
    let place = url.split_once('@').and_then(|(_, rest)| rest.split_once('/'));
    let place = place.context("host and port in the URL")?.0;
    let line = CountingLine::before(place.to_owned(), ONE_WAY).await;
    let url = url.replace(place, &line.address.to_string());
    let data_dir = tempfile::tempdir_in(work_dir)?;
    let first = Arc::new(Platform::start_with(
        server,
        data_dir.path(),
        &["--database-url", &url, "--log", "warn"],
    )?);
    // A card that the platform decides for, so that nobody is asked.
    let app = App::open_with(&first, 2_048, "share").await?;
    let one = per_second(&[Arc::clone(&first)], &app.card_id).await?;
    let key = text(&data_dir.path().join("master.key"))?;
    let token = text(&data_dir.path().join("admin.token"))?;
    let (mut all, mut directories) = (vec![first], Vec::new());
    for _ in 0..2 {
        let own = tempfile::tempdir_in(work_dir)?;
        let options = ["--database-url", &url, "--log", "warn"];
        let keys = ["--master-key-file", &key, "--admin-token-file", &token];
        all.push(Arc::new(Platform::start_with(
            server,
            own.path(),
            &[options.as_slice(), &keys].concat(),
        )?));
        directories.push(own);
    }
    let three = per_second(&all, &app.card_id).await?;
    Ok([one, three])
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is text")?.to_owned())
}

/// Purchases a second, by callers that are spread over the processes.
async fn per_second(processes: &[Arc<Platform>], card_id: &str) -> Result<f64> {
    let began = Instant::now();
    let mut callers = Vec::with_capacity(CALLERS);
    for number in 0..CALLERS {
        let platform = Arc::clone(&processes[number % processes.len()]);
        let card_id = card_id.to_owned();
        callers.push(tokio::spawn(async move {
            let mut connection = Connection::open(platform.admin).await?;
            let mut bought = 0_u64;
            while began.elapsed() < WARM_UP + COUNTED {
                // Small, because a card has a limit for all of its purchases.
                let request = purchase::request_of(&platform, &card_id, "0.10")?;
                let is_counted = began.elapsed() >= WARM_UP;
                purchase::buy(&mut connection, request).await?;
                bought += u64::from(is_counted);
            }
            anyhow::Ok(bought)
        }));
    }
    let mut bought = 0;
    for caller in callers {
        bought += caller.await??;
    }
    let seconds = began.elapsed().saturating_sub(WARM_UP).as_secs_f64();
    Ok(f64::from(u32::try_from(bought)?) / seconds)
}
