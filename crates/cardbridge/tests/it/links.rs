//! Links to card networks, seen from outside: by TCP and the operator API.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crypto::field_cipher;
use domain::{ResponseCode, SystemRandom};
use iso8583::{FramingSettings, Message, NumberOrText};
use serde_json::{Value, json};
use sim::Behaviour;
use tempfile::TempDir;
use testkit::database::{END_HANG, HANG, HANGING_COMMITS};
use vault::{ClearPan, MasterKey, Vault};

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management, message};
use crate::server::{cardbridge, run};
use crate::world::{SHORTEST_DEADLINE_MS, WAIT, World, text};

/// A sandbox with one link and one card.
pub struct Bed {
    pub world: World,
    pub pan: String,
    pub expiry: String,
    pub card_id: String,
}

/// One link named `default`.
pub const ISO_LISTEN: [&str; 2] = ["--iso-listen", "127.0.0.1:0"];

impl Bed {
    pub async fn new(engine: &Engine, options: &[&str]) -> Self {
        let world = World::new(engine, options).await;
        let card_id = world.card("order-1").await;
        let body = serde_json::to_vec(&json!({ "cardId": card_id })).unwrap();
        let path = "/open-api/card/v1/retrieve-secure-card";
        let reply = world.client.call(sdk::Method::POST, path, &[], Some(body)).await.unwrap();
        let sealed: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
        let secret = text(&world.sandbox()["enterprise"], "secretKey");
        let iv =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text(&sealed, "iv"));
        let iv = iv.unwrap();
        let open = |field: &str| {
            let plain = field_cipher::decrypt(&secret, &iv, &text(&sealed, field)).unwrap();
            String::from_utf8(plain.to_vec()).unwrap()
        };
        let (pan, expiry) = (open("pan"), open("expireDate"));
        let expiry = match expiry.split_once('/') {
            Some((month, year)) => format!("{year}{month}"),
            None => expiry,
        };
        Self { world, pan, expiry, card_id }
    }

    pub fn address(&self, link: &str) -> String {
        text(&self.world.sandbox()["links"], link)
    }

    pub async fn signed_on(&self) -> Peer {
        Peer::signed_on(&self.address("default")).await
    }

    /// V01's shape on the card, without CVV2: a purchase of 15.50 USD.
    pub fn purchase(&self, stan: u32) -> Message {
        let (stan, rrn) = (format!("{stan:06}"), format!("6333{stan:08}"));
        message(
            "0100",
            &[
                (2, &self.pan),
                (3, "000000"),
                (4, "000000001550"),
                (7, "1129120001"),
                (11, &stan),
                (12, "200001"),
                (13, "1129"),
                (14, &self.expiry),
                (18, "5999"),
                (19, "702"),
                (22, "012"),
                (25, "59"),
                (32, "412345"),
                (37, &rrn),
                (41, "TERM0001"),
                (42, "MERCHANT0000001"),
                (43, "TEST SHOP                SINGAPORE    SG"),
                (49, "840"),
            ],
        )
    }

    /// The same with these fields changed.
    pub fn changed(&self, stan: u32, fields: &[(u8, &str)]) -> Message {
        let mut message = self.purchase(stan);
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        message
    }

    /// The card's verification value under a service code.
    pub fn cvv(&self, service_code: &str) -> String {
        let master = MasterKey::load(&self.world.data_dir().join("master.key")).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let pan = ClearPan::parse(&self.pan).unwrap();
        let enterprise = self.world.enterprise_id().parse().unwrap();
        let value = vault.cvv(enterprise, &pan, &self.expiry, service_code).unwrap();
        value.expose().to_owned()
    }

    pub async fn link(&self, name: &str) -> Value {
        self.world.operator.get(&format!("/admin/v1/links/{name}")).await.unwrap()
    }
}

/// A configuration file with these tables.
pub fn configured(directory: &TempDir, tables: &str) -> PathBuf {
    let file = directory.path().join("cardbridge.toml");
    fs::write(&file, tables).unwrap();
    file
}

pub fn table(name: &str, keys: &str) -> String {
    format!("[[links]]\nname = '{name}'\nlisten = '127.0.0.1:0'\n{keys}\n")
}

pub fn is(mti: &str, code: &str) -> (String, String) {
    (mti.to_owned(), code.to_owned())
}

