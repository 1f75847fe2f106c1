//! `cargo xtask bench`: the measurements, on the shipped binary and with a PostgreSQL server.

use crate::command::{Failure, cargo};
use crate::postgres::{self, Disk};
use crate::stage::{stage, succeed};

/// The profile of the shipped binary.
const SHIPPED: [&str; 3] = ["--profile", "dist", "--locked"];

/// Builds the server, then runs the measurements with `flags`.
pub fn run(flags: &[&str]) -> Result<(), Failure> {
    stage("build", || {
        succeed(cargo().arg("build").args(SHIPPED).args(["-p", "cardbridge", "-p", "bench"]))
    })?;
    let server = stage("postgres start", || postgres::start(Disk::Synced))?;
    let measured = succeed(
        cargo()
            .arg("run")
            .args(SHIPPED)
            .args(["--quiet", "-p", "bench", "--"])
            .args(flags)
            .env(postgres::URL_VARIABLE, server.url()),
    );
    let stopped = stage("postgres stop", || server.stop());
    measured.and(stopped)
}
