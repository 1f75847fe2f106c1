//! `kill -9` under load, then a start: nothing that was answered is lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ResponseCode;
use sdk::Operator;
use serde_json::{Value, json};
use sim::Behaviour;
use testkit::database::is_long;

use crate::engine::Engine;
use crate::world::{WAIT, World, purchase, text};

/// Kills of the server, by default and with full counts.
const ROUNDS: [usize; 2] = [3, 25];
/// Concurrent purchases.
const CALLERS: usize = 16;
/// Number of answers that each round's load gets before the kill.
const ANSWERS_BEFORE_KILL: usize = 60;
/// The enterprise's time to answer, so a kill always interrupts some purchases.
const THINKING: Duration = Duration::from_millis(40);

/// The answers to the network: by its key's number, the authId and whether approved.
pub type Answers = BTreeMap<usize, (String, bool)>;

/// A purchase of 1.00 with the network's key number `n`.
pub fn keyed(card_id: &str, n: usize) -> Value {
    let mut body = purchase(card_id, "1.00");
    body["stan"] = json!(format!("{:06}", n % 1_000_000));
    body["rrn"] = json!(format!("{n:012}"));
    body
}

async fn buy(operator: &Operator, card_id: &str, n: usize) -> Option<(String, bool)> {
    let answer = operator.post("/sandbox/v1/authorisations", &keyed(card_id, n)).await.ok()?;
    Some((text(&answer, "authId"), answer["approved"].as_bool().unwrap()))
}

/// Buys from many callers, kills the server meanwhile, and returns the answers and the keys that
/// got none.
async fn load_and_kill(world: &mut World, card_id: &str, next: &Arc<AtomicUsize>) -> Round {
    let stop = Arc::new(AtomicBool::new(false));
    let round = Arc::new(Mutex::new(Round::default()));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (operator, card_id) = (world.operator.clone(), card_id.to_owned());
            let (next, stop, round) = (Arc::clone(next), Arc::clone(&stop), Arc::clone(&round));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let answer = buy(&operator, &card_id, n).await;
                    let mut round = round.lock().unwrap();
                    match answer {
                        Some(answer) => drop(round.answered.insert(n, answer)),
                        None => round.unanswered.push(n),
                    }
                }
            })
        })
        .collect();
    while round.lock().unwrap().answered.len() < ANSWERS_BEFORE_KILL {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.kill();
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    Arc::try_unwrap(round).ok().unwrap().into_inner().unwrap()
}

#[derive(Default)]
struct Round {
    answered: Answers,
    unanswered: Vec<usize>,
}

/// Every authorisation of the card, by id.
pub async fn authorisations(operator: &Operator, card_id: &str) -> HashMap<String, Value> {
    let items = listed(operator, &format!("/admin/v1/authorisations?cardId={card_id}")).await;
    items.into_iter().map(|item| (text(&item, "authId"), item)).collect()
}

/// Every item of a list of the operator API, oldest first; `path` has a query.
pub async fn listed(operator: &Operator, path: &str) -> Vec<Value> {
    let first = format!("{path}&order=asc");
    let (mut all, mut path) = (Vec::new(), first.clone());
    loop {
        let page = operator.get(&path).await.unwrap();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return all,
        }
    }
}

async fn nothing_is_lost(engine: Engine) {
    let mut world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    world.enterprise.answer(Behaviour::Late(ResponseCode::Approved, THINKING));
    let next = Arc::new(AtomicUsize::new(1));
    let (mut answered, mut cut_off) = (Answers::new(), 0);
    let rounds = ROUNDS[usize::from(is_long())];
    for _ in 0..rounds {
        let round = load_and_kill(&mut world, &card_id, &next).await;
        assert!(!round.answered.is_empty() && !round.unanswered.is_empty());
        world.start_again();
        // The network repeats what was not answered: each key has one answer from now on.
        for n in round.unanswered {
            cut_off += 1;
            answered.insert(n, buy(&world.operator, &card_id, n).await.unwrap());
        }
        answered.extend(round.answered);
    }
    assert!(cut_off >= rounds);
    check(&world, &card_id, &answered).await;
}

