//! Connections that compete for the places of a listener, over TCP with few places.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use listener::{HttpService, ListenerSettings, Stop, serve_listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;

/// Longest wait for anything, even on a busy machine.
const WAIT: Duration = Duration::from_secs(30);
const NEVER: Duration = Duration::from_secs(3_600);
const PLACES: usize = 8;
/// More than the kernel buffers for a peer that does not read.
const LARGE_BYTES: usize = 24 * 1024 * 1024;

/// A listener whose `/slow` answers once it is allowed to, and whose `/large` has a large answer.
struct Listening {
    address: SocketAddr,
    gate: Arc<Semaphore>,
    drain: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
}

impl Listening {
    async fn with(change: impl FnOnce(&mut ListenerSettings)) -> Self {
        let mut settings = ListenerSettings::new(PLACES, Vec::new());
        change(&mut settings);
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&gate);
        let slow = get(async move || {
            waiting.acquire().await.unwrap().forget();
            "slow"
        });
        let large = get(async || vec![b'x'; LARGE_BYTES]);
        let router = Router::new().route("/", get(async || "quick"));
        let router = router.route("/slow", slow).route("/large", large);
        let service: HttpService = BoxCloneSyncService::new(router);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (drain, draining) = watch::channel(false);
        tokio::spawn(serve_listener(listener, service, settings, Stop { draining, stopped }));
        Self { address, gate, drain, _stop: stop }
    }

    /// A connection from the loopback address that ends in `last`.
    async fn connect(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let own = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
        socket.bind(SocketAddr::new(own, 0)).unwrap();
        timeout(WAIT, socket.connect(self.address)).await.unwrap().unwrap()
    }
}

async fn ask(stream: &mut TcpStream, path: &str, headers: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// The next answer; empty once the other side has closed.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 1024];
    let read = timeout(WAIT, stream.read(&mut bytes)).await.expect("an answer or an end");
    String::from_utf8(bytes[..read.unwrap_or(0)].to_vec()).unwrap()
}

