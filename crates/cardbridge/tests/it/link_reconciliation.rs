//! Reconciliations by a link: an acquirer's totals are compared with ours.

use std::fs;
use std::time::Duration;

use domain::ResponseCode;
use iso8583::{FramingSettings, Message, Packager};
use serde_json::{Value, json};
use sim::Behaviour;
use tempfile::TempDir;
use testkit::database::counting_each;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::iso_peer::{Peer, Received, accepted, management, message};
use crate::link_advices::advice;
use crate::link_messages::until;
use crate::link_processes::{PATIENT, Pair};
use crate::link_reversals::{notices, on_both_engines, remaining, reversal};
use crate::links::{Bed, configured, is, metrics, table};
use crate::world::WAIT;

/// Pause between two looks at a link.
pub const LOOK: Duration = Duration::from_millis(20);
const OUT: &str = "cardbridge_link_reconciliation_out_total";

/// A reconciliation in USD, with these fields changed; an empty text removes one.
pub fn asking(mti: &str, stan: u32, fields: &[(u8, &str)]) -> Message {
    let stan = format!("{stan:06}");
    let mut own = message(
        mti,
        &[(7, "1130000500"), (11, &stan), (32, "412345"), (50, "840"), (99, "412345")],
    );
    for (number, text) in fields {
        if text.is_empty() {
            own.remove(*number);
        } else {
            own.set(*number, text.as_bytes()).unwrap();
        }
    }
    own
}

/// A cut-over with this number.
pub fn cut_over(mti: &str, stan: u32) -> Message {
    message(mti, &[(7, "1130000000"), (11, &format!("{stan:06}")), (70, "201")])
}

/// The settlement code.
pub fn verdict(answer: &Received) -> &str {
    assert_eq!(answer.message.mti().class(), 5);
    answer.text(66).unwrap_or_default()
}

/// Waits until it is on record what became of the answers so far. A connection notes that of one
/// answer before it writes the next.
pub async fn noted(bed: &Bed, peer: &mut Peer) {
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    until(bed, "delivery=PENDING", 0).await;
}

