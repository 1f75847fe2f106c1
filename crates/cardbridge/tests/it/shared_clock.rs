//! The sandbox's clock of several processes: when an advance is answered, all of them have it.

use std::path::Path;
use std::time::{Duration, Instant};

use sdk::{Client, Operator};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::{Server, http};
use crate::world::{WAIT, World, purchase, text};

const DAY_S: u32 = 24 * 60 * 60;
const LOOK: Duration = Duration::from_millis(20);

/// Two processes.
struct Pair {
    engine: Engine,
    world: World,
    second: Server,
    operator: Operator,
    _directory: tempfile::TempDir,
}

impl Pair {
    async fn new() -> Self {
        let engine = Engine::postgres().await;
        let world = World::new(&engine, &[]).await;
        let directory = tempfile::tempdir().unwrap();
        let second = started(&engine, &world, &directory.path().join("second"));
        let operator = operator(&world, &second);
        Self { engine, world, second, operator, _directory: directory }
    }
}

fn started(engine: &Engine, world: &World, own: &Path) -> Server {
    spawn(another(engine, world, own, &[]), own)
}

fn operator(world: &World, server: &Server) -> Operator {
    Operator::new(&server.admin_url, &text(&world.sandbox(), "admin_token")).unwrap()
}

async fn advance(operator: &Operator, seconds: u32) -> String {
    let body = json!({ "seconds": seconds });
    text(&operator.post("/sandbox/v1/clock/advance", &body).await.unwrap(), "now")
}

async fn clock(operator: &Operator) -> Value {
    operator.get("/sandbox/v1/clock").await.unwrap()
}

async fn now(operator: &Operator) -> String {
    text(&clock(operator).await, "now")
}

/// Both are ahead by so much, less the moment between the choice of a target and its arrival, since
/// real time has passed meanwhile.
async fn advanced_by(pair: &Pair, seconds: u32) {
    for operator in [&pair.operator, &pair.world.operator] {
        let offset_s = clock(operator).await["offsetSeconds"].as_u64().unwrap();
        let seconds = u64::from(seconds);
        assert!((seconds - 3_600..=seconds).contains(&offset_s), "{offset_s} of {seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_at_one_process_is_the_time_of_all() {
    let mut pair = Pair::new().await;
    let card_id = pair.world.card("order-1").await;
    let path = "/sandbox/v1/authorisations";
    let held = pair.operator.post(path, &purchase(&card_id, "5.00")).await.unwrap();
    assert_eq!(held["approved"], true, "{held}");

    let moved = advance(&pair.world.operator, 8 * DAY_S).await;
    assert!(now(&pair.operator).await >= moved);
    let path = format!("/admin/v1/authorisations/{}", text(&held, "authId"));
    assert_eq!(pair.operator.get(&path).await.unwrap()["holdState"], "EXPIRED");
    // Each advance adds to the last one, wherever it was made.
    let moved = advance(&pair.operator, DAY_S).await;
    assert!(now(&pair.world.operator).await >= moved);
    advanced_by(&pair, 9 * DAY_S).await;

    // The second one goes on by itself: what falls due by the new time is done, and told.
    pair.world.terminate();
    pair.world.ended().await;
    let own = pair.world.sandbox()["enterprise"].clone();
    let (key, secret) = (text(&own, "apiKey"), text(&own, "secretKey"));
    pair.world.client = Client::new(&pair.second.public_url, &key, &secret).unwrap();
    let card_id = pair.world.card("order-2").await;
    let card = pair.operator.get(&format!("/admin/v1/cards/{card_id}")).await.unwrap();
    assert!(text(&card, "createdAt") >= moved, "{card}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_waits_for_no_dead_process_and_a_paused_one_follows_it() {
    let mut pair = Pair::new().await;
    pair.second.signal("STOP");
    let moved = advance(&pair.world.operator, DAY_S).await;
    pair.second.signal("CONT");
    let began = Instant::now();
    let mut before = now(&pair.operator).await;
    while before < moved {
        assert!(began.elapsed() < WAIT, "it does not follow");
        tokio::time::sleep(LOOK).await;
        let after = now(&pair.operator).await;
        assert!(before <= after, "business time went back");
        before = after;
    }
    pair.second.kill();
    advance(&pair.world.operator, DAY_S).await;
}

/// A process of the version before renews its lease and confirms nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_advance_that_a_process_does_not_confirm_is_unavailable_and_can_be_repeated() {
    let pair = Pair::new().await;
    let session = pair.engine.connect().await;
    let older = "INSERT INTO process (node, holder, identity, epoch, expires_at) \
        VALUES (900, 'older', 'older', 1, 9000000000000000)";
    session.execute(older, &[]).await.unwrap();
    let body = json!({ "seconds": DAY_S });
    let own = pair.world.sandbox();
    let keyed = async || {
        let url = format!("{}/sandbox/v1/clock/advance", text(&own, "admin_url"));
        let request = http().post(url).bearer_auth(text(&own, "admin_token"));
        let request = request.header("idempotency-key", "advance-1");
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(keyed().await, 503);
    session.execute("DELETE FROM process WHERE node = 900", &[]).await.unwrap();
    assert_eq!(keyed().await, 200);
    advanced_by(&pair, DAY_S).await;
}
