//! `cargo xtask bench`: the measurements, of what is shipped and beside a PostgreSQL.

use crate::command::{Failure, cargo};
use crate::postgres;
use crate::stage::{stage, succeed};

/// The profile of what is shipped.
const SHIPPED: [&str; 3] = ["--profile", "dist", "--locked"];

/// Builds the server, then runs the measurements; `flags` are theirs.
pub fn run(flags: &[&str]) -> Result<(), Failure> {
    stage("build", || {
        succeed(cargo().arg("build").args(SHIPPED).args(["-p", "cardbridge", "-p", "bench"]))
    })?;
    let server = stage("postgres start", postgres::start)?;
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
