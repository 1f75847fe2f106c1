//! Rate limits of several processes on one PostgreSQL: what one has granted counts at the others
//! once it has told them.

use std::path::Path;
use std::time::{Duration, Instant};

use crypto::RsaPrivateKey;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::{Server, http};
use crate::world::{WAIT, World, text};

const PROXY: [&str; 2] = ["--trusted-proxies", "127.0.0.1/32"];
const LOOK: Duration = Duration::from_millis(100);
/// Less than the minute of the limits: what takes longer on a slow machine is tried again, as
/// another address.
const SOON: Duration = Duration::from_secs(50);
const TRIES: u8 = 10;

/// Three processes that know one another.
struct Cluster {
    engine: Engine,
    world: World,
    others: Vec<Server>,
    _directory: tempfile::TempDir,
}

impl Cluster {
    async fn new() -> Self {
        let engine = Engine::postgres().await;
        let world = World::new(&engine, &PROXY).await;
        let directory = tempfile::tempdir().unwrap();
        let start = |name: &str| process(&engine, &world, &directory.path().join(name));
        let others = vec![start("second"), start("third")];
        let cluster = Self { engine, world, others, _directory: directory };
        cluster.exchanged().await;
        cluster
    }

    /// Waits until every process has told the others what it has counted by now, and has heard
    /// what they told: each renews, then each renews after that, and has taken what it read before
    /// it renews once more.
    async fn exchanged(&self) {
        let session = self.engine.connect().await;
        let now = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
        for _ in 0..3 {
            let began = Instant::now();
            let since: i64 = session.query_one(now, &[]).await.unwrap().get(0);
            let told = "SELECT COUNT(*) FROM process WHERE limits_at > $1";
            while session.query_one(told, &[&since]).await.unwrap().get::<_, i64>(0) < 3 {
                assert!(began.elapsed() < WAIT, "a process does not tell");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// The public URL of a process.
    fn url(&self, number: usize) -> String {
        match number {
            0 => text(&self.world.sandbox(), "public_url"),
            other => self.others[other - 1].public_url.clone(),
        }
    }

    fn app(&self) -> Value {
        self.world.sandbox()["vm_app"].clone()
    }

    /// Asks a process for a token as this address; returns the answer.
    async fn token(&self, number: usize, address: &str, secret: &str) -> Value {
        let (url, app_id) = (self.url(number), text(&self.app(), "app_id"));
        let url = format!("{url}/getAccessToken?app_id={app_id}&app_secret={secret}");
        let answer = http().get(url).header("x-forwarded-for", address).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// Sends a process what it cannot read, as this address; returns the answer's code.
    async fn strike(&self, number: usize, address: &str, token: &str) -> i64 {
        let url = format!("{}/getAccountBalance", self.url(number));
        let request = http().post(url).header("authorization", token);
        let request = request.header("x-forwarded-for", address).body(r#"{"content":"00"}"#);
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()["code"].as_i64().unwrap()
    }
}

fn process(engine: &Engine, world: &World, own: &Path) -> Server {
    spawn(another(engine, world, own, &PROXY), own)
}

/// The codes of calls that a round makes one after the other.
async fn codes(count: usize, call: impl AsyncFn() -> i64) -> Vec<i64> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(call().await);
    }
    codes
}

/// Runs a round under a new address each time until one was short enough to be judged.
async fn in_time(round: impl AsyncFn(&str) -> (Vec<Vec<i64>>, Vec<Vec<i64>>)) {
    for number in 1..=TRIES {
        let began = Instant::now();
        let (found, expected) = round(&format!("203.0.113.{number}")).await;
        if began.elapsed() < SOON {
            assert_eq!(found, expected);
            return;
        }
    }
    panic!("this machine takes longer for a round than the limits for a window");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_at_one_process_count_at_the_others() {
    let cluster = Cluster::new().await;
    in_time(async |address| {
        let wrong =
            async |number| cluster.token(number, address, "wrong").await["code"].as_i64().unwrap();
        let first = codes(15, async || wrong(0).await).await;
        cluster.exchanged().await;
        let second = codes(6, async || wrong(1).await).await;
        cluster.exchanged().await;
        let third = codes(1, async || wrong(2).await).await;
        let other = wrong_as_another(&cluster).await;
        let rest = [vec![400_001; 5], vec![400_006]].concat();
        let expected = vec![vec![400_001; 15], rest, vec![400_006], vec![400_001]];
        (vec![first, second, third, vec![other]], expected)
    })
    .await;
}

/// A failure of an address that has not failed before.
async fn wrong_as_another(cluster: &Cluster) -> i64 {
    cluster.token(1, "198.51.100.7", "wrong").await["code"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_at_one_process_is_cut_off_at_all() {
    let cluster = Cluster::new().await;
    let key = RsaPrivateKey::generate(2_048).unwrap().public_key().to_pem();
    let path = format!("/admin/v1/vm-apps/{}", text(&cluster.app(), "app_id"));
    cluster.world.operator.patch(&path, &json!({ "merchantPublicKey": key })).await.unwrap();
    let secret = text(&cluster.app(), "app_secret");
    let token = text(&cluster.token(0, "198.51.100.7", &secret).await["data"], "token");
    in_time(async |address| {
        // A caller of one process has the whole limit, whatever others there are.
        let first = codes(101, async || cluster.strike(0, address, &token).await).await;
        cluster.exchanged().await;
        let second = codes(1, async || cluster.strike(1, address, &token).await).await;
        let third = codes(1, async || cluster.strike(2, address, &token).await).await;
        let other = cluster.strike(1, "198.51.100.7", &token).await;
        let expected = [vec![400; 100], vec![400_006]].concat();
        (
            vec![first, second, third, vec![other]],
            vec![expected, vec![400_006], vec![400_006], vec![400]],
        )
    })
    .await;
    no_caller_is_named(&cluster).await;
}

/// Nobody who reads the table learns who called.
async fn no_caller_is_named(cluster: &Cluster) {
    let session = cluster.engine.connect().await;
    let told = "SELECT COALESCE(limits, '') FROM process";
    let told: Vec<Vec<u8>> =
        session.query(told, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(told.iter().any(|bytes| !bytes.is_empty()));
    for address in [[203, 0, 113], [198, 51, 100]] {
        assert!(told.iter().all(|bytes| !bytes.windows(3).any(|part| part == address)));
    }
}
