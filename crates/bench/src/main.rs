//! The measurements behind `cargo xtask bench`: a table and one JSON line.
//!
//! Every phase is bounded in count and time and talks only to the loopback interface. The program
//! exits with 1 if a bound is missed.

#![allow(clippy::print_stdout, reason = "the table and the JSON line are the interface")]
#![allow(clippy::float_arithmetic, reason = "statistics of timings; no money is computed here")]

mod backlog;
mod bare;
mod cards;
mod codec;
mod connection;
mod cost;
mod enterprise;
mod far;
mod growth;
mod hot_deposit;
mod link_cost;
mod link_overhead;
mod link_peer;
mod links;
mod load;
mod options;
mod overhead;
mod platform;
mod process;
mod purchase;
mod recon;
mod report;
mod rsa_cost;
mod scale;
mod signed_get;
mod start;
mod statistics;
mod suite;
mod vm;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use options::{Options, Role};

/// The server's own allocator, since the store's measurements run in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurements; returns whether every bound was met.
fn run(options: Options) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match options.role {
            Some(Role::Enterprise) => enterprise::serve().await.map(|()| true),
            Some(Role::Bare) => bare::serve().await.map(|()| true),
            None => suite::run(&options).await,
        }
    })
}
