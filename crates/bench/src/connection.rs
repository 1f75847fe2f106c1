//! A keep-alive HTTP connection with as little overhead as possible.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longest wait for a whole answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// One connection, one request at a time.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects to a server on this machine.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        ensure!(address.ip().is_loopback(), "{address} is not on the loopback interface");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The request under way reports a failure.
            let _ = connection.await;
        });
        Ok(Self { sender, host: address.to_string() })
    }

    /// Sends a request and reads the whole answer. `Host` is added.
    pub async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        request.headers_mut().insert(header::HOST, self.host.parse()?);
        let exchange = async {
            self.sender.ready().await?;
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?;
            anyhow::Ok((status, body.to_bytes()))
        };
        tokio::time::timeout(TIMEOUT, exchange).await.context("no answer in time")?
    }

    /// As [`Connection::send`]; anything but 200 is an error.
    pub async fn expect_ok(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        let path = request.uri().path().to_owned();
        let (status, body) = self.send(request).await?;
        let excerpt = String::from_utf8_lossy(&body[..body.len().min(300)]);
        ensure!(status == StatusCode::OK, "{path}: {status} {excerpt}");
        Ok(body)
    }
}

/// A GET.
pub fn get(path: &str) -> Result<Request<Full<Bytes>>> {
    Ok(Request::get(path).body(Full::default())?)
}
