//! The repository's own commands: `cargo xtask <command>`.

mod apt;
mod bench;
mod browser;
mod hidden;
mod interpreters;
mod openapi;
mod postgres;
mod s3;
mod stage;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use test::Counts;

const USAGE: &str = "\
usage: cargo xtask <command>
  test [--long]        format, lints, tidy, then all tests on both engines; --long: with
                       the full counts of those that try many cases
  bench [FLAGS...]     what it costs and how long it takes, in builds as they are shipped
  openapi              a validator and a maker of clients read the OpenAPI documents
  tidy                 the rules of this repository that no other tool holds
  postgres -- CMD...   run CMD beside a temporary PostgreSQL, its URL and the paths
                       of a Chromium and an S3 server, if there, in the environment";

/// Why a command did not succeed, in one line.
pub type Failure = String;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run(Counts::Usual),
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

/// The root of the repository.
fn root() -> PathBuf {
    // Cargo sets the variable for the run; the constant serves a binary started by hand.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// A command that runs in the root and does not see what `cargo run` told this
/// program about itself: build scripts that watch those variables would run again.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs this program.
fn cargo() -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}
