//! `cardbridge network play`: plays a script of ISO 8583 messages. No store.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, Subcommand};
use domain::{Clock, Random as _, SystemRandom};
use platform::Failure;
use sim::network::{Ended, Given, Report, Script, play};
use zeroize::Zeroizing;

/// Exit code if there is no connection (network-iso8583.md section 9.2).
const NO_CONNECTION: u8 = 3;
/// What a seed is drawn below: RRNs have twelve digits.
const SEEDS: u64 = 1_000_000_000_000;

/// `cardbridge network ...`
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Play a script: an acquirer or network against a host, or with listen a host; exit 1 at the
    /// first step that does not hold, 3 without a connection
    Play(PlayArgs),
}

/// Options of `network play`.
#[derive(Debug, Args)]
pub struct PlayArgs {
    /// TOML file with the script
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// Address to connect to [default: the script's target]
    #[arg(long, value_name = "ADDR")]
    target: Option<String>,
    /// A variable, in place of the script's; the environment keeps card data better (env:NAME)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<Variable>,
    /// One JSON object for each step
    #[arg(long)]
    json: bool,
    /// Number that the first {stan} and {rrn} follow [default: drawn at random]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// `NAME=VALUE` as it was given: the value may be card data, which the command line's own refusal
/// would show.
#[derive(Clone)]
struct Variable(Zeroizing<String>);

impl FromStr for Variable {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Variable {
    fn parts(&self) -> Result<(String, Zeroizing<String>), Failure> {
        let parts = self.0.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) =
            parts.ok_or_else(|| Failure::configuration("--var: should be NAME=VALUE"))?;
        Ok((name.to_owned(), Zeroizing::new(value.to_owned())))
    }
}

/// Runs a command.
///
/// # Errors
/// A script that cannot be played, or the first step that does not hold.
pub async fn run(
    command: NetworkCommand,
    environment: BTreeMap<String, String>,
) -> Result<ExitCode, Failure> {
    let NetworkCommand::Play(args) = command;
    let script = read(&args.script)?;
    let given = Given {
        target: args.target,
        vars: args.vars.iter().map(Variable::parts).collect::<Result<_, _>>()?,
        environment: &|name| environment.get(name).cloned().map(Zeroizing::new),
        seed: args.seed.unwrap_or_else(|| SystemRandom.below(SEEDS)),
    };
    let script = Script::read(&script, &given);
    let script = script.map_err(|fault| {
        Failure::configuration(format_args!("{}: {fault}", args.script.display()))
    })?;
    let mut show = |report: &Report| say(report, args.json);
    match play(Arc::new(script), Clock::system(), &mut show).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Ended::Failed(line)) => Err(Failure::run(line)),
        Err(Ended::NoConnection(line)) => {
            eprintln!("cardbridge: {line}");
            Ok(ExitCode::from(NO_CONNECTION))
        }
    }
}

fn read(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(file);
    let refused = |error| Failure::configuration(format_args!("{}: {error}", file.display()));
    text.map(Zeroizing::new).map_err(refused)
}

/// Writes a line to stdout. If the reader has closed it, it has seen enough; the script goes on.
fn say(report: &Report, is_json: bool) {
    let line = match is_json {
        true => serde_json::to_string(report).unwrap_or_default(),
        false => report.to_string(),
    };
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
