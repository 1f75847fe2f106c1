//! A line to a server that counts round trips: how often something is sent after an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

const BUFFER_BYTES: usize = 64 * 1024;

/// A line in front of a server, on a free port of this machine.
pub struct CountingLine {
    pub address: SocketAddr,
    round_trips: Arc<AtomicUsize>,
}

impl CountingLine {
    /// Bytes arrive `one_way` later than they were sent, in both directions. What is sent within a
    /// round trip of one another therefore counts as one, however slow the machine is.
    pub async fn before(server: String, one_way: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let round_trips = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&round_trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                carry(client, server, one_way, Arc::clone(&counter));
            }
        });
        Self { address, round_trips }
    }

    /// Round trips so far, over all connections.
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::SeqCst)
    }
}

fn carry(client: TcpStream, server: TcpStream, one_way: Duration, counter: Arc<AtomicUsize>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let has_answered = Arc::new(AtomicBool::new(true));
    let answered = Arc::clone(&has_answered);
    let asked = move || {
        if has_answered.swap(false, Ordering::SeqCst) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    };
    tokio::spawn(carry_one_way(client_in, server_out, one_way, asked, || {}));
    let told = move || answered.store(true, Ordering::SeqCst);
    tokio::spawn(carry_one_way(server_in, client_out, one_way, || {}, told));
}

async fn carry_one_way(
    mut from: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    mut to: impl tokio::io::AsyncWrite + Unpin + Send + 'static,
    one_way: Duration,
    sent: impl Fn() + Send + 'static,
    arrived: impl Fn() + Send + 'static,
) {
    let (queue, mut under_way) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            sent();
            if queue.send((Instant::now() + one_way, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    while let Some((at, bytes)) = under_way.recv().await {
        sleep_until(at).await;
        arrived();
        if to.write_all(&bytes).await.is_err() {
            break;
        }
    }
}