/// The result of the reconciliation with this number, once it is kept: that is after its answer.
pub async fn result(bed: &Bed, mti: &str, stan: &str) -> Value {
    let kept = async {
        loop {
            let last = bed.link("default").await["reconciliation"]["lastResult"].clone();
            if last["mti"] == mti && last["stan"] == stan {
                return last;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, kept).await.expect("the result is kept")
}

/// A sandbox whose network waits long enough for a slow machine.
pub async fn bed(engine: &Engine) -> (Bed, Peer, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", PATIENT));
    let bed = Bed::new(engine, &["--config", file.to_str().unwrap()]).await;
    let peer = bed.signed_on().await;
    (bed, peer, directory)
}

/// Numbers of debits (76) and of their reversals, what they come to, and the authorisations (81)
/// that a reconciliation with another number finds.
pub async fn ours(bed: &Bed, peer: &mut Peer, stan: u32, fields: &[(u8, &str)]) -> [u64; 5] {
    noted(bed, peer).await;
    let wrong = [&[(80, "9999999999")], fields].concat();
    let answer = peer.ask(&asking("0520", stan, &wrong)).await;
    assert_eq!(answer.outcome(), is("0530", "00"));
    assert_eq!(verdict(&answer), "2");
    [76, 88, 77, 89, 81].map(|number| answer.text(number).unwrap().parse().unwrap())
}

pub fn single(bed: &Bed, mti: &str, stan: u32, fields: &[(u8, &str)]) -> Message {
    let mut own = bed.changed(stan, fields);
    own.set_mti(message(mti, &[]).mti());
    own
}

/// A reversal of the single message of this number.
pub fn undone(bed: &Bed, mti: &str, stan: u32, original: u32, fields: &[(u8, &str)]) -> Message {
    let named = format!("0200{original:06}11291200010000041234500000000000");
    reversal(bed, mti, stan, original, &[&[(90, &*named)], fields].concat())
}

/// Sends messages that are all answered 00.
pub async fn accept(peer: &mut Peer, messages: &[Message]) {
    for message in messages {
        let (mti, code) = peer.outcome(message).await;
        assert_eq!(code, "00", "{mti} to {}", message.text(11).unwrap());
    }
}

/// One message of each kind, and more that do not count. In USD three debits of 85.50, of which two
/// are reversed by 48.00, two credits of 8.00, of which one is reversed by 3.00, an inquiry and
/// three authorisations.
async fn business(bed: &Bed, peer: &mut Peer) {
    let refund = |stan, minor| single(bed, "0200", stan, &[(3, "200000"), (4, minor)]);
    let none: [(u8, &str); 0] = [];
    accept(
        peer,
        &[
            single(bed, "0200", 1, &none),
            single(bed, "0201", 1, &none),
            // The advice of what was approved is the same message.
            advice(bed, "0220", 1, 1_550, &[]),
            bed.purchase(2),
            advice(bed, "0120", 3, 700, &[]),
            advice(bed, "0121", 3, 700, &[]),
            advice(bed, "0220", 4, 4_000, &[]),
            advice(bed, "0221", 4, 4_000, &[]),
            refund(5, "000000000500"),
            refund(6, "000000000300"),
            undone(bed, "0400", 106, 6, &[(3, "200000"), (4, "000000000300")]),
            single(bed, "0100", 9, &[(3, "310000"), (4, "000000000000")]),
        ],
    )
    .await;
    let part = |stan, minor| {
        let fields = [(4, "000000003000"), (95, &*remaining(minor))];
        undone(bed, "0420", stan, 8, &fields)
    };
    let whole = |mti| undone(bed, mti, 107, 4, &[(4, "000000004000")]);
    accept(
        peer,
        &[
            whole("0420"),
            whole("0421"),
            single(bed, "0200", 8, &[(4, "000000003000")]),
            part(108, 2_500),
            part(109, 2_200),
            // Nothing is left to give back.
            part(110, 2_500),
            // The reversal of an authorisation is none of a single message.
            bed.purchase(12),
            reversal(bed, "0400", 112, 12, &[]),
            // Other currencies and another acquirer.
            single(
                bed,
                "0200",
                13,
                &[(4, "000000000900"), (49, "978"), (6, "000000001000"), (51, "840")],
            ),
            single(bed, "0200", 14, &[(5, "000000000777"), (50, "978")]),
            single(bed, "0200", 15, &[(32, "999999")]),
            // What the network declined.
            advice(bed, "0220", 11, 100, &[(39, "05")]),
        ],
    )
    .await;
    bed.world.enterprise.answer(Behaviour::Answer(ResponseCode::NotAllowed));
    assert_eq!(peer.outcome(&single(bed, "0200", 10, &none)).await, is("0210", "05"));
    assert_eq!(peer.outcome(&bed.purchase(16)).await, is("0110", "05"));
    bed.world.enterprise.answer(Behaviour::APPROVE);
}

const TOTALS: [(u8, &str); 13] = [
    (74, "0000000002"),
    (75, "0000000001"),
    (76, "0000000003"),
    (77, "0000000003"),
    (78, "0000000000"),
    (79, "0000000000"),
    (80, "0000000001"),
    (81, "0000000003"),
    (86, "0000000000000800"),
    (87, "0000000000000300"),
    (88, "0000000000008550"),
    (89, "0000000000004800"),
    (97, "D0000000000003250"),
];

async fn totals_agree_or_differ(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine).await;
    business(&bed, &mut peer).await;
    noted(&bed, &mut peer).await;

    let agreeing = asking("0500", 900, &[&TOTALS[..], &[(15, "1129")]].concat());
    let answer = peer.ask(&agreeing).await;
    assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "00"), "1"));
    for number in [7, 11, 15, 32, 50, 99] {
        assert_eq!(answer.message.get(number), agreeing.get(number), "DE{number}");
    }
    for (number, _) in TOTALS {
        assert_eq!(answer.message.get(number), None, "DE{number}");
    }
    let last = result(&bed, "0500", "000900").await;
    assert!(!metrics(&bed.world).await.contains(OUT));
    assert_eq!((&last["verdict"], &last["differences"]), (&json!("AGREED"), &json!([])));

    let differing = [(76, "0000000004"), (88, "0000000000010100"), (97, "D0000000000004800")];
    for mti in ["0500", "0501"] {
        let answer = peer.ask(&asking(mti, 901, &differing)).await;
        assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "00"), "2"));
        for (number, text) in TOTALS {
            assert_eq!(answer.text(number), Some(text), "DE{number}");
        }
    }
    shows_the_difference(&bed).await;

    let euros = [(50, "978"), (76, "0000000002"), (81, "0000000000"), (88, "0000000000001677")];
    let answer = peer.ask(&asking("0520", 902, &euros)).await;
    assert_eq!((answer.outcome(), verdict(&answer)), (is("0530", "00"), "1"));
    // It has its turn once the results before it are kept and counted.
    let count = format!("{OUT}{{link=\"default\"}} 1");
    assert!(metrics(&bed.world).await.contains(&count), "the repeat is the same difference");
    let other = [(32, "00999999"), (76, "0000000001"), (97, "D0000000000001550")];
    assert_eq!(verdict(&peer.ask(&asking("0500", 903, &other)).await), "1");
    // The agreement of another message is the last result now, the difference is none of it.
    assert_eq!(result(&bed, "0500", "000903").await["acquirer"], "999999");
    bed.world.verify_ledger().await;
}