async fn a_purchase_by_a_link(engine: Engine) {
    let bed = Bed::new(&engine, &[&ISO_LISTEN[..], &["--log", "trace"]].concat()).await;
    let world = &bed.world;
    let mut peer = Peer::connect(&bed.address("default")).await;
    let purchase = bed.purchase(1);
    assert_eq!(peer.outcome(&purchase).await, is("0110", "91"), "not signed on");
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    assert_eq!(peer.outcome(&management("001")).await, accepted());

    let answer = peer.ask(&purchase).await;
    assert_eq!(answer.outcome(), is("0110", "00"));
    let auth_code = answer.text(38).unwrap().to_owned();
    assert!(auth_code.len() == 6 && auth_code.bytes().all(|byte| byte.is_ascii_digit()));
    for number in [2, 3, 4, 7, 11, 12, 13, 19, 25, 32, 37, 41, 42, 49] {
        assert_eq!(answer.message.get(number), purchase.get(number), "DE{number}");
    }
    for number in [14, 18, 22, 43] {
        assert_eq!(answer.message.get(number), None, "DE{number}");
    }
    assert_eq!(world.available().await, "99984.50");
    assert_eq!(world.enterprise.notice_count(), 1);
    let notice = format!("{:?}", world.enterprise.notices()[0].data);
    assert!(
        notice.contains("TEST SHOP SINGAPORE SG") && notice.contains("MERCHANT0000001"),
        "{notice}"
    );

    // The repeat gets the first answer, on another connection too, and another amount does not.
    let mut other = bed.signed_on().await;
    for peer in [&mut peer, &mut other] {
        let mut repeat = bed.purchase(1);
        repeat.set_mti(message("0101", &[]).mti());
        let answer = peer.ask(&repeat).await;
        assert_eq!((answer.outcome(), answer.text(38)), (is("0110", "00"), Some(&*auth_code)));
    }
    let conflict = bed.changed(1, &[(4, "000000001551")]);
    assert_eq!(peer.outcome(&conflict).await, is("0110", "94"));
    assert_eq!(
        (world.enterprise.notice_count(), world.available().await.as_str()),
        (1, "99984.50")
    );

    declines(&bed, &mut peer).await;
    assert_eq!(peer.outcome(&management("002")).await, accepted());
    assert_eq!(peer.outcome(&bed.purchase(90)).await, is("0110", "91"), "signed off");
    let link = bed.link("default").await;
    let counters = &link["counters"];
    assert_eq!((&counters["approved"], &counters["repeats"]), (&json!(4), &json!(2)), "{link}");
    world.verify_ledger().await;

    let log = fs::read_to_string(world.data_dir().with_extension("log")).unwrap();
    assert!(log.contains("a connection of a link") && !log.contains(&bed.pan));
    assert!(!log.contains(&hex::encode(&bed.pan)) && !link.to_string().contains(&bed.pan));
}

