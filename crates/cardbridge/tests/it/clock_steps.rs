//! A machine's clock that is set back, while the platform runs and while it does not: ids and
//! business time go on, and a signed request is served once and not refused because of the clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, SystemRandom, SystemTime, TimeSource, Timestamp};
use serde_json::{Value, json};
use wire::cardbridge::signature::sign;

use crate::engine::Engine;
use crate::faults::Faults;
use crate::server::{Server, cardbridge, http, run};
use crate::world::{World, purchase, text};

/// A clock ahead of this machine's by this many seconds.
struct Ahead(i64);

impl TimeSource for Ahead {
    fn real_now(&self) -> Timestamp {
        SystemTime.real_now().plus_seconds(self.0)
    }

    fn elapsed(&self) -> Duration {
        SystemTime.elapsed()
    }
}

/// A signed request that can be sent again, byte for byte.
struct Sealed {
    timestamp: String,
    nonce: String,
    sign: String,
    api_key: String,
}

const QUERY: &str = "currency=840";

impl Sealed {
    /// Dated this many seconds after this machine's clock.
    fn new(world: &World, ahead_s: i64) -> Self {
        let own = &world.sandbox()["enterprise"];
        let timestamp = Ahead(ahead_s).real_now().as_millis().to_string();
        let (api_key, nonce) = (text(own, "apiKey"), "12345".to_owned());
        let secret = text(own, "secretKey");
        let sign = sign(&secret, &api_key, &timestamp, &nonce, QUERY.as_bytes());
        Self { timestamp, nonce, sign, api_key }
    }

    /// The code in the answer.
    async fn code(&self, world: &World) -> String {
        let base = text(&world.sandbox(), "public_url");
        let url = format!("{base}/open-api/enterprise/v1/enterprise-balance?{QUERY}");
        let request = http()
            .get(url)
            .header("X-DAPI-API-KEY", &self.api_key)
            .header("X-DAPI-TIMESTAMP", &self.timestamp)
            .header("X-DAPI-NONCE", &self.nonce)
            .header("X-DAPI-SIGN", &self.sign);
        let body = request.send().await.unwrap().bytes().await.unwrap();
        let envelope: Value = serde_json::from_slice(&body).unwrap();
        envelope["code"].as_str().unwrap().to_owned()
    }
}

fn signs_ahead(world: &mut World, ahead_s: i64) {
    let clock = Clock::new(Arc::new(Ahead(ahead_s)), 0);
    let own = world.sandbox();
    let enterprise = &own["enterprise"];
    let (key, secret) = (text(enterprise, "apiKey"), text(enterprise, "secretKey"));
    world.client = sdk::Client::new(&text(&own, "public_url"), &key, &secret)
        .unwrap()
        .with_sources(clock, Arc::new(SystemRandom));
}

async fn business_time(world: &World) -> String {
    text(&world.operator.get("/sandbox/v1/clock").await.unwrap(), "now")
}

async fn buy(world: &World, card_id: &str) -> (i64, String) {
    let path = "/sandbox/v1/authorisations";
    let answer = world.operator.post(path, &purchase(card_id, "1.00")).await.unwrap();
    assert_eq!(answer["approved"], true, "{answer}");
    let auth_id = text(&answer, "authId");
    let stored = world.operator.get(&format!("/admin/v1/authorisations/{auth_id}")).await.unwrap();
    (auth_id.parse().unwrap(), text(&stored, "createdAt"))
}

/// A world whose machine is two minutes ahead.
async fn ahead(engine: &Engine, faults: &Faults) -> (World, String) {
    faults.clock_ahead(120);
    let mut world = World::among(engine, &[], faults.variables()).await;
    signs_ahead(&mut world, 120);
    let card_id = world.card("order-1").await;
    (world, card_id)
}

