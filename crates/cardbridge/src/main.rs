//! The binary: the platform, its demonstration and the operator's commands.

mod answers;
mod cli;
mod demo;
mod dumps;
mod iso;
mod links;
mod listen;
mod log;
mod memory;
mod migrate;
mod network;
mod operator;
mod serve;
mod vm_apps;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use cli::{Command, Parsed};
use mimalloc::MiMalloc;
use platform::Failure;
use platform::config::{Config, Layers};

/// A forwarded authorisation frees most of its memory on a different thread from the one that
/// allocated it. The system's allocator needs locks for that, which cost a tenth of the
/// authorisation. SQLite and OpenSSL use this allocator as well.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("cardbridge: {failure}");
            failure.exit_code()
        }
    }
}

/// The exit code of a command that succeeds is 0, unless the command has codes of its own.
fn run() -> Result<ExitCode, Failure> {
    // Before anything secret is read.
    dumps::forbid()?;
    memory::use_small_pages();
    let command = match cli::parse(std::env::args_os())? {
        Parsed::Command(command) => *command,
        Parsed::Text(text) => {
            // If the reader has closed the pipe, it has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return Ok(ExitCode::SUCCESS);
        }
    };
    let done = match command {
        Command::Serve(args) => {
            let config = Config::load(&Layers::new(args.into_flags(), variables())?)?;
            log::start(&config.log)?;
            on_runtime(serve::run(config))
        }
        Command::Migrate(args) => {
            let config = Config::load(&Layers::new(args.serve.into_flags(), variables())?)?;
            log::start(&config.log)?;
            on_runtime(migrate::run(config, args.check))
        }
        Command::Demo(args) => {
            log::start(demo::LOG_FILTER)?;
            on_runtime(demo::run(args.keep))
        }
        Command::Listen(args) => on_runtime(listen::run(args)),
        Command::Iso { command } => iso::run(command),
        Command::Network { command } => {
            return on_runtime(network::run(command, variables()));
        }
        Command::Operator(command) => on_runtime(operator::run(command)),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format_args!("threads cannot be started: {error}")))?;
    let done = runtime.block_on(work);
    // What still blocks a thread, such as a long verification, does not delay the end.
    runtime.shutdown_background();
    done
}

/// The environment variables that are valid text.
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