async fn is_answered(stream: &mut TcpStream, headers: &str) -> bool {
    ask(stream, "/", headers).await;
    answer(stream).await.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn idle_connections_of_one_address_do_not_keep_others_out() {
    let listening = Listening::with(|_| {}).await;
    let mut idle = Vec::new();
    for _ in 0..5 * PLACES {
        idle.push(listening.connect(1).await);
    }
    let mut other = listening.connect(2).await;
    assert!(is_answered(&mut other, "").await);
    // The idlest connection gave way, so the latest is served too.
    assert_eq!(answer(&mut idle[0]).await, "");
    assert!(is_answered(idle.last_mut().unwrap(), "").await);
    assert!(is_answered(&mut other, "").await, "its connection was kept");
}

#[tokio::test]
async fn addresses_in_turn_push_out_idle_connections_and_never_a_request() {
    let listening = Listening::with(|_| {}).await;
    let mut slow = listening.connect(1).await;
    ask(&mut slow, "/slow", "").await;
    let mut first = listening.connect(2).await;
    assert!(is_answered(&mut first, "").await);
    let mut crowd = Vec::new();
    for last in 3..3 + u8::try_from(3 * PLACES).unwrap() {
        let mut stream = listening.connect(last).await;
        assert!(is_answered(&mut stream, "").await, "{last}");
        crowd.push(stream);
    }
    assert_eq!(answer(&mut first).await, "", "the idlest has given way");
    listening.gate.add_permits(1);
    assert!(answer(&mut slow).await.ends_with("slow"));
}

#[tokio::test]
async fn one_address_never_has_all_places_under_way() {
    let listening = Listening::with(|_| {}).await;
    let mut slow = Vec::new();
    for _ in 0..PLACES {
        let mut stream = listening.connect(1).await;
        // A refused connection is already closed.
        let request = b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n";
        let _ = stream.write_all(request).await;
        slow.push(stream);
    }
    for last in 2..5 {
        assert!(is_answered(&mut listening.connect(last).await, "").await, "{last}");
    }
    listening.gate.add_permits(PLACES);
    let mut served = 0;
    for stream in &mut slow {
        served += usize::from(answer(stream).await.ends_with("slow"));
    }
    assert_eq!(served, PLACES / 2);
}

#[tokio::test]
async fn a_trusted_proxys_connections_count_for_whom_they_name() {
    let proxy = "127.0.0.9/32".parse().unwrap();
    let listening = Listening::with(|it| it.trusted_proxies = vec![proxy]).await;
    let mut pool = Vec::new();
    for client in 0..PLACES - 1 {
        let mut stream = listening.connect(9).await;
        let named = format!("x-forwarded-for: 198.51.100.{client}\r\n");
        assert!(is_answered(&mut stream, &named).await, "more than one peer's share");
        pool.push((stream, named));
    }
    for (stream, named) in &mut pool {
        assert!(is_answered(stream, named).await, "{named}");
    }
    // One client behind the proxy is limited to what one peer may have: its idlest connection gives
    // way.
    let (last, others) = pool.split_last_mut().unwrap();
    for (stream, _) in others.iter_mut() {
        let _ = is_answered(stream, &last.1).await;
    }
    assert_eq!(answer(&mut last.0).await, "");
}

#[tokio::test]
async fn an_idle_connection_lives_longer_than_headers_may_take() {
    assert_eq!(ListenerSettings::new(1, Vec::new()).idle_timeout, Duration::from_secs(120));
    let head_timeout = Duration::from_millis(200);
    let listening = Listening::with(|it| {
        it.head_timeout = head_timeout;
        it.idle_timeout = NEVER;
    })
    .await;
    let (mut idle, mut slow) = (listening.connect(1).await, listening.connect(1).await);
    assert!(is_answered(&mut idle, "").await);
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(answer(&mut slow).await, "");
    tokio::time::sleep(head_timeout).await;
    assert!(is_answered(&mut idle, "").await);

    let listening = Listening::with(|it| it.idle_timeout = Duration::from_millis(200)).await;
    let mut idle = listening.connect(1).await;
    assert!(is_answered(&mut idle, "").await);
    assert_eq!(answer(&mut idle).await, "", "it must not live for ever");
}

/// Reads a large answer to its end; returns whether all of it arrived.
async fn read_large(stream: &mut TcpStream, first: &str) -> bool {
    let head_bytes = first.find("\r\n\r\n").expect("the whole head at once") + 4;
    let mut left = LARGE_BYTES - (first.len() - head_bytes);
    let mut bytes = vec![0; 1024 * 1024];
    while left > 0 {
        let read = timeout(WAIT, stream.read(&mut bytes)).await.expect("more or an end");
        match read {
            Ok(count) if count > 0 => left -= count,
            _ => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_peer_that_reads_its_whole_answer_makes_room() {
    let listening = Listening::with(|_| {}).await;
    let mut readers = Vec::new();
    for last in 1..=u8::try_from(PLACES).unwrap() {
        let mut stream = listening.connect(last).await;
        ask(&mut stream, "/large", "").await;
        let first = answer(&mut stream).await;
        readers.push((stream, first));
    }
    let mut newcomer = listening.connect(99).await;
    ask(&mut newcomer, "/", "").await;
    // Makes sure that it is refused a place first, wherever it may be.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (stream, first) in &mut readers {
        assert!(read_large(stream, first).await, "cut while it was read");
    }
    assert!(answer(&mut newcomer).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_slow_reader_is_not_idle() {
    // Long enough for a busy machine to read a head.
    let short = Duration::from_secs(3);
    let listening = Listening::with(|it| (it.idle_timeout, it.head_timeout) = (short, short)).await;
    let mut stream = listening.connect(1).await;
    ask(&mut stream, "/large", "").await;
    let first = answer(&mut stream).await;
    tokio::time::sleep(2 * short).await;
    assert!(read_large(&mut stream, &first).await, "cut while it was read");
    assert_eq!(answer(&mut stream).await, "", "idle since then, and cut for that");
}

#[tokio::test]
async fn a_draining_listener_takes_requests_and_ends_each_connection_after_one() {
    let listening = Listening::with(|_| {}).await;
    listening.gate.add_permits(3);
    let mut kept = listening.connect(1).await;
    let request = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = async |stream: &mut TcpStream| {
        stream.write_all(request).await.unwrap();
        let mut head = vec![0; 1_024];
        let len = timeout(WAIT, stream.read(&mut head)).await.unwrap().unwrap();
        String::from_utf8(head[..len].to_vec()).unwrap().to_lowercase()
    };
    assert!(!answer(&mut kept).await.contains("connection: close"));
    listening.drain.send_replace(true);
    let mut new = listening.connect(2).await;
    for stream in [&mut kept, &mut new] {
        let answer = answer(stream).await;
        assert!(answer.contains("200 ok") && answer.contains("connection: close"), "{answer}");
        let mut rest = Vec::new();
        let closed = timeout(WAIT, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "the connection is closed");
    }
}