async fn check(world: &World, card_id: &str, answered: &Answers) {
    let notices = world.enterprise.notice_count();
    for (n, answer) in answered {
        assert_eq!(buy(&world.operator, card_id, *n).await.as_ref(), Some(answer), "key {n}");
    }
    assert_eq!(world.enterprise.notice_count(), notices, "a repeated key asks nobody");

    let stored = authorisations(&world.operator, card_id).await;
    assert_eq!(stored.len(), answered.len(), "one authorisation per key");
    for (auth_id, approved) in answered.values() {
        let status = text(&stored[auth_id], "status");
        assert_eq!(status, if *approved { "APPROVED" } else { "DECLINED" }, "{auth_id}");
    }
    let approved = answered.values().filter(|(_, approved)| *approved).count();
    assert!(approved > 0);
    assert_eq!(world.available().await, format!("{}.00", 100_000 - approved));
    world.verify_ledger().await;
    every_result_arrives(world, answered).await;
}

/// Each decided authorisation has its result webhook, and all its webhooks agree.
pub async fn every_result_arrives(world: &World, answered: &Answers) {
    let wanted: HashMap<&str, &str> = answered
        .values()
        .map(|(auth_id, approved)| (&**auth_id, if *approved { "A" } else { "D" }))
        .collect();
    let mut missing = wanted.len();
    let arrived = world.enterprise.wait_for(WAIT, |webhooks| {
        let arrived: HashMap<_, _> = webhooks
            .iter()
            .filter(|webhook| webhook.webhook_type() == "AUTHORISATION_RESULT")
            .map(|webhook| (webhook.business_id(), webhook.text("/data/approveFlag")))
            .collect();
        missing = wanted.keys().filter(|auth_id| !arrived.contains_key(**auth_id)).count();
        (missing == 0).then_some(())
    });
    assert!(arrived.await.is_some(), "{missing} results never arrived");
    for webhook in world.enterprise.webhooks() {
        assert!(webhook.is_signed);
        if let Some(flag) = wanted.get(webhook.business_id()) {
            assert_eq!(webhook.text("/data/approveFlag"), *flag);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_nothing_on_the_embedded_store() {
    nothing_is_lost(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_nothing_on_postgresql() {
    let engine = Engine::postgres().await;
    nothing_is_lost(engine).await;
}

async fn an_undecided_one_is_declined(engine: Engine) {
    let mut world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    world.enterprise.answer(Behaviour::Silent);
    let (operator, body) = (world.operator.clone(), keyed(&card_id, 1));
    let buying =
        tokio::spawn(async move { operator.post("/sandbox/v1/authorisations", &body).await });
    while world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.available().await, "99999.00", "the hold is taken before asking");
    world.crash();
    assert!(buying.await.unwrap().is_err());

    assert_eq!(world.available().await, "100000.00", "the hold is given back before ready");
    let stored = authorisations(&world.operator, &card_id).await;
    let (auth_id, authorisation) = stored.iter().next().expect("one authorisation");
    assert_eq!(text(authorisation, "status"), "DECLINED");
    let webhook = world.enterprise.wait_for_webhook(WAIT, |w| w.business_id() == auth_id).await;
    let webhook = webhook.expect("its result webhook arrives");
    assert_eq!(webhook.text("/data/approveFlag"), "D");
    assert_eq!(webhook.text("/data/rejectReason"), "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT");
    let repeated = buy(&world.operator, &card_id, 1).await;
    assert_eq!(repeated, Some((auth_id.clone(), false)));
    world.verify_ledger().await;
}

#[tokio::test]
async fn a_start_declines_what_a_crash_left_undecided_on_the_embedded_store() {
    an_undecided_one_is_declined(Engine::embedded()).await;
}

#[tokio::test]
async fn a_start_declines_what_a_crash_left_undecided_on_postgresql() {
    let engine = Engine::postgres().await;
    an_undecided_one_is_declined(engine).await;
}
