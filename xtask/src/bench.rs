//! `cargo xtask bench`: the measurements, on the shipped binary and with a PostgreSQL server.

use crate::command::{Failure, cargo};
use crate::postgres::{self, Disk};
use crate::python;
use crate::stage::{stage, succeed};

/// The profile of the shipped binary.
const SHIPPED: [&str; 3] = ["--profile", "dist", "--locked"];

/// Environment variable that tells the bench which Python has what it measures beside.
const PYTHON_VARIABLE: &str = "CARDBRIDGE_BENCH_PYTHON";

/// Builds the server, then runs the measurements with `flags`.
pub fn run(flags: &[&str]) -> Result<(), Failure> {
    stage("build", || {
        succeed(cargo().arg("build").args(SHIPPED).args(["-p", "cardbridge", "-p", "bench"]))
    })?;
    let server = stage("postgres start", || postgres::start(Disk::Synced))?;
    let mut bench = cargo();
    bench
        .arg("run")
        .args(SHIPPED)
        .args(["--quiet", "-p", "bench", "--"])
        .args(flags)
        .env(postgres::URL_VARIABLE, server.url());
    match python::with_iso8583() {
        Ok(python) => {
            bench.env(PYTHON_VARIABLE, python);
        }
        Err(failure) => eprintln!("pyiso8583 is not measured: {failure}"),
    }
    let measured = succeed(&mut bench);
    let stopped = stage("postgres stop", || server.stop());
    measured.and(stopped)
}
