//! The binary: the platform, its demonstration and the operator's commands.

mod cli;
mod config;
mod failure;

use std::process::ExitCode;

use cli::{Command, Parsed};
use config::{Config, Layers};
use failure::Failure;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cardbridge: {failure}");
            failure.exit_code()
        }
    }
}

fn run() -> Result<(), Failure> {
    match cli::parse(std::env::args_os())? {
        Parsed::Text(_) => Ok(()),
        Parsed::Command(Command::Serve(args)) => {
            let layers = Layers::new(args.into_flags(), Default::default())?;
            let _ = Config::load(&layers)?;
            Ok(())
        }
        Parsed::Command(_) => Ok(()),
    }
}
