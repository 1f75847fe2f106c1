//! The log on stderr.

use platform::Failure;
use tracing_subscriber::EnvFilter;

/// Sends the log to stderr through `filter`, in colour only on a terminal and without
/// `NO_COLOR`.
///
/// # Errors
/// The filter is invalid.
pub fn start(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::configuration(format_args!(
            "log: should be a filter such as info or authorise=debug,info: {error}"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_coloured(&std::io::stderr()))
        // Otherwise it would print to stderr that stderr fails, and a failing print panics.
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| Failure::run(format_args!("log: {error}")))
}

/// True if colour belongs on this stream (https://no-color.org).
pub fn is_coloured(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
}
