//! A merchant of dialect 2: the server that its webhooks go to (vm-api.md section 10).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Path of webhooks.
const WEBHOOK_PATH: &str = "/vm-webhooks";
/// Longest body that is read (vm-api.md section 10.3).
const MAX_BODY_BYTES: usize = 32 * 1024;
/// Most webhooks that are kept; later ones are only acknowledged.
const MAX_KEPT: usize = 10_000;
/// The answer that acknowledges a webhook (vm-api.md section 10.3).
const ACKNOWLEDGEMENT: &str = r#"{"code":0,"msg":"ok"}"#;

type Received = watch::Sender<Vec<Value>>;

/// A merchant's server on a free loopback port, which acknowledges every webhook. It ends
/// when this is dropped.
pub struct Merchant {
    received: Arc<Received>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Merchant {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Merchant {
    /// Starts the server.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> std::io::Result<Self> {
        let received = Arc::new(watch::channel(Vec::new()).0);
        let router = Router::new()
            .route(WEBHOOK_PATH, post(keep))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::clone(&received));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            // It ends only when the task is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { received, address, server })
    }

    /// The URL for webhooks.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("http://{}{WEBHOOK_PATH}", self.address)
    }

    /// Webhooks so far, in order of arrival.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Value> {
        self.received.borrow().clone()
    }

    /// Waits for the first webhook for which `is_wanted` is true; `None` when the time is up.
    pub async fn wait_for_webhook(
        &self,
        timeout: Duration,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let mut received = self.received.subscribe();
        let search = received.wait_for(|all| all.iter().any(&is_wanted));
        let all = tokio::time::timeout(timeout, search).await.ok()?.ok()?;
        all.iter().find(|it| is_wanted(it)).cloned()
    }
}

async fn keep(
    State(received): State<Arc<Received>>,
    body: Bytes,
) -> ([(header::HeaderName, &'static str); 1], &'static str) {
    let webhook = serde_json::from_slice(&body).unwrap_or_default();
    received.send_modify(|all| {
        if all.len() < MAX_KEPT {
            all.push(webhook);
        }
    });
    ([(header::CONTENT_TYPE, "application/json")], ACKNOWLEDGEMENT)
}
