//! `cargo xtask test`: everything that must hold before a change is kept.

use std::time::Instant;

use crate::command::{Failure, cargo};
use crate::counts::Counts;
use crate::postgres::Disk;
use crate::stage::{spoken, stage, succeed};
use crate::{browser, ha, interpreters, openapi, postgres, python, s3, statements, tidy};

/// Environment variable that tells tests with many cases, histories or crashes to try all of them:
/// it is 1 with `--long`, and otherwise unset.
const LONG_VARIABLE: &str = "CARDBRIDGE_TEST_LONG";

/// The variable that sets the number of property-test cases, and its value for full counts.
const CASES: (&str, &str) = ("PROPTEST_CASES", "4096");

/// Runs every part in order and stops at the first that fails.
pub fn run(counts: Counts) -> Result<(), Failure> {
    timed(|| parts(counts))
}

/// Runs the tests with several machines, which need programs that not every machine offers.
pub fn run_ha(counts: Counts) -> Result<(), Failure> {
    timed(|| ha::run(counts))
}

fn timed(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let started = Instant::now();
    let outcome = run();
    let taken = spoken(started.elapsed());
    match outcome {
        Ok(()) => {
            eprintln!("test: ok in {taken}");
            Ok(())
        }
        Err(failure) => Err(format!("test: failed after {taken}: {failure}")),
    }
}

fn parts(counts: Counts) -> Result<(), Failure> {
    stage("format", || succeed(cargo().args(["fmt", "--all", "--check"])))?;
    stage("clippy", || {
        succeed(
            cargo()
                .args(["clippy", "--workspace", "--all-targets", "--locked"])
                .args(["--", "-D", "warnings"]),
        )
    })?;
    stage("tidy", tidy::run)?;
    stage("interpreters", interpreters::all)?;
    stage("openapi documents", openapi::check)?;
    let chromium = stage("chromium", browser::chromium)?;
    let s3_server = stage("s3 server", s3::server)?;
    let iso8583 = stage("iso 8583 client", python::with_iso8583)?;
    // Apart from the tests, compiling them is the longest part of a first run.
    stage("build of the tests", || {
        succeed(cargo().args(["test", "--workspace", "--locked", "--no-run"]))
    })?;
    let server = stage("postgres start", || postgres::start(Disk::Unsynced))?;
    let is_recorded = stage("statements: recording", || statements::record(&server))?;
    let tested = stage("tests", || {
        let mut tests = cargo();
        tests
            // A failure in one crate must not hide failures in the others.
            .args(["test", "--workspace", "--locked", "--no-fail-fast"])
            .env(postgres::URL_VARIABLE, server.url())
            .env(postgres::DIRECTORY_VARIABLE, server.binaries())
            .env(browser::PATH_VARIABLE, &chromium)
            .env(s3::PATH_VARIABLE, &s3_server)
            .env(python::ISO8583_VARIABLE, &iso8583);
        if is_recorded {
            tests.env(statements::USER_VARIABLE, statements::USER);
        }
        if !is_recorded {
            // They count what the server recorded.
            tests.args(["--", "--skip", "plans::"]);
        }
        match counts {
            Counts::Usual => tests.env_remove(LONG_VARIABLE),
            Counts::Full => tests.env(LONG_VARIABLE, "1").env(CASES.0, CASES.1),
        };
        succeed(&mut tests)
    });
    let checked = if is_recorded && tested.is_ok() {
        stage("statements", || statements::check(&server))
    } else {
        Ok(())
    };
    let stopped = stage("postgres stop", || server.stop());
    tested.and(checked).and(stopped)
}
