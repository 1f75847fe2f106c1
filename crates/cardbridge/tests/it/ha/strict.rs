//! A client that takes any connection which breaks for a failure: it opens none in place of one
//! that the server closed without saying so, as clients otherwise may.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// A request without the headers that depend on the connection.
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// A client of one address.
pub struct Caller {
    port: u16,
    /// Whether it keeps its connection for the next request.
    keeps: bool,
    kept: Option<TcpStream>,
}

impl Caller {
    pub fn new(port: u16, keeps: bool) -> Self {
        Self { port, keeps, kept: None }
    }

    /// Sends a request; returns status and body.
    pub async fn call(&mut self, request: &Request) -> Result<(u16, Vec<u8>), String> {
        let exchange = tokio::time::timeout(ANSWER_WAIT, self.exchange(request));
        exchange.await.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    async fn exchange(&mut self, request: &Request) -> Result<(u16, Vec<u8>), String> {
        let kept = self.kept.take();
        let at = |step: &'static str| {
            let kind = if self.keeps { "kept" } else { "new" };
            move |error: std::io::Error| format!("{step} on a {kind} connection: {error}")
        };
        let mut stream = match kept {
            Some(stream) => stream,
            None => TcpStream::connect(("127.0.0.1", self.port)).await.map_err(at("connect"))?,
        };
        let sent = request.bytes(self.keeps);
        stream.write_all(&sent).await.map_err(at("send"))?;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await.map_err(at("receive"))? == 0 {
                return Err(at("receive")(std::io::ErrorKind::UnexpectedEof.into()));
            }
        };
        let mut body = bytes.split_off(end);
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        let length: usize = header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        while body.len() < length {
            if stream.read_buf(&mut body).await.map_err(at("receive"))? == 0 {
                return Err(at("receive")(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let closes = header("connection").is_some_and(|it| it == "close");
        self.kept = (self.keeps && !closes).then_some(stream);
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Ok((status.ok_or_else(|| format!("no status in {head:?}"))?, body))
    }
}

impl Request {
    fn bytes(&self, keeps: bool) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: test\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let kind = if keeps { "keep-alive" } else { "close" };
        let length = self.body.len();
        text.push_str(&format!("connection: {kind}\r\ncontent-length: {length}\r\n\r\n"));
        text.push_str(&self.body);
        text.into_bytes()
    }
}
