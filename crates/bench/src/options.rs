//! The options of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{recon, scale};

/// Measures the platform against its bounds.
#[derive(Parser)]
pub struct Options {
    /// The role of a measurement's second process; started by the first.
    #[command(subcommand)]
    pub role: Option<Role>,
    /// Only these measurements, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Subject>,
    /// The server's binary; `cardbridge` beside this program by default.
    #[arg(long)]
    pub server: Option<PathBuf>,
    /// Directory for databases, on a persistent disk; beside this program by default.
    #[arg(long)]
    pub work_dir: Option<PathBuf>,
    /// Divides the size of the stores of the scale measurement.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub scale: u32,
    /// Authorisations in the large store of the scale measurement, before the division; the bound
    /// of 1.1 is for ten million.
    #[arg(long, default_value_t = scale::FULL.authorisations,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub authorisations: u32,
    /// Rows of the reconciliation file; the bounds are for the default.
    #[arg(long, default_value_t = recon::ROWS)]
    pub recon_rows: u64,
    /// A Python with pyiso8583; without one, only our own codec is measured.
    #[arg(long, env = "CARDBRIDGE_BENCH_PYTHON")]
    pub python: Option<PathBuf>,
    /// A PostgreSQL in which databases may be created; without one, PostgreSQL is not measured.
    #[arg(long, env = "CARDBRIDGE_TEST_POSTGRES_URL", hide_env_values = true)]
    pub postgres_url: Option<String>,
}

#[derive(Subcommand)]
pub enum Role {
    /// Plays the enterprise.
    #[command(hide = true)]
    Enterprise,
    /// Serves one constant answer.
    #[command(hide = true)]
    Bare,
}

/// The measurements.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// CPU of a forwarded authorisation compared with its four RSA operations.
    Cost,
    /// Time that the platform adds to the enterprise's own answer.
    Overhead,
    /// Durable holds per second on one deposit.
    HotDeposit,
    /// Purchases on one account of a PostgreSQL that is five milliseconds away.
    Far,
    /// Signed GET requests per second compared with a bare handler.
    SignedGet,
    /// A purchase beside a backlog of webhooks left by a dead receiver.
    Backlog,
    /// An authorisation in a store of millions compared with one of thousands; needs `cost` for its
    /// bound.
    Scale,
    /// Bytes that an authorisation leaves on PostgreSQL, and those that it writes to its log.
    Growth,
    /// Start to ready, and idle memory.
    Start,
    /// Memory and CPU of 1,000 idle connections of a link.
    Links,
    /// Instructions and CPU of an authorisation by a link compared with one by the sandbox API.
    LinkCost,
    /// Time that the platform adds by a link compared with that by the sandbox API.
    LinkOverhead,
    /// Messages decoded and encoded on one core.
    Codec,
    /// A large reconciliation file compared with a plain dump of its rows.
    Recon,
    /// CPU of a `/cardDetail` of dialect 2 compared with its own RSA operations.
    VmDetail,
    /// A page of 500 transactions of dialect 2 compared with its own RSA encryptions.
    VmPage,
    /// One app's calls of dialect 2 while another app sends a storm of bad envelopes.
    VmStorm,
}