/// What is declined or refused, with its code; none of it is repeated later.
async fn declines(bed: &Bed, peer: &mut Peer) {
    let enterprise = &bed.world.enterprise;
    let asked = enterprise.notice_count();
    for (stan, fields, code) in [
        (10, &[(2, "4000990012345678")][..], "14"),
        (11, &[(2, "4000990012345679")], "14"),
        (12, &[(14, "2001")], "54"),
        (13, &[(3, "260000")], "40"),
        (14, &[(49, "001")], "30"),
        (15, &[(4, "999999999999")], "61"),
        (16, &[(3, "010000"), (4, "000000000000")], "13"),
    ] {
        assert_eq!(peer.outcome(&bed.changed(stan, fields)).await, is("0110", code), "{fields:?}");
    }
    let mut with_pin = bed.purchase(17);
    with_pin.set(52, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(peer.outcome(&with_pin).await, is("0110", "81"), "no key for a PIN block");
    assert_eq!(enterprise.notice_count(), asked, "nobody is asked");
    for (stan, code, wanted) in [
        (20, ResponseCode::NotAllowed, "05"),
        (21, ResponseCode::InsufficientFunds, "51"),
        (22, ResponseCode::NoResponse, "05"),
    ] {
        enterprise.answer(Behaviour::Answer(code));
        let answer = peer.ask(&bed.purchase(stan)).await;
        assert_eq!((answer.outcome(), answer.text(38)), (is("0110", wanted), None));
    }
    enterprise.answer(Behaviour::APPROVE);
    // What is no authorisation yet is not taken.
    for mti in ["0102", "0620"] {
        let mut unsupported = bed.purchase(30);
        unsupported.set_mti(message(mti, &[]).mti());
        assert_eq!(peer.ask(&unsupported).await.text(39), Some("40"), "{mti}");
    }
    let track = format!("{}={}20100000{}", bed.pan, bed.expiry, bed.cvv("201"));
    let mut swiped = bed.changed(31, &[(35, &track), (22, "901")]);
    swiped.remove(2);
    swiped.remove(14);
    let answer = peer.ask(&swiped).await;
    assert_eq!((answer.outcome(), answer.text(35)), (is("0110", "00"), None), "by its track");
    enterprise.answer(Behaviour::Silent);
    bed.world.set_deadline(SHORTEST_DEADLINE_MS).await;
    assert_eq!(peer.outcome(&bed.purchase(23)).await, is("0110", "05"), "no answer");
}

#[tokio::test]
async fn a_purchase_by_a_link_on_sqlite() {
    a_purchase_by_a_link(Engine::embedded()).await;
}

#[tokio::test]
async fn a_purchase_by_a_link_on_postgresql() {
    a_purchase_by_a_link(Engine::postgres().await).await;
}

async fn one_message_is_decided_once(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let mut peers = [bed.signed_on().await, bed.signed_on().await];
    // A repeat whose first never came is the first.
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    for message in [&bed.purchase(1), &repeat, &bed.purchase(1)] {
        for peer in &mut peers {
            peer.send(message).await;
        }
    }
    let mut answers = Vec::new();
    for peer in &mut peers {
        for _ in 0..3 {
            let answer = peer.receive().await.unwrap();
            answers.push((answer.outcome(), answer.text(38).map(str::to_owned)));
        }
    }
    let [first, rest @ ..] = &answers[..] else { panic!("six answers") };
    assert_eq!(first.0, is("0110", "00"));
    assert!(first.1.is_some() && rest.iter().all(|it| it == first), "{answers:?}");
    assert_eq!(bed.world.enterprise.notice_count(), 1);
    assert_eq!(bed.world.available().await, "99984.50");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn one_message_is_decided_once_on_sqlite() {
    one_message_is_decided_once(Engine::embedded()).await;
}

#[tokio::test]
async fn one_message_is_decided_once_on_postgresql() {
    one_message_is_decided_once(Engine::postgres().await).await;
}

/// STAN and RRN come round again: another acquirer or another local time makes another message, a
/// renewed transmission does not.
async fn a_message_is_known_by_all_its_numbers(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let one_network = [("one", "network = 'switch'"), ("two", "network = 'switch'")];
    let tables = one_network.map(|(name, keys)| table(name, keys)).concat() + &table("other", "");
    let file = configured(&directory, &tables);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut one = Peer::signed_on(&bed.address("one")).await;
    let mut two = Peer::signed_on(&bed.address("two")).await;
    let mut other = Peer::signed_on(&bed.address("other")).await;
    let first = one.ask(&bed.purchase(1)).await;
    assert_eq!(first.outcome(), is("0110", "00"));
    let renewed = bed.changed(1, &[(7, "1129120005"), (32, "00412345")]);
    for peer in [&mut one, &mut two] {
        let again = peer.ask(&renewed).await;
        assert_eq!(again.text(38), first.text(38));
    }
    assert_eq!(two.outcome(&bed.changed(1, &[(4, "000000001551")])).await, is("0110", "94"));
    assert_eq!(bed.world.enterprise.notice_count(), 1);

    let mut notices = 1;
    for changes in [&[(32, "412346")][..], &[(12, "200101")], &[(37, "633399999999")]] {
        assert_eq!(two.outcome(&bed.changed(1, changes)).await, is("0110", "00"), "{changes:?}");
        notices += 1;
    }
    assert_eq!(other.outcome(&bed.purchase(1)).await, is("0110", "00"), "another network");
    assert_eq!(bed.world.enterprise.notice_count(), notices + 1);
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn a_message_is_known_by_all_its_numbers_on_sqlite() {
    a_message_is_known_by_all_its_numbers(Engine::embedded()).await;
}

#[tokio::test]
async fn a_message_is_known_by_all_its_numbers_on_postgresql() {
    a_message_is_known_by_all_its_numbers(Engine::postgres().await).await;
}

#[tokio::test]
async fn a_fault_is_answered_or_closes_its_connection_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", "frame-timeout-ms = 200"));
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let address = bed.address("default");
    let mut good = bed.signed_on().await;

    let encoded = good.encoded(&bed.purchase(1));
    let time = encoded.windows(6).position(|it| it == b"200001").unwrap();
    let mut letter = encoded.clone();
    letter[time] = b'A';
    let frame = good.framed(&letter);
    good.send_bytes(&frame).await.unwrap();
    let answer = good.receive().await.unwrap();
    assert_eq!((answer.outcome(), answer.text(44)), (is("0110", "30"), Some("012")));
    let missing = message("0800", &[(7, "1129115900"), (11, "000100")]);
    let answer = good.ask(&missing).await;
    assert_eq!((answer.outcome(), answer.text(44)), (is("0810", "30"), Some("070")));

    let mut oversized = Peer::connect(&address).await;
    oversized.send_bytes(&[0xFF, 0xFF]).await.unwrap();
    oversized.expect_end().await;
    let mut partial = Peer::connect(&address).await;
    partial.send_bytes(&[0]).await.unwrap();
    partial.expect_end().await;
    let mut garbage = Peer::connect(&address).await;
    for _ in 0..11 {
        let frame = garbage.framed(b"rubbish");
        garbage.send_bytes(&frame).await.unwrap();
    }
    garbage.expect_end().await;
    // A keep-alive is no message, and the others are still served.
    good.send_bytes(&[0, 0]).await.unwrap();
    assert_eq!(good.outcome(&management("301")).await, accepted());
    let metrics = metrics(&bed.world).await;
    for reason in ["oversized", "partial_frame", "garbage"] {
        let line =
            format!("cardbridge_link_closed_total{{link=\"default\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(metrics.contains("cardbridge_link_up{link=\"default\"} 1"), "{metrics}");
}

/// Waits until the metrics contain this.
pub async fn shows(world: &World, line: &str) {
    let is_shown = async {
        while !metrics(world).await.contains(line) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, is_shown).await.unwrap_or_else(|_| panic!("no {line}"));
}

pub async fn metrics(world: &World) -> String {
    let url = format!("{}/metrics", text(&world.sandbox(), "admin_url"));
    crate::server::http().get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn every_length_carries_a_message_with_and_without_header() {
    let lengths = ["binary2", "binary4", "ascii4", "bcd2", "binary2-00"];
    let headers = [None, Some("'tpdu'"), Some("12")];
    let directory = tempfile::tempdir().unwrap();
    let mut tables = String::new();
    for length in lengths {
        for (number, header) in headers.iter().enumerate() {
            let header = header.map_or(String::new(), |header| format!("header = {header}"));
            let keys = format!("length = '{length}'\n{header}");
            tables.push_str(&table(&format!("{length}-{number}"), &keys));
        }
    }
    let file = configured(&directory, &tables);
    let world = World::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    for length in lengths {
        for (number, (own, answered)) in [
            ("", ""),
            ("6000010002", "6000020001"),
            ("0102030405060708090A0B0C", "0102030405060708090a0b0c"),
        ]
        .iter()
        .enumerate()
        {
            let header = match number {
                0 => None,
                1 => Some(NumberOrText::Text("tpdu".to_owned())),
                _ => Some(NumberOrText::Number(12)),
            };
            let framing = FramingSettings {
                length: Some(length.to_owned()),
                header,
                header_own: (number > 0).then(|| (*own).to_owned()),
                ..FramingSettings::default()
            };
            let address = text(&world.sandbox()["links"], &format!("{length}-{number}"));
            let mut peer = Peer::connect_framed(&address, &framing).await;
            let answer = peer.ask(&management("001")).await;
            assert_eq!(answer.outcome(), accepted(), "{length} {number}");
            assert_eq!(hex::encode(&answer.header), *answered, "{length} {number}");
        }
    }
}

#[tokio::test]
async fn caps_refuse_at_once_and_what_is_not_allowed_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let tables = [
        table("default", "max-in-flight = 1\nmax-connections = 2\nsign-on = 'none'"),
        table("elsewhere", "allow = ['10.0.0.0/8']"),
        table("slow", "max-per-second = 1\nsign-on = 'none'"),
    ];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let address = bed.address("default");
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let (mut first, mut second) = (Peer::connect(&address).await, Peer::connect(&address).await);
    first.send(&bed.purchase(1)).await;
    while bed.world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let link = bed.link("default").await;
    assert_eq!((&link["state"], &link["connections"][0]["inFlight"]), (&json!("UP"), &json!(1)));
    assert_eq!(second.outcome(&bed.purchase(2)).await, is("0110", "91"));
    assert_eq!(second.outcome(&management("301")).await, accepted(), "not a request");
    bed.world.enterprise.release();
    assert_eq!(first.receive().await.unwrap().outcome(), is("0110", "00"));
    Peer::connect(&address).await.expect_end().await;
    Peer::connect(&bed.address("elsewhere")).await.expect_end().await;

    // More than one a second: some of many that are sent at once are refused.
    let mut slow = Peer::connect(&bed.address("slow")).await;
    for stan in 100..150 {
        slow.send(&bed.changed(stan, &[(14, "2001")])).await;
    }
    let mut codes = HashMap::new();
    for _ in 100..150 {
        *codes.entry(slow.receive().await.unwrap().outcome().1).or_insert(0) += 1;
    }
    assert!(codes["91"] > 0 && codes["54"] > 0, "{codes:?}");
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_cut_off() {
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let mut peer = Peer::connect(&bed.address("default")).await;
    let frame = peer.framed(&peer.encoded(&management("301")));
    let flood = frame.repeat(100);
    let mut sent = 0;
    while peer.send_bytes(&flood).await.is_ok() {
        sent += 100;
        assert!(sent < 200_000, "it is not cut off");
    }
    shows(&bed.world, "reason=\"slow_reader\"} 1").await;
}

#[tokio::test]
async fn a_peer_that_sends_many_messages_at_once_is_served() {
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let mut peer = Peer::connect(&bed.address("default")).await;
    let frame = peer.framed(&peer.encoded(&management("301")));
    peer.send_bytes(&frame.repeat(1_000)).await.unwrap();
    for number in 0..1_000 {
        let answer = peer.receive().await.unwrap_or_else(|| panic!("closed after {number}"));
        assert_eq!(answer.outcome(), accepted());
    }
}

#[tokio::test]
async fn a_silent_peer_is_tested_by_echoes() {
    let directory = tempfile::tempdir().unwrap();
    let keys = "echo-interval-s = 1\necho-timeout-ms = 100\nterminal = 'CARDBRDG'";
    let tables = [table("default", keys), table("idle", "idle-timeout-s = 1\necho-interval-s = 0")];
    let file = configured(&directory, &tables.concat());
    let world = World::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let address = |name: &str| text(&world.sandbox()["links"], name);
    let mut peer = Peer::connect(&address("default")).await;
    for number in 1..=3 {
        let test = peer.receive().await.unwrap();
        assert_eq!(test.message.mti().to_string(), "0800", "{number}");
        assert_eq!((test.text(41), test.text(70)), (Some("CARDBRDG"), Some("301")));
        assert_eq!(test.text(7).map(str::len), Some(10));
    }
    peer.expect_end().await;
    Peer::connect(&address("idle")).await.expect_end().await;
    let metrics = metrics(&world).await;
    for reason in ["no_echo", "idle"] {
        assert!(metrics.contains(&format!("reason=\"{reason}\"}} 1")), "{metrics}");
    }
}

/// The network's limit is shorter than what the enterprise may take.
#[tokio::test]
async fn a_decision_is_made_before_the_network_stops_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let keys = "response-time-ms = 20000\nanswer-margin-ms = 9999";
    let hurried = "response-time-ms = 10050\nanswer-margin-ms = 10000";
    let tables = [table("default", keys), table("hurried", hurried)];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    assert_eq!(bed.signed_on().await.outcome(&bed.purchase(1)).await, is("0110", "00"));
    // With 50 ms until the decision, nobody is asked.
    let mut hurried = Peer::signed_on(&bed.address("hurried")).await;
    assert_eq!(hurried.outcome(&bed.purchase(2)).await, is("0110", "05"));
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let declined = all.values().find(|it| it["status"] == "DECLINED").unwrap();
    assert_eq!(declined["detail"], "deadline_before_notice");
    assert_eq!(bed.world.enterprise.notice_count(), 1);
    assert_eq!(bed.world.available().await, "99984.50");
}

/// After the network's limit nothing is sent; the decision stands, and a repeat gets it.
#[tokio::test]
async fn an_answer_that_would_be_too_late_is_not_sent() {
    let engine = Engine::postgres().await;
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", "response-time-ms = 1500"));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    engine.tamper(HANGING_COMMITS).await;
    let session = engine.connect().await;
    session.batch_execute(HANG).await.unwrap();
    peer.send(&bed.purchase(1)).await;
    shows(
        &bed.world,
        "cardbridge_link_undelivered_total{link=\"default\",delivery=\"TOO_LATE\"} 1",
    )
    .await;
    session.batch_execute(END_HANG).await.unwrap();
    let is_declined = async {
        loop {
            let all = authorisations(&bed.world.operator, &bed.card_id).await;
            if all.values().any(|it| it["status"] == "DECLINED") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, is_declined).await.expect("a decision");
    assert_eq!(peer.outcome(&management("301")).await, accepted(), "nothing was sent before");
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    // Never an approval, whether the decision or the next look at the store declined it.
    let (mti, code) = peer.outcome(&repeat).await;
    assert!(mti == "0110" && ["05", "96"].contains(&code.as_str()), "{mti} {code}");
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    assert_eq!((all.len(), bed.world.enterprise.notice_count()), (1, 0));
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn mutated_frames_leave_a_link_working() {
    const CONNECTIONS: usize = 50;
    /// As many as a connection may send that cannot be decoded.
    const FRAMES: usize = 10;
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..CONNECTIONS {
        let mut peer = bed.signed_on().await;
        for _ in 0..FRAMES {
            let mut bytes = peer.encoded(&bed.changed(1, &[(14, "2001")]));
            for _ in 0..=draw(3) {
                let at = draw(bytes.len());
                bytes[at] = u8::try_from(draw(256)).unwrap();
            }
            bytes.truncate(bytes.len() - draw(2) * draw(40));
            let frame = peer.framed(&bytes);
            peer.send_bytes(&frame).await.unwrap();
        }
        peer.send(&management("301")).await;
        // Answers leave in the order of completion, so some may follow.
        while peer.receive().await.expect("the connection lives").text(70) != Some("301") {}
    }
    bed.world.verify_ledger().await;
}

async fn a_stop_answers_what_was_accepted(engine: Engine) {
    let mut bed = Bed::new(&engine, &ISO_LISTEN).await;
    let thinking = Duration::from_millis(300);
    bed.world.enterprise.answer(Behaviour::Late(ResponseCode::Approved, thinking));
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(bed.signed_on().await);
    }
    for (number, peer) in (0_u32..).zip(&mut peers) {
        for stan in 0..20 {
            peer.send(&bed.purchase(100 * (number + 1) + stan)).await;
        }
    }
    while bed.world.enterprise.notice_count() < 10 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bed.world.terminate();
    let mut accepted = 0;
    for peer in &mut peers {
        while let Some(answer) = peer.receive().await {
            let (mti, code) = answer.outcome();
            assert_eq!(mti, "0110");
            accepted += usize::from(code != "91");
        }
    }
    bed.world.ended().await;
    bed.world.start_again();
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    assert_eq!(all.len(), accepted, "every accepted request has its answer");
    assert!(all.values().all(|it| it["status"] != "PENDING") && accepted >= 10);
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn a_stop_answers_what_was_accepted_on_sqlite() {
    a_stop_answers_what_was_accepted(Engine::embedded()).await;
}

#[tokio::test]
async fn a_stop_answers_what_was_accepted_on_postgresql() {
    a_stop_answers_what_was_accepted(Engine::postgres().await).await;
}

#[tokio::test]
async fn operators_see_links_and_their_connections() {
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let link = bed.link("default").await;
    assert_eq!((&link["state"], &link["connections"]), (&json!("DOWN"), &json!([])));
    for (key, value) in [
        ("name", "default"),
        ("network", "default"),
        ("mode", "listen"),
        ("dialect", "1987"),
        ("packager", "iso87ascii"),
    ] {
        assert_eq!(link[key], value);
    }
    assert_eq!(text(&link, "address"), bed.address("default"));
    let _peer = bed.signed_on().await;
    let links = bed.world.operator.get("/admin/v1/links").await.unwrap();
    let link = &links["items"][0];
    assert_eq!(
        (&link["state"], &link["connections"][0]["state"]),
        (&json!("UP"), &json!("SIGNED_ON"))
    );
    assert_eq!((&link["counters"]["received"], &links["items"][1]), (&json!(1), &json!(null)));
    let missing = bed.world.operator.get("/admin/v1/links/other").await.unwrap_err();
    assert!(missing.to_string().contains("404"), "{missing}");
}

#[test]
fn production_refuses_links_without_tls() {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("a", "allow = ['10.0.0.0/8']"));
    for (arguments, named) in [
        (&["--iso-listen", "127.0.0.1:0"][..], "--iso-listen"),
        (
            &["--config", file.to_str().unwrap()],
            "links.tls.client-ca-file: should be set in production",
        ),
    ] {
        let mut command = cardbridge();
        command.current_dir(directory.path()).args(["serve", "--mode", "production"]);
        command.args(arguments);
        let (code, _, stderr) = run(&mut command);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(named) && stderr.lines().count() == 1, "{stderr}");
    }
}
