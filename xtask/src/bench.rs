//! `cargo xtask bench`: the measurements, in release builds and beside a PostgreSQL.

use crate::stage::{stage, succeed};
use crate::{Failure, cargo, postgres};

/// Builds the server, then runs the measurements; `flags` are theirs.
pub fn run(flags: &[&str]) -> Result<(), Failure> {
    stage("build", || {
        succeed(cargo().args(["build", "--release", "--locked", "-p", "cardbridge", "-p", "bench"]))
    })?;
    let server = stage("postgres start", postgres::start)?;
    let measured = succeed(
        cargo()
            .args(["run", "--release", "--locked", "--quiet", "-p", "bench", "--"])
            .args(flags)
            .env(postgres::URL_VARIABLE, server.url()),
    );
    let stopped = stage("postgres stop", || server.stop());
    measured.and(stopped)
}