/// The link and the log name what differs, without card data.
async fn shows_the_difference(bed: &Bed) {
    let last = result(bed, "0501", "000901").await;
    for (key, wanted) in [
        ("mti", json!("0501")),
        ("acquirer", json!("412345")),
        ("stan", json!("000901")),
        ("settlementDate", Value::Null),
        ("currency", json!("840")),
        ("window", json!({ "from": null, "to": null })),
        ("verdict", json!("DIFFERENT")),
    ] {
        assert_eq!(last[key], wanted, "{key}: {last}");
    }
    let differences = [
        json!({ "field": 76, "given": "0000000004", "own": "0000000003" }),
        json!({ "field": 88, "given": "0000000000010100", "own": "0000000000008550" }),
        json!({ "field": 97, "given": "D0000000000004800", "own": "D0000000000003250" }),
    ];
    assert_eq!(last["differences"], json!(differences));
    let log = fs::read_to_string(bed.world.data_dir().with_extension("log")).unwrap();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("differ from ours")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in ["WARN", "default", "412345", "000901", "76 88 97"] {
        assert!(warnings[0].contains(part), "{part}: {warnings:?}");
    }
    assert!(!log.contains(&bed.pan));
}

/// An approval that nobody got counts to nothing, and neither does its reversal; a repeat that got
/// it counts.
async fn what_was_not_written_does_not_count(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    peer.send(&single(&bed, "0200", 1, &[])).await;
    peer.send(&single(&bed, "0200", 2, &[])).await;
    notices(&bed, 2).await;
    drop(peer);
    let gone = async {
        while !bed.link("default").await["connections"].as_array().unwrap().is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, gone).await.expect("the connection ends");
    for _ in 0..2 {
        bed.world.enterprise.release();
    }
    bed.world.enterprise.answer(Behaviour::APPROVE);
    until(&bed, "delivery=NOT_WRITTEN", 2).await;
    let mut peer = bed.signed_on().await;
    accept(&mut peer, &[undone(&bed, "0420", 101, 1, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [0; 5]);
    accept(&mut peer, &[single(&bed, "0201", 2, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 901, &[]).await, [1, 1_550, 0, 0, 0]);
    accept(&mut peer, &[undone(&bed, "0420", 102, 2, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 902, &[]).await, [1, 1_550, 1, 1_550, 0]);
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

async fn windows_are_between_cut_overs(engine: Engine) {
    let (mut bed, mut peer, _directory) = bed(&engine).await;
    let window = async |bed: &Bed| bed.link("default").await["reconciliation"]["window"].clone();
    let sale = |bed: &Bed, stan, minor: &str, fields: &[(u8, &str)]| {
        single(bed, "0200", stan, &[&[(4, minor)], fields].concat())
    };
    accept(&mut peer, &[sale(&bed, 1, "000000000100", &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [1, 100, 0, 0, 0]);

    assert_eq!(peer.outcome(&cut_over("0800", 1)).await, accepted());
    let first = window(&bed).await;
    assert!(first["from"].is_null() && first["to"].is_string(), "{first}");
    accept(&mut peer, &[sale(&bed, 2, "000000000200", &[])]).await;
    accept(&mut peer, &[sale(&bed, 3, "000000000400", &[(15, "1130")])]).await;
    assert_eq!(ours(&bed, &mut peer, 901, &[]).await, [1, 100, 0, 0, 0]);

    assert_eq!(peer.outcome(&cut_over("0820", 2)).await, is("0830", "00"));
    let second = window(&bed).await;
    assert_eq!(second["from"], first["to"]);
    assert_eq!(ours(&bed, &mut peer, 902, &[]).await, [1, 200, 0, 0, 0]);
    // A repeat, and the same on another connection, are no further cut-overs.
    assert_eq!(peer.outcome(&cut_over("0801", 2)).await, accepted());
    let mut other = bed.signed_on().await;
    assert_eq!(other.outcome(&cut_over("0800", 77)).await, accepted());
    assert_eq!(window(&bed).await, second);

    accept(&mut peer, &[sale(&bed, 4, "000000000800", &[(15, "1130")])]).await;
    accept(&mut peer, &[sale(&bed, 5, "000000001600", &[])]).await;
    drop((peer, other));
    bed.world.terminate();
    bed.world.ended().await;
    bed.world.start_again();
    assert_eq!(window(&bed).await, second);
    let last = bed.link("default").await["reconciliation"]["lastResult"].clone();
    assert_eq!(last["stan"], "000902");
    let mut peer = bed.signed_on().await;
    assert_eq!(ours(&bed, &mut peer, 903, &[]).await, [1, 200, 0, 0, 0]);
    // What has no date stands with each date, once.
    assert_eq!(ours(&bed, &mut peer, 904, &[(15, "1130")]).await, [3, 1_400, 0, 0, 0]);
    assert_eq!(ours(&bed, &mut peer, 905, &[(15, "1129")]).await, [1, 200, 0, 0, 0]);
}

on_both_engines! {
    totals_agree_or_differ: totals_agree_or_differ_on_sqlite, totals_agree_or_differ_on_postgresql;
    what_was_not_written_does_not_count:
        what_was_not_written_on_sqlite, what_was_not_written_on_postgresql;
    windows_are_between_cut_overs: windows_on_sqlite, windows_on_postgresql;
}

#[tokio::test]
async fn what_a_reconciliation_lacks_is_named() {
    let (bed, mut signed_on, _directory) = bed(&Engine::embedded()).await;
    let refusals = [
        (&[(50, "")][..], "050"),
        (&[(50, "XXX")], "050"),
        (&[(50, "000")], "050"),
        (&[(32, "")], "032"),
        (&[(7, "")], "007"),
        (&[(7, "1330000500")], "007"),
        (&[(13, "0230"), (12, "000000")], "013"),
        (&[(15, "0431")], "015"),
    ];
    for (fields, number) in refusals {
        let answer = signed_on.ask(&asking("0500", 1, fields)).await;
        assert_eq!(answer.outcome(), is("0510", "30"), "{fields:?}");
        assert_eq!((answer.text(44), answer.text(66)), (Some(number), None), "{fields:?}");
    }
    // A sign that is none cannot be decoded.
    let net = "D0000000000000000";
    let bytes = signed_on.encoded(&asking("0500", 2, &[(97, net)]));
    let text = String::from_utf8(bytes).unwrap().replace(net, "X0000000000000000");
    let frame = signed_on.framed(text.as_bytes());
    signed_on.send_bytes(&frame).await.unwrap();
    let answer = signed_on.receive().await.unwrap();
    assert_eq!((answer.outcome(), answer.text(44)), (is("0510", "30"), Some("097")));
    assert!(bed.link("default").await["reconciliation"]["lastResult"].is_null());

    let mut peer = Peer::connect(&bed.address("default")).await;
    let nothing = [(76, "0000000000"), (97, "D0000000000000000")];
    assert_eq!(peer.outcome(&asking("0500", 3, &nothing)).await, is("0510", "91"));
    let fact = peer.ask(&asking("0520", 4, &nothing)).await;
    assert_eq!((fact.outcome(), verdict(&fact)), (is("0530", "00"), "1"), "zero has no sign");
    let unsupported = [("0502", "0512"), ("0522", "0532")];
    for (mti, answered) in unsupported {
        assert_eq!(peer.outcome(&asking(mti, 5, &nothing)).await, is(answered, "40"));
    }
}

/// V20's shape, on a binary link.
#[tokio::test]
async fn a_reconciliation_as_v20_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let tables = table("binary", &format!("{PATIENT}\npackager = 'iso87binary'\nsign-on = 'none'"));
    let file = configured(&directory, &tables);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let stream = TcpStream::connect(bed.address("binary")).await.unwrap();
    let mut peer = Peer::over(stream, &FramingSettings::default()).speaking(Packager::Iso87Binary);
    let given = [
        (15, "1129"),
        (74, "0000000001"),
        (75, "0000000000"),
        (76, "0000000003"),
        (77, "0000000001"),
        (80, "0000000002"),
        (81, "0000000012"),
        (86, "0000000000002500"),
        (87, "0000000000000000"),
        (88, "0000000000061550"),
        (89, "0000000000020000"),
        (97, "D0000000000039050"),
    ];
    accept(&mut peer, &[single(&bed, "0200", 1, &[(15, "1129")])]).await;
    noted(&bed, &mut peer).await;
    let answer = peer.ask(&asking("0500", 103, &given)).await;
    assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "00"), "2"));
    let texts = [15, 76, 81, 88, 97, 99].map(|number| answer.text(number).unwrap());
    let wanted =
        ["1129", "0000000001", "0000000000", "0000000000001550", "D0000000000001550", "412345"];
    assert_eq!(texts, wanted);
}

/// Totals that cannot be computed: a sum that is too large, and a store that fails.
#[tokio::test]
async fn what_cannot_be_computed_says_so() {
    let engine = Engine::postgres().await;
    let (bed, mut peer, _directory) = bed(&engine).await;
    accept(&mut peer, &[single(&bed, "0200", 1, &[]), single(&bed, "0200", 2, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [2, 3_100, 0, 0, 0]);
    engine.tamper(&counting_each(i64::MAX)).await;
    let failed = |answer: Received| {
        assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "96"), "3"));
        assert_eq!((answer.text(76), answer.text(97)), (None, None));
    };
    failed(peer.ask(&asking("0500", 901, &[(76, "0000000002")])).await);
    let last = result(&bed, "0500", "000901").await;
    assert_eq!((&last["verdict"], &last["differences"]), (&json!("NOT_COMPUTED"), &json!([])));
    // Each fits an i64; the field has 16 digits.
    engine.tamper(&counting_each(5_000_000_000_000_000)).await;
    failed(peer.ask(&asking("0500", 902, &[])).await);
    engine.tamper(&counting_each(100)).await;
    assert_eq!(ours(&bed, &mut peer, 903, &[]).await, [2, 200, 0, 0, 0]);
    engine.tamper("ALTER TABLE link_message RENAME TO hidden").await;
    failed(peer.ask(&asking("0501", 904, &[])).await);
    engine.tamper("ALTER TABLE link_cut_over RENAME TO hidden_too").await;
    assert_eq!(peer.outcome(&cut_over("0800", 1)).await, is("0810", "96"));
}

/// A store that does not answer in time.
#[tokio::test]
async fn totals_that_are_late_say_so() {
    let engine = Engine::postgres().await;
    let directory = tempfile::tempdir().unwrap();
    let hurried = table("default", "response-time-ms = 12000\nanswer-margin-ms = 9000");
    let file = configured(&directory, &hurried);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let mut session = engine.connect().await;
    let held = session.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE link_message IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let answer = peer.ask(&asking("0500", 900, &[])).await;
    assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "96"), "3"));
    assert_eq!(result(&bed, "0500", "000900").await["verdict"], "NOT_COMPUTED");
    held.rollback().await.unwrap();
    // A slow machine is late again.
    let computed = async { while verdict(&peer.ask(&asking("0500", 901, &[])).await) != "1" {} };
    timeout(WAIT, computed).await.expect("the totals are computed");
}

