//! The options of a link's sockets (network-iso8583.md section 1.2).

use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// The send buffer is small, so that a peer that does not read is noticed.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// TCP asks an idle peer after this time,
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(30);
/// again and again,
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// so often.
const KEEP_ALIVE_PROBES: u32 = 3;
/// What was sent is acknowledged within this time.
#[cfg(target_os = "linux")]
const USER_TIMEOUT_MS: u32 = 30_000;

/// Sets the options. A connection works without them, so a failure is only logged.
pub(crate) fn set_options(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps small writes back");
    }
    if let Err(error) = set_others(stream) {
        tracing::debug!(%error, "a socket lacks an option");
    }
}

fn set_others(stream: &TcpStream) -> rustix::io::Result<()> {
    sockopt::set_socket_send_buffer_size(stream, SEND_BUFFER_BYTES)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEP_ALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEP_ALIVE_PROBES)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(stream, USER_TIMEOUT_MS)?;
    Ok(())
}
