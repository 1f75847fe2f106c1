//! The repository's own commands: `cargo xtask <command>`.

mod apt;
mod bench;
mod browser;
mod command;
mod counts;
mod ha;
mod hidden;
mod interpreters;
mod openapi;
mod postgres;
mod python;
mod s3;
mod stage;
mod statements;
mod suites;
mod test;
mod tidy;

use std::process::ExitCode;

use counts::Counts;

const USAGE: &str = "\
usage: cargo xtask <command>
  test [--long]        format, lints, tidy, then all tests on both engines; --long: with
                       the full counts of those that try many cases
  test --ha [--long]   only the tests with several machines: fail-overs, rolling restarts;
                       --long: every test of the endpoints on poolers and stand-ins
  bench [FLAGS...]     what it costs and how long it takes, in builds as they are shipped
  openapi              a validator and a maker of clients read the OpenAPI documents
  tidy                 the rules of this repository that no other tool holds
  postgres -- CMD...   run CMD beside a temporary PostgreSQL, its URL and the paths
                       of a Chromium and an S3 server, if there, in the environment";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run(Counts::Usual),
        ["test", "--ha"] => test::run_ha(Counts::Usual),
        ["test", "--ha", "--long"] => test::run_ha(Counts::Full),
        ["test", "--long"] => test::run(Counts::Full),
        ["bench", flags @ ..] => bench::run(flags),
        ["openapi"] => openapi::check(),
        ["tidy"] => tidy::run(),
        ["postgres", "--", program, rest @ ..] => postgres::beside(program, rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