/// Links of one network carry the messages of one; those of another network are another's.
#[tokio::test]
async fn the_messages_of_all_links_of_a_network_count() {
    let directory = tempfile::tempdir().unwrap();
    let shared = format!("{PATIENT}\nnetwork = 'n'");
    let tables = [table("one", &shared), table("two", &shared), table("other", PATIENT)];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut one = Peer::signed_on(&bed.address("one")).await;
    let mut two = Peer::signed_on(&bed.address("two")).await;
    let mut other = Peer::signed_on(&bed.address("other")).await;
    accept(&mut one, &[single(&bed, "0200", 1, &[])]).await;
    accept(&mut two, &[single(&bed, "0200", 2, &[]), single(&bed, "0201", 1, &[])]).await;
    accept(&mut other, &[bed.purchase(3)]).await;
    assert_eq!(ours(&bed, &mut two, 900, &[]).await, [2, 3_100, 0, 0, 0]);
    assert_eq!(ours(&bed, &mut other, 900, &[]).await, [0, 0, 0, 0, 1]);
    // A cut-over closes the window of its own link.
    assert_eq!(two.outcome(&cut_over("0800", 1)).await, accepted());
    accept(&mut one, &[single(&bed, "0200", 4, &[])]).await;
    assert_eq!(ours(&bed, &mut one, 901, &[]).await, [3, 4_650, 0, 0, 0]);
    assert_eq!(ours(&bed, &mut two, 902, &[]).await, [2, 3_100, 0, 0, 0]);
}

