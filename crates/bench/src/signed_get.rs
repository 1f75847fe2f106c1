//! Signed GET requests per second, compared with a bare handler in its own process that gives the
//! same bytes for the same requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use domain::Clock;
use http::Request;
use http_body_util::Full;
use wire::cardbridge::card::DETAIL_PATH;
use wire::cardbridge::signature::{
    API_KEY_HEADER, NONCE_HEADER, SIGN_HEADER, TIMESTAMP_HEADER, sign,
};

use crate::bare::BareProcess;
use crate::connection::Connection;
use crate::load;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};

/// Connections, each with one request under way.
const CONNECTIONS: usize = 64;
/// Duration of one run of a side.
const RUN_TIME: Duration = Duration::from_secs(4);
/// Runs of each side, alternating.
const ROUNDS: u32 = 2;
/// Most requests of one connection in one run.
const MAX_REQUESTS: u64 = 100_000;
/// The smallest nonce.
const FIRST_NONCE: u64 = 10_000;
const NONCES: u64 = 90_000;

/// Measures with one of the platform's cards.
pub async fn measure(platform: &Platform, card_id: &str) -> Result<Vec<Measurement>> {
    let keys = &platform.sandbox.enterprise;
    let signer = Arc::new(Signer {
        api_key: keys.api_key.clone(),
        secret_key: keys.secret_key.clone(),
        query: format!("cardId={card_id}"),
        clock: Clock::system(),
        number: AtomicU64::new(0),
    });
    let answer = Connection::open(platform.public).await?.expect_ok(signer.request()?).await?;
    ensure!(answer.starts_with(br#"{"code":"SYS_SUCCESS""#), "a signed GET was refused");
    let bare = BareProcess::start(&answer)?;
    let (mut signed_rate, mut bare_rate) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        bare_rate += run(bare.address, &signer, answer.len()).await? / f64::from(ROUNDS);
        signed_rate += run(platform.public, &signer, answer.len()).await? / f64::from(ROUNDS);
    }
    Ok(vec![
        Measurement::info("signed_get_per_second", "signed card/v1/detail", signed_rate, "/s"),
        Measurement::info("bare_get_per_second", "bare axum handler", bare_rate, "/s"),
        Measurement::info(
            "signed_get_ratio",
            "signed GET / bare handler",
            signed_rate / bare_rate,
            "",
        )
        .held_to(Bound::AtLeast(0.45)),
    ])
}

/// Requests per second of all connections together.
async fn run(address: SocketAddr, signer: &Arc<Signer>, answer_bytes: usize) -> Result<f64> {
    let started = Instant::now();
    let requests = load::callers(address, CONNECTIONS, |_, mut connection| {
        let signer = Arc::clone(signer);
        async move {
            let mut requests = 0;
            while started.elapsed() < RUN_TIME && requests < MAX_REQUESTS {
                let body = connection.expect_ok(signer.request()?).await?;
                ensure!(body.len() == answer_bytes, "another answer than the first");
                requests += 1;
            }
            Ok(requests)
        }
    })
    .await?;
    Ok(requests as f64 / started.elapsed().as_secs_f64())
}

struct Signer {
    api_key: String,
    secret_key: String,
    query: String,
    clock: Clock,
    number: AtomicU64,
}

impl Signer {
    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let timestamp = self.clock.real_now().as_millis().to_string();
        // Counted rather than drawn: two requests in the same millisecond must differ.
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let nonce = (FIRST_NONCE + number % NONCES).to_string();
        let query = self.query.as_bytes();
        let signature = sign(&self.secret_key, &self.api_key, &timestamp, &nonce, query);
        Ok(Request::get(format!("{DETAIL_PATH}?{}", self.query))
            .header(API_KEY_HEADER, &self.api_key)
            .header(TIMESTAMP_HEADER, timestamp)
            .header(NONCE_HEADER, nonce)
            .header(SIGN_HEADER, signature)
            .body(Full::default())?)
    }
}
