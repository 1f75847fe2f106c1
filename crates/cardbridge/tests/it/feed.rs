//! The feed of events: whoever follows it sees what happened in all processes, once, also if the
//! one that numbers it dies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sdk::Operator;
use serde_json::{Value, json};

use crate::crash::listed;
use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::world::{WAIT, World, purchase, text};

const LOOK: Duration = Duration::from_millis(50);
/// Purchases of each of two callers.
const PURCHASES: usize = 40;

/// Follows the feed from its beginning.
struct Reader {
    operator: Operator,
    seen: Vec<Value>,
}

impl Reader {
    fn new(operator: Operator) -> Self {
        Self { operator, seen: Vec::new() }
    }

    /// Reads on once; a server that is away is asked again later.
    async fn go_on(&mut self) {
        let after = self.seen.last().map_or_else(|| "0".to_owned(), |it| text(it, "position"));
        let path = format!("/admin/v1/events?order=asc&limit=7&cursor=asc-{after}");
        if let Ok(page) = self.operator.get(&path).await {
            self.seen.extend(page["items"].as_array().unwrap().iter().cloned());
        }
    }

    /// Reads on until this holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        let began = Instant::now();
        while !holds(&self.seen) {
            assert!(began.elapsed() < WAIT, "{what}: {:?}", self.seen);
            self.go_on().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The kinds of an object's events, in order.
    fn of(&self, field: &str, id: &str) -> Vec<String> {
        let of_it = self.seen.iter().filter(|it| it[field] == id);
        of_it.map(|it| text(it, "kind")).collect()
    }

    /// Positions and numbers have no gaps and do not repeat.
    fn is_whole(&self) {
        let mut numbers = BTreeMap::new();
        for (position, it) in (1..).zip(&self.seen) {
            assert_eq!(text(it, "position"), position.to_string());
            let number = numbers.entry(it["enterpriseId"].to_string()).or_insert(0);
            *number += 1;
            assert_eq!(text(it, "number"), number.to_string());
        }
    }
}

async fn one_purchase_is_followed_from_its_hold_to_its_clearing(engine: Engine) {
    let world = World::new(&engine, &[]).await;
    let card_id = world.card("ord-1").await;
    let body = purchase(&card_id, "10.00");
    let bought = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    let auth_id = text(&bought, "authId");
    let path = format!("/sandbox/v1/authorisations/{auth_id}/clear");
    world.operator.post(&path, &json!({})).await.unwrap();
    let mut reader = Reader::new(world.operator.clone());
    let is_over = |seen: &[Value]| {
        let queued = seen.iter().filter(|it| it["kind"] == "webhook.queued").count();
        let delivered = seen.iter().filter(|it| it["kind"] == "webhook.delivered").count();
        seen.iter().any(|it| it["kind"] == "authorisation.posted") && queued == delivered
    };
    reader.until("posted and told", is_over).await;
    reader.is_whole();
    let expected = ["authorisation.begun", "authorisation.approved", "authorisation.posted"];
    assert_eq!(reader.of("authId", &auth_id), expected);
    let sent = listed(&world.operator, "/admin/v1/webhook-deliveries?limit=50").await;
    assert!(sent.iter().any(|it| it["businessId"] == auth_id.as_str()));
    for webhook in sent {
        let told = reader.of("webhookId", &text(&webhook, "webhookId"));
        assert_eq!(told, ["webhook.queued", "webhook.delivered"], "{webhook}");
    }
    let enterprise = world.enterprise_id();
    let path = format!("/admin/v1/events?enterpriseId={enterprise}&limit=1");
    let newest = world.operator.get(&path).await.unwrap();
    assert_eq!(newest["items"][0], *reader.seen.last().unwrap());
    assert_eq!(newest["nextCursor"], newest["items"][0]["number"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_purchase_is_followed_from_its_hold_to_its_clearing_on_sqlite() {
    one_purchase_is_followed_from_its_hold_to_its_clearing(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_purchase_is_followed_from_its_hold_to_its_clearing_on_postgresql() {
    one_purchase_is_followed_from_its_hold_to_its_clearing(Engine::postgres().await).await;
}

/// Buys again and again; returns the authorisations that were answered.
async fn buy(operator: Operator, card_id: String) -> Vec<String> {
    let mut answered = Vec::new();
    for _ in 0..PURCHASES {
        let body = purchase(&card_id, "1.00");
        if let Ok(bought) = operator.post("/sandbox/v1/authorisations", &body).await {
            answered.push(text(&bought, "authId"));
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_numbers_dies_and_nothing_is_missed() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &["--node", "7"]).await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("second");
    // The lower number: it is the one that numbers events.
    let mut second = spawn(another(&engine, &world, &own, &["--node", "3"]), &own);
    let token = text(&world.sandbox(), "admin_token");
    let at_second = Operator::new(&second.admin_url, &token).unwrap();
    let card_id = world.card("ord-1").await;
    let mut reader = Reader::new(world.operator.clone());
    let first = tokio::spawn(buy(world.operator.clone(), card_id.clone()));
    let other = tokio::spawn(buy(at_second, card_id.clone()));
    let decided = |seen: &[Value]| {
        let is_decision = |it: &&Value| it["kind"] == "authorisation.approved";
        seen.iter().filter(is_decision).count()
    };
    reader.until("some decisions", |seen| decided(seen) >= PURCHASES / 4).await;
    second.kill();
    let answered = [first.await.unwrap(), other.await.unwrap()].concat();
    assert!(answered.len() >= PURCHASES);
    let list = format!("/admin/v1/authorisations?cardId={card_id}");
    let began = Instant::now();
    let all = loop {
        let all = listed(&world.operator, &list).await;
        if all.iter().all(|it| it["status"] != "PENDING") {
            break all;
        }
        assert!(began.elapsed() < WAIT, "undecided");
        tokio::time::sleep(LOOK).await;
    };
    let sent = |seen: &[Value], kind: &str| seen.iter().filter(|it| it["kind"] == kind).count();
    let is_over = |seen: &[Value]| {
        let told = sent(seen, "authorisation.approved") + sent(seen, "authorisation.declined");
        told >= all.len() && sent(seen, "webhook.queued") == sent(seen, "webhook.delivered")
    };
    reader.until("everything", is_over).await;
    reader.is_whole();
    for it in &all {
        let told = reader.of("authId", &text(it, "authId"));
        let end = text(it, "status").to_lowercase();
        assert_eq!(told.last(), Some(&format!("authorisation.{end}")), "{it}");
        assert!(told.len() <= 2, "{told:?}");
    }
    let missing = |id: &&String| reader.of("authId", id).is_empty();
    assert_eq!(answered.iter().find(missing), None);
    for webhook in listed(&world.operator, "/admin/v1/webhook-deliveries?limit=500").await {
        let told = reader.of("webhookId", &text(&webhook, "webhookId"));
        assert_eq!(told.iter().filter(|kind| *kind == "webhook.queued").count(), 1, "{webhook}");
    }
    world.verify_ledger().await;
}