/// Two processes with one store are one host: what either answered counts, and a cut-over that one
/// was told closes the window of both.
#[tokio::test(flavor = "multi_thread")]
async fn totals_are_those_of_all_processes() {
    let mut pair = Pair::new().await;
    let Pair { bed, peers: [one, two], .. } = &mut pair;
    accept(one, &[single(bed, "0200", 1, &[])]).await;
    accept(two, &[single(bed, "0200", 2, &[]), single(bed, "0201", 1, &[])]).await;
    assert_eq!(ours(bed, one, 900, &[]).await, [2, 3_100, 0, 0, 0]);
    assert_eq!(one.outcome(&cut_over("0800", 1)).await, accepted());
    accept(one, &[single(bed, "0200", 3, &[])]).await;
    assert_eq!(ours(bed, two, 901, &[]).await, [2, 3_100, 0, 0, 0]);
    // Both ends of a peer announce the same cut-over.
    assert_eq!(two.outcome(&cut_over("0800", 55)).await, accepted());
    assert_eq!(ours(bed, one, 902, &[]).await, [2, 3_100, 0, 0, 0]);
    accept(two, &[single(bed, "0200", 4, &[])]).await;
    assert_eq!(one.outcome(&cut_over("0800", 2)).await, accepted());
    assert_eq!(ours(bed, two, 903, &[]).await, [2, 3_100, 0, 0, 0]);
    // The other process compared them.
    let last = result(bed, "0520", "000903").await;
    assert_eq!(last["window"], bed.link("default").await["reconciliation"]["window"]);
}

