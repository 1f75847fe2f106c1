//! TLS of a script's connections.

use std::path::Path;
use std::sync::Arc;

use crypto::{TlsPart, TlsParts};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use zeroize::Zeroizing;

/// Largest file with certificates or a key.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The keys of `[tls]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsKeys {
    cert_file: Option<String>,
    key_file: Option<String>,
    client_ca_file: Option<String>,
    #[serde(default)]
    peer_names: Vec<String>,
}

/// TLS of the side that a script plays.
pub enum Tls {
    /// It connects to a server of this name.
    Client(Arc<ClientConfig>, ServerName<'static>),
    /// It listens.
    Server(Arc<ServerConfig>),
}

/// A connection that is read and written.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Tls {
    /// Of a script that connects to `target`.
    ///
    /// # Errors
    /// The key at fault and what is wrong with it.
    pub fn client(keys: TlsKeys, target: &str) -> Result<Self, String> {
        let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| "target: should be a host and port")?;
        let config = keys.parts()?.client().map_err(|error| format!("tls.{error}"))?;
        Ok(Self::Client(config, name))
    }

    /// Of a script that listens.
    ///
    /// # Errors
    /// The key at fault and what is wrong with it.
    pub fn server(keys: TlsKeys) -> Result<Self, String> {
        let config = keys.parts()?.server().map_err(|error| format!("tls.{error}"))?;
        Ok(Self::Server(config))
    }

    /// Agrees on TLS with the peer.
    ///
    /// # Errors
    /// Why it was not agreed on.
    pub async fn agree(&self, stream: TcpStream) -> Result<Box<dyn Stream>, String> {
        let failed = |error: std::io::Error| format!("no TLS: {error}");
        Ok(match self {
            Self::Client(config, name) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(name.clone(), stream).await.map_err(failed)?)
            }
            Self::Server(config) => {
                let acceptor = TlsAcceptor::from(Arc::clone(config));
                Box::new(acceptor.accept(stream).await.map_err(failed)?)
            }
        })
    }
}

impl TlsKeys {
    fn parts(self) -> Result<TlsParts, String> {
        let file = |part, file: Option<String>| file.map(|file| read(part, &file)).transpose();
        Ok(TlsParts {
            certificate: file(TlsPart::Certificate, self.cert_file)?,
            key: file(TlsPart::Key, self.key_file)?.map(Zeroizing::new),
            authorities: file(TlsPart::Authorities, self.client_ca_file)?,
            names: self.peer_names,
        })
    }
}

fn read(part: TlsPart, file: &str) -> Result<Vec<u8>, String> {
    let path = Path::new(file);
    let bytes = std::fs::metadata(path).and_then(|metadata| match metadata.len() {
        0..=MAX_FILE_BYTES => std::fs::read(path),
        _ => Err(std::io::Error::other("larger than 256 KiB")),
    });
    bytes.map_err(|error| format!("tls.{}: {file}: {error}", part.key()))
}
