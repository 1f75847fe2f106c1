//! All measurements in their order.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::cards::Owner;
use crate::enterprise::EnterpriseProcess;
use crate::options::{Options, Subject};
use crate::platform::Platform;
use crate::report::{Measurement, json_line, table};
use crate::{
    backlog, cards, codec, cost, far, growth, hot_deposit, link_cost, link_overhead, links,
    overhead, process, recon, scale, signed_get, start, vm,
};

/// Runs the selected measurements, prints the results, and returns whether every bound was met.
pub async fn run(options: &Options) -> Result<bool> {
    let beside = std::env::current_exe()?.parent().context("this program's directory")?.to_owned();
    let server = options.server.clone().unwrap_or_else(|| beside.join("cardbridge"));
    let work_dir = options.work_dir.clone().unwrap_or(beside);
    let is_asked = |subject| options.only.is_empty() || options.only.contains(&subject);
    let mut measurements = Vec::new();
    let of_server =
        [Subject::Cost, Subject::Overhead, Subject::SignedGet, Subject::Backlog, Subject::Start]
            .map(is_asked);
    if of_server.contains(&true) {
        measurements.extend(measure_server(&server, &work_dir, of_server).await?);
    }
    if is_asked(Subject::HotDeposit) {
        eprintln!("hot deposit ...");
        let url = options.postgres_url.as_deref();
        measurements.extend(hot_deposit::measure(&work_dir, url).await?);
    }
    if let Some(url) = options.postgres_url.as_deref().filter(|_| is_asked(Subject::Far)) {
        eprintln!("PostgreSQL five milliseconds away ...");
        measurements.extend(far::measure(&server, &work_dir, url).await?);
    }
    if let Some(url) = options.postgres_url.as_deref().filter(|_| is_asked(Subject::Growth)) {
        eprintln!("growth ...");
        measurements.extend(growth::measure(&server, &work_dir, url).await?);
    }
    if is_asked(Subject::Scale) {
        let whole_us = measurements.iter().find(|it| it.key == "authorisation_us");
        let whole_us = whole_us.map(|it| it.value);
        eprintln!("scale: filling two stores takes minutes and some GB of disk ...");
        measurements.extend(
            scale::measure(&work_dir, options.authorisations, options.scale, whole_us).await?,
        );
    }
    if is_asked(Subject::Recon) {
        eprintln!("reconciliation file ...");
        measurements.extend(recon::measure(&work_dir, options.recon_rows).await?);
    }
    if is_asked(Subject::Links) {
        eprintln!("idle connections of a link ...");
        measurements.extend(links::measure(&server, &work_dir).await?);
    }
    if is_asked(Subject::LinkCost) {
        eprintln!("cost of an authorisation by a link ...");
        measurements
            .extend(link_cost::measure(&server, &work_dir, options.python.as_deref()).await?);
    }
    if is_asked(Subject::LinkOverhead) {
        eprintln!("overhead by a link ...");
        measurements.extend(link_overhead::measure(&server, &work_dir).await?);
    }
    if is_asked(Subject::Codec) {
        eprintln!("codec ...");
        measurements.extend(codec::measure(options.python.as_deref())?);
    }
    let of_vm = [Subject::VmDetail, Subject::VmPage, Subject::VmStorm].map(is_asked);
    if of_vm.contains(&true) {
        measurements.extend(vm::measure(&server, &work_dir, of_vm).await?);
    }
    print!("{}", table(&measurements));
    println!("{}", json_line(&process::machine(), &measurements));
    Ok(measurements.iter().all(Measurement::is_ok))
}

async fn measure_server(
    server: &Path,
    work_dir: &Path,
    [cost, overhead, signed_get, backlog, start]: [bool; 5],
) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let data_dir = tempfile::tempdir_in(work_dir)?;
    let mut measurements = Vec::new();
    let platform = Arc::new(Platform::start(server, data_dir.path())?);
    let keys = &platform.sandbox.enterprise;
    let enterprise = EnterpriseProcess::start(&keys.platform_public_key, &keys.secret_key)?;
    platform.register(&enterprise).await?;
    let cards = Arc::new(cards::issue(&Owner::of_sandbox(&platform)?, cost::IN_FLIGHT).await?);
    if cost {
        eprintln!("cost of a forwarded authorisation ...");
        measurements.extend(cost::measure(&platform, &enterprise, &cards).await?);
    }
    if overhead {
        eprintln!("overhead ...");
        measurements.extend(overhead::measure(&platform, &enterprise, &cards).await?);
    }
    if signed_get {
        eprintln!("signed GET ...");
        measurements.extend(signed_get::measure(&platform, &cards[0]).await?);
    }
    if backlog {
        eprintln!("backlog of webhooks ...");
        measurements.extend(backlog::measure(&platform, &cards[0]).await?);
    }
    let platform = Arc::into_inner(platform).context("every caller has ended")?;
    platform.process.terminate()?;
    if start {
        eprintln!("start and idle memory ...");
        measurements.extend(start::measure(server, data_dir.path()).await?);
    }
    Ok(measurements)
}
