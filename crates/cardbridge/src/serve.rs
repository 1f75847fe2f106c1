//! `cardbridge serve`.

use std::io::Write as _;

use platform::Failure;
use platform::config::Config;
use platform::{Addresses, Platform};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The only line on stdout (operator-and-sandbox.md section 1).
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    public_url: &'a str,
    admin_url: &'a str,
}

/// Runs the platform until SIGTERM or Ctrl-C.
///
/// # Errors
/// One line that says why it did not start.
pub async fn run(config: Config) -> Result<(), Failure> {
    let mut stops = Stops::new()?;
    let platform = Platform::start(config).await?;
    announce(platform.addresses())?;
    tokio::select! {
        () = stops.received() => {}
        // Nothing more may be written under a number that belongs to another process.
        failure = platform.number_lost() => return Err(failure),
    }
    tracing::info!("stopping");
    platform.stop().await;
    Ok(())
}

fn announce(addresses: &Addresses) -> Result<(), Failure> {
    let ready = Ready {
        event: "ready",
        public_url: &addresses.public_url,
        admin_url: &addresses.admin_url,
    };
    let line = serde_json::to_string(&ready).expect("a struct of texts is JSON");
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::run(format_args!("stdout: {error}")))
}

/// The signals that stop the process gracefully.
pub struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    /// Replaces the operating system's default handling of the signals.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn new() -> Result<Self, Failure> {
        let take = |kind| signal(kind).map_err(|error| Failure::run(format_args!("{error}")));
        let (terminate, interrupt) =
            (take(SignalKind::terminate())?, take(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    /// Waits for one of them.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
