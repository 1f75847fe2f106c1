//! The sockets of a link: their options, and TLS (network-iso8583.md sections 1.2 and 7.1).

use std::sync::Arc;
use std::time::Duration;

use crypto::certificate_name;
use rustix::net::sockopt;
use rustls::CommonState;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::settings::LinkTls;

/// The half of a connection that is read.
pub(crate) type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
/// The half of a connection that is written.
pub(crate) type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection that is ready for frames.
pub(crate) struct Opened {
    /// What is read.
    pub(crate) reader: ReadHalf,
    /// What is written.
    pub(crate) writer: WriteHalf,
    /// The name in the peer's certificate.
    pub(crate) tls_peer: Option<String>,
}

/// TLS is agreed on within this time.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

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
fn set_options(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps small writes back");
    }
    if let Err(error) = set_others(stream) {
        tracing::debug!(%error, "a socket lacks an option");
    }
}

/// Makes a connection ready for frames; `host` is the name that the platform connected to.
///
/// # Errors
/// TLS was not agreed on, for the peer's certificate or another reason.
pub(crate) async fn open(
    stream: TcpStream,
    tls: Option<&LinkTls>,
    host: Option<&str>,
) -> std::io::Result<Opened> {
    set_options(&stream);
    let Some(tls) = tls else {
        let (reader, writer) = stream.into_split();
        return Ok(Opened { reader: Box::new(reader), writer: Box::new(writer), tls_peer: None });
    };
    match tls {
        LinkTls::Server { config, .. } => {
            let accepting = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            let stream = timeout(TLS_TIMEOUT, accepting).await??;
            let tls_peer = tls_peer(stream.get_ref().1);
            Ok(halves(stream, tls_peer))
        }
        LinkTls::Client(config) => {
            let name = ServerName::try_from(host.unwrap_or_default().to_owned());
            let name = name.map_err(std::io::Error::other)?;
            let connecting = TlsConnector::from(Arc::clone(config)).connect(name, stream);
            let stream = timeout(TLS_TIMEOUT, connecting).await??;
            let tls_peer = tls_peer(stream.get_ref().1);
            Ok(halves(stream, tls_peer))
        }
    }
}

fn halves(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    tls_peer: Option<String>,
) -> Opened {
    let (reader, writer) = split(stream);
    Opened { reader: Box::new(reader), writer: Box::new(writer), tls_peer }
}

fn tls_peer(connection: &CommonState) -> Option<String> {
    certificate_name(connection.peer_certificates()?.first()?)
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