/// A cut-over of ours closes the window once a peer agrees.
#[tokio::test]
async fn an_operator_announces_a_cut_over_and_asks_for_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let file =
        configured(&directory, &table("default", &format!("{PATIENT}\nacquirer = '00412345'")));
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let call = async |action: &str| {
        let path = format!("/admin/v1/links/default/{action}");
        bed.world.operator.post(&path, &json!({})).await.unwrap()
    };
    let window = async || bed.link("default").await["reconciliation"]["window"].clone();
    accept(&mut peer, &[single(&bed, "0200", 1, &[])]).await;
    let (answers, asked) = tokio::join!(call("cut-over"), peer.answer_management("201", "91"));
    assert_eq!(answers["items"][0]["responseCode"], "91");
    assert_eq!((asked.text(32), asked.text(41)), (Some("00412345"), None));
    assert_eq!(window().await, json!({ "from": null, "to": null }), "the peer did not agree");
    let (answers, _) = tokio::join!(call("cut-over"), peer.answer_management("201", "00"));
    assert_eq!(answers["items"][0]["responseCode"], "00");
    let closed = window().await;
    assert!(closed["from"].is_null() && closed["to"].is_string(), "{closed}");
    accept(&mut peer, &[single(&bed, "0200", 2, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [1, 1_550, 0, 0, 0]);
    // The peer announces the same one.
    assert_eq!(peer.outcome(&cut_over("0800", 1)).await, accepted());
    assert_eq!(window().await, closed);

    // An operator means each one. Those of the same second are one message sent again.
    let spoken = Duration::from_millis(1_100);
    tokio::time::sleep(spoken).await;
    tokio::join!(call("cut-over"), peer.answer_management("201", "00"));
    let later = window().await;
    assert_eq!(later["from"], closed["to"], "{later}");

    let (answers, asked) = tokio::join!(call("key-request"), peer.answer_management("161", "00"));
    assert_eq!(answers["items"][0]["responseCode"], "00");
    assert_eq!(asked.text(32), Some("00412345"));
    assert_eq!(peer.outcome(&crate::iso_peer::management("161")).await, is("0810", "40"));
}
