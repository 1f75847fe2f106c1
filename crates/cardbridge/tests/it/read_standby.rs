//! A real standby that lags: what may be read there is, and what needs the newest rows waits.

use std::time::{Duration, Instant};

use domain::{BusinessDay, Clock};
use sdk::Operator;
use serde_json::{Value, json};

use crate::cluster::{Cluster, TRUSTED};
use crate::engine::Engine;
use crate::world::{WAIT, World, purchase, text};

/// Long enough for a cut that does not wait to be over.
const MOMENT: Duration = Duration::from_secs(2);

struct Bed {
    primary: Cluster,
    standby: Option<Cluster>,
    world: World,
    card_id: String,
    day: String,
}

impl Bed {
    async fn new() -> Self {
        let primary = Cluster::start(&[], TRUSTED, &[]).await;
        let standby = primary.standby("reader").await;
        primary.until_streaming().await;
        let [url, aside] = [&primary, &standby].map(|it| it.url("127.0.0.1", ""));
        let options = ["--database-url", &url, "--read-database-url", &aside];
        let world = World::new(&Engine::embedded(), &options).await;
        Self::with(primary, Some(standby), world).await
    }

    async fn with(primary: Cluster, standby: Option<Cluster>, world: World) -> Self {
        let card_id = world.card("ord-1").await;
        // Noon, so the day does not end meanwhile.
        let now = Clock::system().now();
        let noon = BusinessDay::of(now).end().plus_seconds(12 * 60 * 60);
        let seconds = noon.millis_since(now) / 1_000;
        let advance = json!({ "seconds": seconds });
        world.operator.post("/sandbox/v1/clock/advance", &advance).await.unwrap();
        Self { primary, standby, world, card_id, day: BusinessDay::of(noon).to_string() }
    }

    async fn cleared(&self) {
        let body = purchase(&self.card_id, "10.00");
        let bought = self.world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
        assert_eq!(bought["approved"], true, "{bought}");
        let path = format!("/sandbox/v1/authorisations/{}/clear", text(&bought, "authId"));
        self.world.operator.post(&path, &json!({})).await.unwrap();
    }

    fn standby(&self) -> &Cluster {
        self.standby.as_ref().expect("a standby")
    }

    async fn on_standby(&self, sql: &str) -> i64 {
        self.standby().connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn pause_replay(&self) {
        self.standby().execute(&["SELECT pg_wal_replay_pause()"]).await;
        let paused = "SELECT pg_is_wal_replay_paused()";
        self.standby().until(paused).await;
    }

    async fn resume_replay(&self) {
        self.standby().execute(&["SELECT pg_wal_replay_resume()"]).await;
    }

    async fn verified(&self) -> Value {
        let report = self.world.operator.get("/admin/v1/ledger/verify").await.unwrap();
        assert_eq!(report["ok"], true, "{report}");
        report
    }
}

/// Closes the day; returns the rows of its two files.
async fn close(operator: Operator, day: String) -> Vec<Value> {
    let closed = operator.post("/admin/v1/recon/close-day", &json!({ "date": day })).await;
    let closed = closed.unwrap();
    closed["files"].as_array().unwrap().iter().map(|file| file["rows"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_waits_for_the_standby_and_a_verification_does_not() {
    let bed = Bed::new().await;
    bed.cleared().await;
    let scans = "SELECT COALESCE(SUM(idx_scan + seq_scan), 0)::bigint FROM pg_stat_user_tables \
        WHERE relname IN ('authorisation', 'posting')";
    let before = bed.on_standby(scans).await;
    bed.pause_replay().await;
    let old = bed.verified().await;
    bed.cleared().await;
    assert_eq!(bed.verified().await, old, "the state of the standby, which agrees with itself");

    let cut = tokio::spawn(close(bed.world.operator.clone(), bed.day.clone()));
    tokio::time::sleep(MOMENT).await;
    assert!(!cut.is_finished(), "it waits for the second purchase");
    bed.resume_replay().await;
    assert_eq!(cut.await.unwrap(), [json!(2), json!(2)]);
    // A server tells of its reads a moment later.
    let began = Instant::now();
    while bed.on_standby(scans).await == before {
        assert!(began.elapsed() < WAIT, "the rows were not read from the standby");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let verify = format!("/admin/v1/recon/verify?date={}", bed.day);
    let report = bed.world.operator.get(&verify).await.unwrap();
    assert_eq!(report["ok"], true, "{report}");
    assert_ne!(bed.verified().await, old);
}

/// Another cluster's standby, far ahead in its own log, has not what was committed here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_is_cut_from_the_standby_of_another_cluster() {
    let other = Bed::new().await;
    for _ in 0..3 {
        other.cleared().await;
    }
    assert_eq!(close(other.world.operator.clone(), other.day.clone()).await, [json!(3), json!(3)]);
    let primary = Cluster::start(&[], TRUSTED, &[]).await;
    let [url, aside] = [&primary, other.standby()].map(|it| it.url("127.0.0.1", ""));
    let options = ["--database-url", &url, "--read-database-url", &aside, "--log", "warn"];
    let world = World::new(&Engine::embedded(), &options).await;
    let bed = Bed::with(primary, None, world).await;
    bed.cleared().await;
    assert_eq!(close(bed.world.operator.clone(), bed.day.clone()).await, [json!(1), json!(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_standby_a_day_is_cut_where_writes_go() {
    let bed = Bed::new().await;
    bed.cleared().await;
    let Bed { primary, standby, world, day, .. } = bed;
    drop(standby);
    assert_eq!(close(world.operator.clone(), day).await, [json!(1), json!(1)]);
    world.verify_ledger().await;
    drop(world);
    drop(primary);
}