async fn over_a_restart(engine: Engine, killed: bool) {
    let faults = Faults::new();
    let (mut world, card_id) = ahead(&engine, &faults).await;
    let mut bought = Vec::new();
    for _ in 0..5 {
        bought.push(buy(&world, &card_id).await);
    }
    if killed {
        world.kill();
    } else {
        world.terminate();
        world.ended().await;
    }
    faults.clock_ahead(0);
    world.start_again();
    assert!(business_time(&world).await >= bought[4].1);
    // Signed by the right clock, it is served at once, and what waits for business time happens.
    let second = world.card("order-2").await;
    for card_id in [&card_id, &second] {
        bought.push(buy(&world, card_id).await);
    }
    assert!(bought.is_sorted_by(|(a, then), (b, later)| a < b && then <= later), "{bought:?}");
    world.verify_ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_business_time_go_on_over_a_kill_on_the_embedded_store() {
    over_a_restart(Engine::embedded(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_business_time_go_on_over_a_stop_on_the_embedded_store() {
    over_a_restart(Engine::embedded(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_business_time_go_on_over_a_kill_on_postgresql() {
    over_a_restart(Engine::postgres().await, true).await;
}

async fn while_running(engine: Engine) {
    let faults = Faults::new();
    let (mut world, card_id) = ahead(&engine, &faults).await;
    let served = Sealed::new(&world, 120);
    assert_eq!(served.code(&world).await, "SYS_SUCCESS");
    let (first, then) = buy(&world, &card_id).await;
    let business = business_time(&world).await;

    faults.clock_ahead(0);
    signs_ahead(&mut world, 0);
    // Refused for its age, as on any machine, while an honest one passes at once.
    assert_eq!(Sealed::new(&world, 120).code(&world).await, "DAPI_TIMESTAMP_EXPIRED");
    assert_eq!(Sealed::new(&world, 0).code(&world).await, "SYS_SUCCESS");
    assert!(business_time(&world).await >= business);
    let (second, later) = buy(&world, &card_id).await;
    assert!(second > first && later >= then);
    world.card("order-2").await;

    // Its own time comes again, for this process and for the next one.
    faults.clock_ahead(120);
    assert_eq!(refused(&served, &world, &faults).await, "DAPI_NONCE_ILLEGAL");
    faults.clock_ahead(0);
    world.crash();
    assert_eq!(refused(&served, &world, &faults).await, "DAPI_NONCE_ILLEGAL");
}

/// The answer to the request at exactly the moment of its timestamp.
async fn refused(served: &Sealed, world: &World, faults: &Faults) -> String {
    let signed_ms: i64 = served.timestamp.parse().unwrap();
    let ahead_ms = signed_ms - Clock::system().real_now().as_millis();
    faults.clock_ahead(ahead_ms / 1_000);
    served.code(world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_while_running_refuses_no_honest_call_on_the_embedded_store() {
    while_running(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_while_running_refuses_no_honest_call_on_postgresql() {
    while_running(Engine::postgres().await).await;
}

async fn a_kill_forgets_nothing(engine: Engine) {
    let faults = Faults::new();
    let mut world = World::among(&engine, &[], faults.variables()).await;
    // Each round's clock stands still at the moment of its request, whatever the machine's speed.
    for dated_s in [4, 0, -2] {
        let before = Sealed::new(&world, -1);
        let served = Sealed::new(&world, dated_s);
        assert_eq!(refused_at(&served, &world, &faults, -dated_s).await, "SYS_SUCCESS");
        world.crash();
        let again = refused_at(&served, &world, &faults, -dated_s).await;
        assert_eq!(again, "DAPI_NONCE_ILLEGAL", "dated {dated_s} s ahead");
        // Signed before the start, and never served.
        assert_eq!(refused_at(&before, &world, &faults, 1).await, "SYS_SUCCESS");
    }
}

/// The answer to the request when it is this many seconds old.
async fn refused_at(served: &Sealed, world: &World, faults: &Faults, age_s: i64) -> String {
    let signed_ms: i64 = served.timestamp.parse().unwrap();
    let ahead_ms = signed_ms + 1_000 * age_s - Clock::system().real_now().as_millis();
    faults.clock_ahead((ahead_ms + 500).div_euclid(1_000));
    served.code(world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_forgets_no_request_and_refuses_no_honest_one_on_the_embedded_store() {
    a_kill_forgets_nothing(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_forgets_no_request_and_refuses_no_honest_one_on_postgresql() {
    a_kill_forgets_nothing(Engine::postgres().await).await;
}

/// Waits until a machine is ready or not, and returns the difference of clocks that its metrics
/// tell.
async fn skew_once(world: &World, is_ready: bool, is_far: bool) -> f64 {
    let admin_url = text(&world.sandbox(), "admin_url");
    let began = std::time::Instant::now();
    loop {
        let ready = http().get(format!("{admin_url}/readyz")).send().await.unwrap();
        let metrics = http().get(format!("{admin_url}/metrics"));
        let metrics = metrics.bearer_auth(text(&world.sandbox(), "admin_token"));
        let shown = metrics.send().await.unwrap().text().await.unwrap();
        let skew = shown.lines().find_map(|it| it.strip_prefix("cardbridge_clock_skew_seconds "));
        let skew: f64 = skew.map_or(0.0, |seconds| seconds.parse().unwrap());
        if ready.status().is_success() == is_ready && (skew > 100.0) == is_far {
            return skew;
        }
        assert!(began.elapsed() < crate::world::WAIT, "ready {}, skew {skew}", ready.status());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_clock_is_far_from_the_databases_is_not_ready_and_says_how_far() {
    let faults = Faults::new();
    let world = World::among(&Engine::postgres().await, &[], faults.variables()).await;
    assert!(skew_once(&world, true, false).await < 1.0);
    faults.clock_ahead(120);
    let skew = skew_once(&world, false, true).await;
    assert!((100.0..=121.0).contains(&skew), "{skew}");
    faults.clock_ahead(0);
    skew_once(&world, true, false).await;
}

/// Production with keys in `directory`.
fn production(directory: &Path, faults: &Faults) -> std::process::Command {
    let mut command = cardbridge();
    command.args(["serve", "--mode", "production", "--listen", "127.0.0.1:0"]);
    command.args(["--admin-listen", "127.0.0.1:0", "--data-dir"]).arg(directory.join("data"));
    command.arg("--master-key-file").arg(directory.join("key"));
    command.arg("--admin-token-file").arg(directory.join("token"));
    command.envs(faults.variables());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn production_whose_ids_are_far_ahead_of_the_clock_asks_an_operator() {
    use std::os::unix::fs::PermissionsExt as _;
    let (faults, directory) = (Faults::new(), tempfile::tempdir().unwrap());
    let token = "a-token-of-the-operator";
    for (name, words) in [("key", "c3a1f00d5eed5eed".repeat(4)), ("token", token.to_owned())] {
        let path = directory.path().join(name);
        std::fs::write(&path, words).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let start = |command: &mut std::process::Command| {
        Server::spawn(command, &directory.path().join("data"))
    };
    faults.clock_ahead(2 * 3_600);
    let server = start(&mut production(directory.path(), &faults));
    let operator = sdk::Operator::new(&server.admin_url, token).unwrap();
    operator.post("/admin/v1/enterprises", &json!({"name": "First"})).await.unwrap();
    drop(server);

    faults.clock_ahead(0);
    let (code, stdout, stderr) = run(&mut production(directory.path(), &faults));
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("accept-clock-ahead"), "{stderr}");
    // Less than an hour needs no operator.
    faults.clock_ahead(3_700);
    drop(start(&mut production(directory.path(), &faults)));
    faults.clock_ahead(0);
    let server = start(production(directory.path(), &faults).arg("--accept-clock-ahead"));
    let operator = sdk::Operator::new(&server.admin_url, token).unwrap();
    let created = operator.post("/admin/v1/enterprises", &json!({"name": "Second"})).await.unwrap();
    let listed = operator.get("/admin/v1/enterprises").await.unwrap();
    let second: i64 = text(&created, "enterpriseId").parse().unwrap();
    for enterprise in listed["items"].as_array().unwrap() {
        assert!(text(enterprise, "enterpriseId").parse::<i64>().unwrap() <= second, "{listed}");
    }
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}
