//! The enterprise, in its own process: answers notices through the SDK, counts result webhooks, and
//! records how long each answer took.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::RsaPrivateKey;
use domain::{ResponseCode, RsaPadding};
use sdk::notice::{AUTH_SIGNATURE_HEADER, NoticeKeys};
use sdk::webhook::{WEBHOOK_SIGNATURE_HEADER, open};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::connection::{self, Connection};
use crate::process::{Process, first_line};

/// The type of webhook that is counted.
const RESULT_TYPE: &str = "AUTHORISATION_RESULT";
/// Begins the card acceptor of each purchase by a link, which tells them apart: the network does
/// not learn their ids.
pub const SHOP: &str = "LINK";
/// Longest time that the delivery of all webhooks may take.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(60);
/// The interval between two checks whether they have arrived.
const DELIVERY_POLL: Duration = Duration::from_millis(50);

/// The facts that the enterprise gets when it starts, in one line on its standard input.
#[derive(Serialize, Deserialize)]
struct Briefing {
    platform_public_key: String,
    own_key_pkcs8: String,
    secret_key: String,
}

/// The counts and times that the enterprise has recorded.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    results: u64,
    faults: u64,
    /// By authId, and of links' purchases by card acceptor; microseconds.
    handling_us: HashMap<String, f64>,
}

struct Enterprise {
    keys: NoticeKeys,
    secret_key: String,
    seen: Mutex<Seen>,
}

impl Enterprise {
    fn with_seen<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The child's side: serves until it is killed.
pub async fn serve() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let briefing: Briefing = serde_json::from_str(&line).context("the briefing")?;
    let own_key = STANDARD.decode(&briefing.own_key_pkcs8)?;
    let enterprise = Arc::new(Enterprise {
        keys: NoticeKeys::read(&briefing.platform_public_key, &own_key, RsaPadding::Pkcs1)?,
        secret_key: briefing.secret_key,
        seen: Mutex::default(),
    });
    let routes = Router::new()
        .route("/notice", post(answer))
        .route("/webhook", post(count))
        .route("/seen", get(seen).delete(forget))
        .with_state(enterprise);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Both RSA steps run on the thread that serves the connection: each takes less time than handing
/// it over would, and nothing else waits there.
async fn answer(
    State(enterprise): State<Arc<Enterprise>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let started = Instant::now();
    let signature =
        headers.get(AUTH_SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
    let reply = enterprise.keys.open(&body, signature).ok().and_then(|notice| {
        let reply = enterprise.keys.reply(&notice, ResponseCode::Approved).ok()?;
        let shop = notice.data.card_acceptor_identification.filter(|it| it.starts_with(SHOP));
        Some((shop.unwrap_or(notice.data.auth_id), reply))
    });
    let taken_us = started.elapsed().as_secs_f64() * 1e6;
    match reply {
        Some((purchase, reply)) => {
            enterprise.with_seen(|seen| seen.handling_us.insert(purchase, taken_us));
            (StatusCode::OK, reply)
        }
        None => {
            enterprise.with_seen(|seen| seen.faults += 1);
            (StatusCode::BAD_REQUEST, Vec::new())
        }
    }
}

async fn count(
    State(enterprise): State<Arc<Enterprise>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature =
        headers.get(WEBHOOK_SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
    match open(&enterprise.secret_key, &body, signature) {
        Ok(webhook) => {
            let is_result = webhook.webhook_type == RESULT_TYPE;
            enterprise.with_seen(|seen| seen.results += u64::from(is_result));
            StatusCode::OK
        }
        Err(_) => {
            enterprise.with_seen(|seen| seen.faults += 1);
            StatusCode::BAD_REQUEST
        }
    }
}

/// The counts; the times only on request.
async fn seen(State(enterprise): State<Arc<Enterprise>>) -> Json<Seen> {
    Json(enterprise.with_seen(|seen| Seen { handling_us: HashMap::new(), ..*seen }))
}

/// Everything seen so far, which is then cleared.
async fn forget(State(enterprise): State<Arc<Enterprise>>) -> Json<Seen> {
    Json(enterprise.with_seen(std::mem::take))
}

/// The parent's handle on the enterprise. The process is killed when this is dropped.
pub struct EnterpriseProcess {
    _process: Process,
    address: SocketAddr,
    /// Base64 of the public key, for the platform.
    pub public_key: String,
}

impl EnterpriseProcess {
    /// Starts the enterprise with a fresh key.
    pub fn start(platform_public_key: &str, secret_key: &str) -> Result<Self> {
        let key = RsaPrivateKey::generate(2048)?;
        let briefing = Briefing {
            platform_public_key: platform_public_key.to_owned(),
            own_key_pkcs8: STANDARD.encode(&*key.to_pkcs8_der()?),
            secret_key: secret_key.to_owned(),
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("enterprise").stdin(Stdio::piped());
        let (mut process, mut stdout) = Process::start(&mut command)?;
        writeln!(process.stdin()?, "{}", serde_json::to_string(&briefing)?)?;
        let address = first_line(&mut stdout)?.trim().parse()?;
        Ok(Self { _process: process, address, public_key: key.public_key().to_base64() })
    }

    /// A URL of the enterprise.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until `count` result webhooks have arrived, then returns the microseconds that each
    /// notice took, by authId or a link's card acceptor, and clears everything.
    pub async fn delivered(&self, count: u64) -> Result<HashMap<String, f64>> {
        let mut connection = Connection::open(self.address).await?;
        let deadline = Instant::now() + DELIVERY_DEADLINE;
        loop {
            let body = connection.expect_ok(connection::get("/seen")?).await?;
            let seen: Seen = serde_json::from_slice(&body)?;
            if seen.faults > 0 || seen.results > count || Instant::now() > deadline {
                bail!(
                    "the enterprise has {} of {count} results and {} faults",
                    seen.results,
                    seen.faults
                );
            }
            if seen.results == count {
                break;
            }
            tokio::time::sleep(DELIVERY_POLL).await;
        }
        let request = http::Request::delete("/seen").body(http_body_util::Full::default())?;
        let seen: Seen = serde_json::from_slice(&connection.expect_ok(request).await?)?;
        Ok(seen.handling_us)
    }
}
