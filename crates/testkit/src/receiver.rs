//! An enterprise's webhook receiver: acknowledges and keeps what it receives.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::described::require_described_webhook;
use crate::platform::Platform;
use crate::signing::Caller;

/// The receiver; it ends with the test's runtime.
pub struct Receiver {
    url: String,
    received: Received,
}

type Received = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

async fn keep(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
    received.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
}

impl Receiver {
    pub async fn start() -> Self {
        let received = Received::default();
        let router = Router::new().route("/", post(keep)).with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    /// Directs an enterprise's webhooks here.
    pub async fn listen_for(&self, platform: &Platform, caller: &Caller) {
        let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        let answer = platform.admin_patch(&path, &json!({ "webhookUrl": self.url })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The webhooks of one type so far.
    pub fn of_type(&self, webhook_type: &str) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        received.iter().for_each(|(headers, body)| require_described_webhook(headers, body));
        let bodies = received.iter().map(|(_, body)| body);
        bodies.filter(|body| body["webhookType"] == webhook_type).cloned().collect()
    }
}
