//! The measurements behind `cargo xtask bench`: a table and one JSON line.
//!
//! Every phase is bounded in count and time and talks only to the loopback interface.
//! A bound that is missed makes the program end with 1.

#![allow(clippy::print_stdout, reason = "the table and the JSON line are the interface")]
#![allow(clippy::float_arithmetic, reason = "statistics of timings; no money is computed here")]

mod backlog;
mod bare;
mod cards;
mod connection;
mod cost;
mod enterprise;
mod hot_deposit;
mod load;
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

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;

/// The server's own, since the store's measurements run in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures the platform against the bounds that it is held to.
#[derive(Parser)]
struct Options {
    /// The second process of a measurement; started by the first.
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these measurements, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Subject>,
    /// The server's binary; `cardbridge` beside this program by default.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where databases are made, on a disk that keeps them; beside this program by default.
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// The stores of the scale measurement are so many times smaller than they should be.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    scale: u32,
    /// Rows of the reconciliation file; the bounds are for the default.
    #[arg(long, default_value_t = recon::ROWS)]
    recon_rows: u64,
    /// A PostgreSQL in which databases may be created; without one it is not measured.
    #[arg(long, env = "CARDBRIDGE_TEST_POSTGRES_URL", hide_env_values = true)]
    postgres_url: Option<String>,
}

#[derive(Subcommand)]
enum Role {
    /// Plays the enterprise.
    #[command(hide = true)]
    Enterprise,
    /// Serves one constant answer.
    #[command(hide = true)]
    Bare,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// CPU of a forwarded authorisation beside its four RSA operations.
    Cost,
    /// Time that the platform adds to the enterprise's own answer.
    Overhead,
    /// Durable holds per second on one deposit.
    HotDeposit,
    /// Signed GET requests per second beside a bare handler.
    SignedGet,
    /// A purchase beside many webhooks that a dead receiver leaves.
    Backlog,
    /// An authorisation in a store of millions beside one of thousands; judged beside `cost`.
    Scale,
    /// Start to ready, and idle memory.
    Start,
    /// A large reconciliation file beside a plain dump of its rows.
    Recon,
    /// CPU of a `/cardDetail` of dialect 2 beside its own RSA operations.
    VmDetail,
    /// A page of 500 transactions of dialect 2 beside its own RSA encryptions.
    VmPage,
    /// One app's calls of dialect 2 while another app sends a storm of bad envelopes.
    VmStorm,
}

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

/// Whether every bound is held.
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
