//! `cargo xtask test`: everything that must hold before a change is kept.

use std::time::Instant;

use crate::stage::{stage, succeed};
use crate::{Failure, browser, cargo, postgres, s3, tidy};

/// Runs every stage in order and stops at the first that fails.
pub fn run() -> Result<(), Failure> {
    let started = Instant::now();
    let outcome = stages();
    let seconds = started.elapsed().as_secs();
    match outcome {
        Ok(()) => {
            eprintln!("test: ok in {seconds}s");
            Ok(())
        }
        Err(failure) => Err(format!("test: failed after {seconds}s: {failure}")),
    }
}

fn stages() -> Result<(), Failure> {
    stage("format", || succeed(cargo().args(["fmt", "--all", "--check"])))?;
    stage("clippy", || {
        succeed(
            cargo()
                .args(["clippy", "--workspace", "--all-targets", "--locked"])
                .args(["--", "-D", "warnings"]),
        )
    })?;
    stage("tidy", tidy::run)?;
    let chromium = stage("chromium", browser::chromium)?;
    let s3_server = stage("s3 server", s3::server)?;
    let server = stage("postgres start", postgres::start)?;
    let tested = stage("tests", || {
        succeed(
            cargo()
                // What one crate fails at must not hide what the others do.
                .args(["test", "--workspace", "--locked", "--no-fail-fast"])
                .env(postgres::URL_VARIABLE, server.url())
                .env(browser::PATH_VARIABLE, &chromium)
                .env(s3::PATH_VARIABLE, &s3_server),
        )
    });
    let stopped = stage("postgres stop", || server.stop());
    tested.and(stopped)
}
