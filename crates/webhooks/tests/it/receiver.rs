//! An enterprise's webhook endpoint, with scripted answers and a memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Clone)]
pub struct Seen {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn field(&self, name: &str) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        json[name].as_str().unwrap().to_owned()
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    state: Arc<Shared>,
}

struct Shared {
    /// Statuses of the next answers; then 200.
    script: Mutex<VecDeque<u16>>,
    delay: Duration,
    /// Bodies of the next answers; then empty.
    bodies: Mutex<VecDeque<String>>,
    /// Delays of the next answers; then `delay`.
    hangs: Mutex<VecDeque<Duration>>,
    seen: Mutex<Vec<Seen>>,
    busy: Mutex<(usize, usize)>,
}

impl Receiver {
    /// A receiver that gives these statuses first, then 200 for ever.
    pub async fn answering(statuses: &[u16]) -> Self {
        Self::start(statuses, Duration::ZERO).await
    }

    /// A receiver that answers after this delay.
    pub async fn slow(delay: Duration) -> Self {
        Self::start(&[], delay).await
    }

    /// A receiver that gives these answers first, then 200 without a body.
    pub async fn saying(answers: &[(u16, &str)]) -> Self {
        let statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
        let it = Self::start(&statuses, Duration::ZERO).await;
        let bodies = answers.iter().map(|(_, body)| (*body).to_owned());
        it.state.bodies.lock().unwrap().extend(bodies);
        it
    }

    /// Sets the delays of the next answers.
    pub fn hang(&self, hangs: &[Duration]) {
        self.state.hangs.lock().unwrap().extend(hangs);
    }

    async fn start(statuses: &[u16], delay: Duration) -> Self {
        let state = Arc::new(Shared {
            script: Mutex::new(statuses.iter().copied().collect()),
            delay,
            bodies: Mutex::default(),
            hangs: Mutex::default(),
            seen: Mutex::default(),
            busy: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(answer)).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Most requests that were under way at once.
    pub fn most_at_once(&self) -> usize {
        self.state.busy.lock().unwrap().1
    }

    /// Waits until this many requests have arrived.
    pub async fn wait_for(&self, count: usize) {
        for _ in 0..18_000 {
            if self.seen().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} requests arrived", self.seen().len());
    }
}

async fn answer(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    state.seen.lock().unwrap().push(Seen { headers, body });
    {
        let mut busy = state.busy.lock().unwrap();
        busy.0 += 1;
        busy.1 = busy.1.max(busy.0);
    }
    let hangs = state.hangs.lock().unwrap().pop_front();
    tokio::time::sleep(hangs.unwrap_or(state.delay)).await;
    state.busy.lock().unwrap().0 -= 1;
    let status = state.script.lock().unwrap().pop_front().unwrap_or(200);
    let body = state.bodies.lock().unwrap().pop_front().unwrap_or_default();
    (StatusCode::from_u16(status).unwrap(), body)
}
