//! Two processes with one store, each with the same link: together they are one host.

use domain::ResponseCode;
use iso8583::Message;
use sim::Behaviour;
use tempfile::TempDir;
use testkit::database::is_long;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::{Peer, Received, message};
use crate::link_advices::{advice, naming};
use crate::link_reversals::{notices, reversal};
use crate::links::{Bed, configured, is, table};
use crate::node_numbers::{another, spawn};
use crate::server::{Server, sandbox_json};
use crate::world::text;

/// Messages that both processes get, and pairs of an authorisation and its reversal, by default
/// and with full counts.
const COUNTS: [u32; 2] = [40, 1_000];
/// The network waits long enough for a slow machine.
pub const PATIENT: &str = "response-time-ms = 60000";

/// Two processes, and a peer of each.
pub struct Pair {
    pub bed: Bed,
    pub peers: [Peer; 2],
    pub second: Server,
    _directory: TempDir,
}

impl Pair {
    pub async fn new() -> Self {
        let engine = Engine::postgres().await;
        let directory = tempfile::tempdir().unwrap();
        let file = configured(&directory, &table("default", PATIENT));
        let options = ["--config", file.to_str().unwrap()];
        let bed = Bed::new(&engine, &options).await;
        let own = directory.path().join("data");
        let options = [&options[..], &["--node", "7"]].concat();
        let second = spawn(another(&engine, &bed.world, &own, &options), &own);
        let other = text(&sandbox_json(&own)["links"], "default");
        let peers = [bed.signed_on().await, Peer::signed_on(&other).await];
        Self { bed, peers, second, _directory: directory }
    }

    async fn answers(&mut self) -> [Received; 2] {
        let [one, two] = &mut self.peers;
        [one.receive().await.unwrap(), two.receive().await.unwrap()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_to_two_processes_is_decided_once() {
    let mut pair = Pair::new().await;
    let count = COUNTS[usize::from(is_long())];
    let mut approved = 0;
    for stan in 1..=count {
        let purchase = pair.bed.changed(stan, &[(4, "000000000100")]);
        for peer in &mut pair.peers {
            peer.send(&purchase).await;
        }
        let [one, two] = pair.answers().await;
        assert_eq!(one.outcome(), two.outcome(), "{stan}");
        assert_eq!(one.text(38), two.text(38), "{stan}");
        approved += u32::from(one.outcome() == is("0110", "00"));
    }
    assert!(approved > 0);
    assert!(pair.bed.world.enterprise.notice_count() <= count as usize, "asked once");
    assert_eq!(pair.bed.world.available().await, format!("{}.00", 100_000 - approved));
    pair.bed.world.verify_ledger().await;
}

/// What the dead process had not decided is answered by nobody until it starts again, and then as a
/// decline; all else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_is_killed_and_the_other_goes_on() {
    let mut pair = Pair::new().await;
    let [one, two] = &mut pair.peers;
    let first = one.ask(&pair.bed.purchase(1)).await;
    assert_eq!(first.outcome(), is("0110", "00"));
    let enterprise = &pair.bed.world.enterprise;
    enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    one.send(&pair.bed.purchase(2)).await;
    notices(&pair.bed, 2).await;
    pair.bed.world.kill();
    assert!(one.receive().await.is_none(), "the connection ends with its process");

    let enterprise = &pair.bed.world.enterprise;
    enterprise.answer(Behaviour::APPROVE);
    let again = two.ask(&repeated(pair.bed.purchase(1))).await;
    assert_eq!((again.outcome(), again.text(38)), (is("0110", "00"), first.text(38)));
    assert_eq!(two.outcome(&pair.bed.purchase(3)).await, is("0110", "00"));
    assert_eq!(two.outcome(&advice(&pair.bed, "0220", 4, 100, &[])).await, is("0230", "00"));
    let undo = reversal(&pair.bed, "0420", 500_001, 1, &[]);
    assert_eq!(two.outcome(&undo).await, is("0430", "00"));
    two.send(&repeated(pair.bed.purchase(2))).await;
    pair.bed.world.start_again();
    let ended = two.receive().await.unwrap();
    assert_eq!(ended.outcome(), is("0110", "96"), "it broke off with its process");
    assert_eq!(pair.bed.world.available().await, "99983.50");
    pair.bed.world.verify_ledger().await;
}

pub fn repeated(mut request: Message) -> Message {
    request.set_mti(message("0101", &[]).mti());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_to_another_process_leaves_nothing() {
    let mut pair = Pair::new().await;
    let count = COUNTS[usize::from(is_long())];
    for stan in 1..=count {
        let mti = if stan % 4 < 2 { "0100" } else { "0200" };
        let mut buy = pair.bed.purchase(stan);
        buy.set_mti(message(mti, &[]).mti());
        let undo = reversal(&pair.bed, "0420", 500_000 + stan, stan, &[(90, &naming(mti, stan))]);
        let messages = if stan % 2 == 0 { [buy, undo] } else { [undo, buy] };
        for (peer, message) in pair.peers.iter_mut().zip(&messages) {
            peer.send(message).await;
        }
        for answer in pair.answers().await {
            let (mti, code) = answer.outcome();
            assert!(mti != "0430" || code == "00", "{stan}: {mti} {code}");
        }
    }
    assert_eq!(pair.bed.world.available().await, "100000.00");
    let all = authorisations(&pair.bed.world.operator, &pair.bed.card_id).await;
    assert!(all.values().all(|it| it["holdState"] != "PENDING"), "{all:?}");
    pair.bed.world.verify_ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advice_to_another_process_holds_once() {
    let mut pair = Pair::new().await;
    let count = COUNTS[usize::from(is_long())];
    for stan in 1..=count {
        let buy = pair.bed.changed(stan, &[(4, "000000000100")]);
        let fact = advice(&pair.bed, "0120", stan, 100, &[]);
        let messages = if stan % 2 == 0 { [buy, fact] } else { [fact, buy] };
        for (peer, message) in pair.peers.iter_mut().zip(&messages) {
            peer.send(message).await;
        }
        for answer in pair.answers().await {
            let (mti, code) = answer.outcome();
            // The request is answered before the advice, by it, or superseded by it.
            let codes: &[&str] = if mti == "0130" { &["00"] } else { &["00", "05"] };
            assert!(codes.contains(&&*code), "{stan}: {mti} {code}");
        }
    }
    assert_eq!(pair.bed.world.available().await, format!("{}.00", 100_000 - count));
    pair.bed.world.verify_ledger().await;
}
