//! Servers that misbehave in one chosen way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use outbound::{AddressPolicy, Answer, Outbound, OutboundError, Post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// The server's reaction to each request.
#[derive(Clone)]
pub enum Behaviour {
    /// Writes these bytes and keeps the connection.
    Answer(String),
    /// Writes these bytes, then nothing, and keeps the connection open.
    Dribble(&'static str),
    /// Writes the first text, then the second over and over, as fast as it is read.
    Floods(&'static str, &'static str),
    /// Reads and never answers.
    Silent,
    /// Closes without an answer.
    HangUp,
    /// Answers the first request of a connection with the first text; when the next one
    /// arrives, writes the second text and closes.
    EndsKept(String, &'static str),
}

/// A running server and what it has seen.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    flood_bytes: Arc<AtomicUsize>,
}

impl Server {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(AtomicUsize::new(0));
        let flood_bytes = Arc::new(AtomicUsize::new(0));
        let (accepted, served) = (Arc::clone(&connections), Arc::clone(&requests));
        let flooded = Arc::clone(&flood_bytes);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                let (served, flooded) = (Arc::clone(&served), Arc::clone(&flooded));
                tokio::spawn(serve(stream, behaviour.clone(), served, flooded));
            }
        });
        Self { address, connections, requests, flood_bytes }
    }

    /// Bytes of floods accepted by the other side and the system in between.
    pub fn flood_bytes(&self) -> usize {
        self.flood_bytes.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}/notify?token=very-secret", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    behaviour: Behaviour,
    served: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
) {
    // Every test sends its request in one small segment.
    let mut buffer = vec![0; 16 * 1024];
    let mut is_kept = false;
    while stream.read(&mut buffer).await.unwrap_or(0) > 0 {
        served.fetch_add(1, Ordering::SeqCst);
        match &behaviour {
            Behaviour::Answer(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Behaviour::Dribble(text) => {
                for byte in text.bytes().chain(std::iter::repeat(b' ')) {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Behaviour::Floods(first, again) => {
                stream.write_all(first.as_bytes()).await.unwrap();
                let flood = again.repeat(4_096);
                while stream.write_all(flood.as_bytes()).await.is_ok() {
                    written.fetch_add(flood.len(), Ordering::SeqCst);
                }
                return;
            }
            Behaviour::Silent => {}
            Behaviour::HangUp => return,
            Behaviour::EndsKept(_, text) if is_kept => {
                stream.write_all(text.as_bytes()).await.unwrap();
                return;
            }
            Behaviour::EndsKept(text, _) => stream.write_all(text.as_bytes()).await.unwrap(),
        }
        is_kept = true;
    }
}

/// Longer than any machine needs for an exchange with itself.
pub const PATIENT_MS: u64 = 60_000;

pub fn answer(status: &str, body: &str) -> Behaviour {
    Behaviour::Answer(text(status, body))
}

/// A server that ends each kept connection as the next request arrives, after `last_words`.
pub fn ends_kept(last_words: &'static str) -> Behaviour {
    Behaviour::EndsKept(text("200 OK", "{}"), last_words)
}

fn text(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub fn sandbox() -> Outbound {
    Outbound::new(AddressPolicy { loopback_allowed: true, ..AddressPolicy::default() }).unwrap()
}

pub async fn post_within(
    outbound: &Outbound,
    url: &str,
    within_ms: u64,
) -> Result<Answer, OutboundError> {
    let deadline = Instant::now() + Duration::from_millis(within_ms);
    post_until(outbound, url, deadline, deadline).await
}

pub async fn post_until(
    outbound: &Outbound,
    url: &str,
    deadline: Instant,
    resend_until: Instant,
) -> Result<Answer, OutboundError> {
    let post = Post {
        url,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        deadline,
        resend_until,
        max_response_bytes: 1024,
    };
    outbound.post(post).await
}

/// `Answer` has no Debug, because its body may be secret.
pub fn failure(result: Result<Answer, OutboundError>) -> OutboundError {
    match result {
        Ok(answer) => panic!("answered with status {}", answer.status),
        Err(error) => error,
    }
}
