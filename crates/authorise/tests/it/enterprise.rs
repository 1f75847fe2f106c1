//! The enterprise's own server, which answers notices as configured.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use crypto::RsaPrivateKey;
use domain::{ResponseCode, RsaPadding};
use tokio::sync::Semaphore;
use wire::cardbridge::authorisation_notice::{
    AUTH_SIGNATURE_HEADER, Notice, open_notice, seal_reply,
};

/// The platform's, the enterprise's and a stranger's key; made once for all tests.
pub static PLATFORM_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(new_key);
pub static ENTERPRISE_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(new_key);
pub static STRANGER_KEY: LazyLock<RsaPrivateKey> = LazyLock::new(new_key);

fn new_key() -> RsaPrivateKey {
    RsaPrivateKey::generate(2048).unwrap()
}

/// A way to answer.
#[derive(Clone)]
pub enum Behaviour {
    /// With this code.
    Code(ResponseCode),
    /// With this code, after a while.
    After(Duration, ResponseCode),
    /// With this code, once the test lets it.
    Held(Arc<Semaphore>, ResponseCode),
    /// Approves, signed with a stranger's key.
    StrangersSignature,
    /// Approves, encrypted for a stranger.
    StrangersCiphertext,
    /// Approves another authorisation.
    OtherAuthId,
    /// With this status and body.
    Raw(StatusCode, String),
    /// With the body made from the authId.
    Made(fn(&str) -> String),
}

/// A notice that arrived.
pub struct Received {
    pub notice: Notice,
    pub body: Vec<u8>,
    pub webhook_signature: Option<String>,
}

pub struct EnterpriseServer {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    open: AtomicUsize,
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    padding: RsaPadding,
}

impl EnterpriseServer {
    pub async fn start(padding: RsaPadding) -> Self {
        let shared = Arc::new(Shared {
            open: AtomicUsize::new(0),
            behaviour: Mutex::new(Behaviour::Code(ResponseCode::Approved)),
            received: Mutex::default(),
            padding,
        });
        let router =
            axum::Router::new().route("/notice", post(answer)).with_state(Arc::clone(&shared));
        let listener =
            tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}/notice", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Answers with this code once the returned gate has a permit or is closed.
    pub fn hold(&self, code: ResponseCode) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.behave(Behaviour::Held(Arc::clone(&gate), code));
        gate
    }

    /// Waits until this many notices have arrived.
    pub async fn wait_for_notices(&self, count: usize) {
        while self.notices() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn notices(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    /// Notices whose sender still waits for the answer.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    pub fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.received.lock().unwrap())
    }
}

/// Counts a notice until it is answered or its sender has gone.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.open.fetch_add(1, Ordering::SeqCst);
    let _open = Open(Arc::clone(&shared));
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let signature = header(AUTH_SIGNATURE_HEADER).unwrap();
    let platform = PLATFORM_KEY.public_key();
    let notice = open_notice(&body, &signature, platform, &ENTERPRISE_KEY, shared.padding).unwrap();
    let auth_id = notice.data.auth_id.clone();
    let webhook_signature = header("x-signature");
    let received = Received { notice, body: body.to_vec(), webhook_signature };
    shared.received.lock().unwrap().push(received);
    let behaviour = shared.behaviour.lock().unwrap().clone();
    let approved = ResponseCode::Approved;
    let reply = |auth_id: &str, code, receiver: &RsaPrivateKey, signer: &RsaPrivateKey| {
        seal_reply(auth_id, code, receiver.public_key(), signer, shared.padding)
            .unwrap()
            .into_response()
    };
    match behaviour {
        Behaviour::Code(code) => reply(&auth_id, code, &PLATFORM_KEY, &ENTERPRISE_KEY),
        Behaviour::After(pause, code) => {
            tokio::time::sleep(pause).await;
            reply(&auth_id, code, &PLATFORM_KEY, &ENTERPRISE_KEY)
        }
        Behaviour::Held(gate, code) => {
            let _ = gate.acquire().await;
            reply(&auth_id, code, &PLATFORM_KEY, &ENTERPRISE_KEY)
        }
        Behaviour::StrangersSignature => reply(&auth_id, approved, &PLATFORM_KEY, &STRANGER_KEY),
        Behaviour::StrangersCiphertext => reply(&auth_id, approved, &STRANGER_KEY, &ENTERPRISE_KEY),
        Behaviour::OtherAuthId => {
            reply("4934950835815641999", approved, &PLATFORM_KEY, &ENTERPRISE_KEY)
        }
        Behaviour::Raw(status, body) => (status, body).into_response(),
        Behaviour::Made(make) => make(&auth_id).into_response(),
    }
}
