//! Links of dialect 1993, seen from outside: what is said in other words leads to the same.

use std::fs;
use std::path::Path;

use crypto::emv::arpc_1;
use crypto::{PinBlockFormat, TdesKey, pin_block};
use domain::{Clock, ResponseCode, SystemRandom};
use iso8583::{Message, Packager};
use serde_json::{Value, json};
use sim::Behaviour;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::engine::Engine;
use crate::iso_peer::{Peer, message};
use crate::link_advices::{posted, settled};
use crate::link_connecting::{connecting, until_state};
use crate::link_messages::listed;
use crate::link_reversals::{notices, of_rrn, on_both_engines, reversal};
use crate::link_scripts::played;
use crate::link_security::{
    Files, IMK, NEW_ZPK, PIN, SEALED_ZAK, SEALED_ZPK, VERSION_10, ZAK, chip_key, chipped, key,
    link, set_pin, vector,
};
use crate::links::{Bed, configured, is, metrics, table};
use crate::network_play::{EXAMPLES, PAGE, TRIES};
use crate::world::text;

pub const DIALECT: &str = "dialect = '1993'\npackager = 'iso93ascii'\n";
/// The local date and time of the messages, in which their year stands.
const LOCAL_TIME: &str = "261129200001";

/// A connection to a link of this dialect.
async fn connected(bed: &Bed, name: &str) -> Peer {
    Peer::connect(&bed.address(name)).await.speaking(Packager::Iso93Ascii)
}

/// Network management with this function.
fn management(function: &str) -> Message {
    let own = [(7, "1129115900"), (11, "000100"), (12, "261129115900"), (24, function)];
    message("1804", &own)
}

pub async fn signed_on(bed: &Bed, name: &str) -> Peer {
    let mut peer = connected(bed, name).await;
    assert_eq!(peer.outcome(&management("801")).await, is("1814", "800"));
    peer
}

/// A sandbox with one link of this dialect, and a peer that is signed on.
async fn bed(engine: &Engine, keys: &str) -> (Bed, Peer, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", &format!("{DIALECT}{keys}")));
    let bed = Bed::new(engine, &["--config", file.to_str().unwrap()]).await;
    let peer = signed_on(&bed, "default").await;
    (bed, peer, directory)
}

/// V22's shape on the card, with these fields changed; an empty text removes one.
pub fn sent(bed: &Bed, mti: &str, stan: u32, changes: &[(u8, &str)]) -> Message {
    let (number, rrn) = (format!("{stan:06}"), format!("6333{stan:08}"));
    let own = [
        (2, &*bed.pan),
        (3, "000000"),
        (4, "000000001550"),
        (7, "1129120001"),
        (11, &number),
        (12, LOCAL_TIME),
        (14, &bed.expiry),
        (19, "702"),
        (22, "600050600000"),
        (24, "100"),
        (26, "5999"),
        (32, "412345"),
        (37, &rrn),
        (41, "TERM0001"),
        (42, "MERCHANT0000001"),
        (43, r"TEST SHOP\SINGAPORE\SG"),
        (49, "840"),
    ];
    let mut message = message(mti, &own);
    for (number, text) in changes {
        if text.is_empty() {
            message.remove(*number);
        } else {
            message.set(*number, text.as_bytes()).unwrap();
        }
    }
    message
}

/// DE56 that names the message of this type and number.
fn naming(mti: &str, stan: u32) -> String {
    format!("{mti}{stan:06}{LOCAL_TIME}06412345")
}

/// A reversal of the message of this type and number; `function` says whether all of it.
pub fn taking_back(
    bed: &Bed,
    mti: &str,
    stan: u32,
    (original, number): (&str, u32),
    function: &str,
    changes: &[(u8, &str)],
) -> Message {
    let (rrn, named) = (format!("6333{number:08}"), naming(original, number));
    let own = [(7, "1129120031"), (12, "261129200031"), (24, function), (25, "4021")];
    let absent = [14, 22, 26, 43].map(|number| (number, ""));
    let names = [(37, &*rrn), (39, "911"), (56, &*named)];
    sent(bed, mti, stan, &[&own[..], &absent, &names, changes].concat())
}

async fn a_purchase_of_1993(engine: Engine) {
    let (bed, _, _directory) = bed(&engine, "").await;
    let world = &bed.world;
    let mut peer = connected(&bed, "default").await;
    let purchase = sent(&bed, "1100", 1, &[]);
    assert_eq!(peer.outcome(&purchase).await, is("1110", "907"), "not signed on");
    let echo = peer.ask(&management("831")).await;
    assert_eq!((echo.outcome(), echo.text(24)), (is("1814", "800"), Some("831")));
    assert_eq!(peer.outcome(&management("801")).await, is("1814", "800"));

    // V22, as its bytes are on the page, is about a card of nobody here.
    let (_, v22) = vector("V22");
    let frame = peer.framed(&v22);
    peer.send_bytes(&frame).await.unwrap();
    assert_eq!(peer.receive().await.unwrap().outcome(), is("1110", "111"));

    let answer = peer.ask(&purchase).await;
    assert_eq!(answer.outcome(), is("1110", "000"));
    let auth_code = answer.text(38).unwrap().to_owned();
    assert!(auth_code.len() == 6 && auth_code.bytes().all(|byte| byte.is_ascii_digit()));
    for number in [2, 3, 4, 7, 11, 12, 19, 24, 32, 37, 41, 42, 49] {
        assert_eq!(answer.message.get(number), purchase.get(number), "DE{number}");
    }
    for number in [14, 22, 26, 43] {
        assert_eq!(answer.message.get(number), None, "DE{number}");
    }
    assert_eq!(world.available().await, "99984.50");
    let notice = format!("{:?}", world.enterprise.notices()[0].data);
    for shown in ["TEST SHOP SINGAPORE SG", "MERCHANT0000001"] {
        assert!(notice.contains(shown), "{shown} in {notice}");
    }
    assert_eq!(one_authorisation(&bed, 1).await["merchant"]["mcc"], "5999");

    let mut other = signed_on(&bed, "default").await;
    for peer in [&mut peer, &mut other] {
        let repeat = peer.ask(&sent(&bed, "1101", 1, &[(7, "1129120009")])).await;
        assert_eq!((repeat.outcome(), repeat.text(38)), (is("1110", "000"), Some(&*auth_code)));
    }
    let conflict = sent(&bed, "1100", 1, &[(4, "000000001551")]);
    assert_eq!(peer.outcome(&conflict).await, is("1110", "913"));
    let later = sent(&bed, "1100", 1, &[(12, "261129200002"), (24, "")]);
    assert_eq!(peer.outcome(&later).await, is("1110", "000"), "another message");
    assert_eq!((world.enterprise.notice_count(), &*world.available().await), (2, "99969.00"));

    let rows = listed(&bed, "mti=1100&stan=000001").await;
    assert_eq!((rows.len(), &rows[0]["transmittedAt"]), (2, &json!("1129120001")));
    let shown = bed.link("default").await;
    assert_eq!((&shown["dialect"], &shown["packager"]), (&json!("1993"), &json!("iso93ascii")));
    for line in [r#"mti="1100",code="000""#, r#"mti="1101",code="000""#, r#"mti="1804""#] {
        assert!(metrics(world).await.contains(line), "{line}");
    }
    assert_eq!(peer.outcome(&management("802")).await, is("1814", "800"));
    assert_eq!(peer.outcome(&sent(&bed, "1100", 2, &[])).await, is("1110", "907"), "signed off");
    world.verify_ledger().await;
}

async fn declines_have_three_digits(engine: Engine) {
    let keys = "cvv2 = { field = 48, tag = '92' }";
    let (bed, mut peer, _directory) = bed(&engine, keys).await;
    let enterprise = &bed.world.enterprise;
    let wrong_cvv2 = format!("9203{:03}", (bed.cvv("000").parse::<u32>().unwrap() + 1) % 1_000);
    for (stan, fields, code) in [
        (10, &[(2, "4000990012345678")][..], "111"),
        (11, &[(2, "4000990012345679")], "111"),
        (12, &[(14, "2001")], "101"),
        (13, &[(3, "260000")], "115"),
        (14, &[(4, "999999999999")], "121"),
        (15, &[(3, "010000"), (4, "000000000000")], "110"),
        (16, &[(48, &wrong_cvv2)], "122"),
    ] {
        let declined = sent(&bed, "1100", stan, fields);
        assert_eq!(peer.outcome(&declined).await, is("1110", code), "{fields:?}");
    }
    let mut with_pin = sent(&bed, "1100", 17, &[]);
    with_pin.set(52, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(peer.outcome(&with_pin).await, is("1110", "126"), "no key for a PIN block");
    let wrong_cvv = (bed.cvv("201").parse::<u32>().unwrap() + 1) % 1_000;
    let track = format!("{}={}20100000{wrong_cvv:03}", bed.pan, bed.expiry);
    for (stan, code, answered) in [(18, "600050200000", "122"), (19, "600050600000", "000")] {
        let read = sent(&bed, "1100", stan, &[(35, &track), (22, code)]);
        assert_eq!(peer.outcome(&read).await, is("1110", answered), "{code}");
    }
    assert_eq!(enterprise.notice_count(), 1);
    for (stan, code, wanted) in [
        (20, ResponseCode::NotAllowed, "100"),
        (21, ResponseCode::InsufficientFunds, "116"),
        (22, ResponseCode::NoResponse, "100"),
    ] {
        enterprise.answer(Behaviour::Answer(code));
        let answer = peer.ask(&sent(&bed, "1100", stan, &[])).await;
        assert_eq!((answer.outcome(), answer.text(38)), (is("1110", wanted), None));
    }
    enterprise.answer(Behaviour::Status(500));
    assert_eq!(peer.outcome(&sent(&bed, "1100", 23, &[])).await, is("1110", "100"), "no answer");
    enterprise.answer(Behaviour::APPROVE);
    for (mti, answer, code) in [
        ("1102", "1112", "115"),
        ("1604", "1614", "115"),
        ("1304", "1314", "304"),
        ("1620", "1630", "115"),
    ] {
        let unsupported = sent(&bed, mti, 30, &[]);
        assert_eq!(peer.outcome(&unsupported).await, is(answer, code), "{mti}");
    }
    assert_eq!(peer.outcome(&management("899")).await, is("1814", "115"));
    freeze(&bed).await;
    assert_eq!(peer.outcome(&sent(&bed, "1100", 31, &[])).await, is("1110", "104"), "frozen");
    bed.world.verify_ledger().await;
}

async fn freeze(bed: &Bed) {
    let body = serde_json::to_vec(&json!({ "cardId": bed.card_id, "freeze": true })).unwrap();
    let path = wire::cardbridge::card::FREEZE_PATH;
    bed.world.client.call(sdk::Method::POST, path, &[], Some(body)).await.unwrap();
}

async fn one_authorisation(bed: &Bed, stan: u32) -> Value {
    let all = of_rrn(bed, stan).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

/// A check of the account, a reservation with its clearing, single messages, refunds.
async fn requests_become_what_they_are_in_1987(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine, "").await;
    let none = [(4, "000000000000")];
    assert_eq!(peer.outcome(&sent(&bed, "1100", 1, &none)).await, is("1110", "000"));
    assert_eq!(one_authorisation(&bed, 1).await["transactionType"], "Q");
    let inquiry = sent(&bed, "1100", 2, &[(3, "310000"), (4, ""), (49, "")]);
    let answer = peer.ask(&inquiry).await;
    assert_eq!((answer.outcome(), answer.text(54)), (is("1110", "000"), None));

    let reserved = sent(&bed, "1100", 3, &[(4, "000000010000"), (24, "101")]);
    assert_eq!(peer.outcome(&reserved).await, is("1110", "000"));
    let held = one_authorisation(&bed, 3).await;
    assert_eq!(held["authType"], "PRE_AUTH", "{held}");
    assert_eq!(bed.world.available().await, "99900.00");
    let cleared = [(4, "000000004000"), (24, "200"), (39, "000"), (56, &naming("1100", 3))];
    let cleared = |mti| sent(&bed, mti, 4, &cleared);
    let answer = peer.ask(&cleared("1220")).await;
    assert_eq!((answer.outcome(), answer.text(56)), (is("1230", "000"), cleared("1220").text(56)));
    assert_eq!(peer.outcome(&cleared("1221")).await, is("1230", "000"));
    let held = text(&held, "authId");
    assert_eq!(posted(&bed, &held).await, [("OUTGOING".to_owned(), "40.00".to_owned())]);
    assert_eq!(bed.world.available().await, "99960.00");

    // A single message, and its reversal.
    let sale = sent(&bed, "1200", 5, &[(24, "200")]);
    assert_eq!(peer.outcome(&sale).await, is("1210", "000"));
    let it = text(&one_authorisation(&bed, 5).await, "authId");
    assert_eq!(posted(&bed, &it).await, [("OUTGOING".to_owned(), "15.50".to_owned())]);
    let undone = taking_back(&bed, "1420", 6, ("1200", 5), "400", &[]);
    assert_eq!(peer.outcome(&undone).await, is("1430", "400"));
    assert_eq!(bed.world.available().await, "99960.00");
    bed.world.verify_ledger().await;
}

async fn advices_are_facts_in_1993(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine, "").await;
    let advised = |mti, stan, code| sent(&bed, mti, stan, &[(38, "775533"), (39, code), (14, "")]);
    for mti in ["1120", "1121"] {
        assert_eq!(peer.outcome(&advised(mti, 1, "003")).await, is("1130", "000"), "{mti}");
    }
    let it = settled(&bed, 1, "advice").await;
    assert_eq!((&it["status"], &it["authCode"]), (&json!("APPROVED"), &json!("775533")));
    assert_eq!(bed.world.available().await, "99984.50");
    // What the network declined moves nothing, and takes back what was approved here.
    for (stan, code) in [(2, "116"), (3, "911"), (4, "119")] {
        assert_eq!(peer.outcome(&advised("1120", stan, code)).await, is("1130", "000"));
        let it = settled(&bed, stan, "network_declined").await;
        assert_eq!(it["status"], "DECLINED", "{it}");
    }
    let mut found = Vec::new();
    for stan in [2, 3, 4] {
        found.push(text(&one_authorisation(&bed, stan).await, "responseCode"));
    }
    assert_eq!(found, ["01", "21", "11"]);
    assert_eq!(bed.world.available().await, "99984.50");
    let forced = sent(&bed, "1220", 5, &[(24, "200")]);
    assert_eq!(peer.outcome(&forced).await, is("1230", "000"));
    assert_eq!(settled(&bed, 5, "forced").await["status"], "APPROVED");
    assert_eq!(bed.world.available().await, "99969.00");
    let stranger = sent(&bed, "1120", 6, &[(2, "4000990012345678")]);
    assert_eq!(peer.outcome(&stranger).await, is("1130", "111"));
    let rows = listed(&bed, "mti=1120").await;
    let codes: Vec<_> = rows.iter().map(|row| row["responseCode"].as_str()).collect();
    assert_eq!(codes, [Some("003"), Some("116"), Some("911"), Some("119"), None]);
    bed.world.verify_ledger().await;
}

async fn reversals_of_1993_lead_to_a_target(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine, "").await;
    assert_eq!(peer.outcome(&sent(&bed, "1100", 1, &[])).await, is("1110", "000"));
    for (mti, answer, stan) in
        [("1400", "1410", 7), ("1401", "1410", 7), ("1420", "1430", 8), ("1421", "1430", 8)]
    {
        let whole = taking_back(&bed, mti, stan, ("1100", 1), "400", &[]);
        let answered = peer.ask(&whole).await;
        assert_eq!(answered.outcome(), is(answer, "400"), "{mti}");
        for number in [2, 3, 4, 7, 11, 12, 24, 32, 37, 41, 49, 56] {
            assert_eq!(answered.message.get(number), whole.get(number), "DE{number}");
        }
        assert_eq!(bed.world.available().await, "100000.00", "{mti}");
    }
    notices(&bed, 2).await;

    // What remains stands in DE4, and what it remains of in DE30.
    let hundred = sent(&bed, "1100", 2, &[(4, "000000010000")]);
    assert_eq!(peer.outcome(&hundred).await, is("1110", "000"));
    let of_hundred = [(30, "000000010000000000000000")];
    for (stan, left) in [(20, "000000003000"), (20, "000000003000"), (21, "000000005000")] {
        let changes = [&of_hundred[..], &[(4, left)]].concat();
        let partial = taking_back(&bed, "1420", stan, ("1100", 2), "401", &changes);
        assert_eq!(peer.outcome(&partial).await, is("1430", "400"), "to {left}");
        assert_eq!(bed.world.available().await, "99970.00");
    }
    let row = &listed(&bed, "stan=000020").await[0];
    assert_eq!((&row["amount"], &row["remaining"]), (&json!("100.00"), &json!("30.00")));
    let changes = [&of_hundred[..], &[(4, "000000001000")]].concat();
    let other = taking_back(&bed, "1420", 20, ("1100", 2), "401", &changes);
    assert_eq!(peer.outcome(&other).await, is("1430", "913"), "another target");
    let euros = [&changes[..], &[(49, "978")]].concat();
    let euros = taking_back(&bed, "1420", 22, ("1100", 2), "401", &euros);
    assert_eq!(peer.outcome(&euros).await, is("1430", "913"), "another currency");
    assert_eq!(bed.world.available().await, "99970.00");

    // Before its original, of a card of nobody, without its function, of a reversal.
    let early = taking_back(&bed, "1420", 30, ("1100", 3), "400", &[]);
    assert_eq!(peer.outcome(&early).await, is("1430", "400"));
    assert_eq!(peer.outcome(&sent(&bed, "1100", 3, &[])).await, is("1110", "100"), "tombstone");
    assert_eq!(one_authorisation(&bed, 3).await["detail"], "reversed_before_arrival");
    let strange = [(2, "4000990012345678")];
    for (mti, answer, code) in [("1420", "1430", "400"), ("1400", "1410", "111")] {
        let stranger = taking_back(&bed, mti, 31, ("1100", 2), "400", &strange);
        assert_eq!(peer.outcome(&stranger).await, is(answer, code), "{mti}");
    }
    for function in ["", "200"] {
        let answer = peer.ask(&taking_back(&bed, "1420", 32, ("1100", 2), function, &[])).await;
        assert_eq!((answer.outcome(), answer.text(44)), (is("1430", "904"), Some("024")));
    }
    let of_reversal = taking_back(&bed, "1420", 33, ("1420", 20), "400", &[]);
    assert_eq!(peer.outcome(&of_reversal).await, is("1430", "115"));
    assert_eq!(bed.world.available().await, "99970.00");
    bed.world.verify_ledger().await;
}

/// Today's date in UTC: YYMMDD. Without its year it is nearest to this year.
fn today() -> String {
    let now = Clock::system().real_now().to_string();
    now.chars().filter(char::is_ascii_digit).skip(2).take(6).collect()
}

/// Two links of one network in both dialects: a message that comes again by the other link is the
/// same, and each is answered in its own words.
async fn both_dialects_are_one_network(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let tables =
        table("new", &format!("{DIALECT}network = 'switch'")) + &table("old", "network = 'switch'");
    let file = configured(&directory, &tables);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut new = signed_on(&bed, "new").await;
    let mut old = Peer::signed_on(&bed.address("old")).await;
    let date = today();
    let moment = format!("{date}200001");
    let in_1993 = |mti, stan| sent(&bed, mti, stan, &[(12, &moment)]);
    let in_1987 = |mti, stan| {
        let mut own = bed.changed(stan, &[(13, &date[2..])]);
        own.set_mti(message(mti, &[]).mti());
        own
    };
    let first = new.ask(&in_1993("1100", 1)).await;
    assert_eq!(first.outcome(), is("1110", "000"));
    let again = old.ask(&in_1987("0101", 1)).await;
    assert_eq!((again.outcome(), again.text(38)), (is("0110", "00"), first.text(38)));
    let first = old.ask(&in_1987("0100", 2)).await;
    assert_eq!(first.outcome(), is("0110", "00"));
    let again = new.ask(&in_1993("1101", 2)).await;
    assert_eq!((again.outcome(), again.text(38)), (is("1110", "000"), first.text(38)));
    assert_eq!(bed.world.enterprise.notice_count(), 2);
    assert_eq!(bed.world.available().await, "99969.00");

    // Each link takes back what the other brought; the same reversal comes again by the other.
    let by_old = |mti| reversal(&bed, mti, 7, 1, &[(13, &date[2..]), (12, "200031")]);
    assert_eq!(old.outcome(&by_old("0420")).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "99984.50");
    let named = naming("1100", 1).replace(LOCAL_TIME, &moment);
    let moment_31 = format!("{date}200031");
    let by_new = [(12, &*moment_31), (56, &*named)];
    let by_new = taking_back(&bed, "1421", 7, ("1100", 1), "400", &by_new);
    assert_eq!(new.outcome(&by_new).await, is("1430", "400"));
    let named = naming("0100", 2).replace(LOCAL_TIME, &moment);
    // The RRN is another, so that the original is found by DE56 alone.
    let by_new = [(12, &*moment_31), (37, "633300000099"), (56, &*named)];
    let by_new = taking_back(&bed, "1420", 8, ("1100", 2), "400", &by_new);
    assert_eq!(new.outcome(&by_new).await, is("1430", "400"));
    assert_eq!(bed.world.available().await, "100000.00");
    let mtis: Vec<_> = listed(&bed, "").await.iter().map(|row| text(row, "mti")).collect();
    assert_eq!(mtis, ["1100", "0100", "0420", "1420"], "as they came first");
    bed.world.verify_ledger().await;
}

/// The script of the page: of the purchase nothing is left.
async fn the_script_of_1993_holds(engine: Engine) {
    let (bed, _, _directory) = bed(&engine, "").await;
    let file = Path::new(EXAMPLES).join("purchase-1993.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(PAGE.contains(&format!("```toml\n{text}```")));
    // The script has a deadline, which a busy machine may miss.
    for left in (0..TRIES).rev() {
        let (code, stdout, stderr) = played(&bed, &file, &[]).await;
        if code == Some(0) {
            break;
        }
        assert!(left > 0, "{stdout}{stderr}");
    }
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

on_both_engines! {
    the_script_of_1993_holds:
        the_script_of_1993_holds_on_sqlite, the_script_of_1993_holds_on_postgresql;
    a_purchase_of_1993: a_purchase_of_1993_on_sqlite, a_purchase_of_1993_on_postgresql;
    declines_have_three_digits:
        declines_have_three_digits_on_sqlite, declines_have_three_digits_on_postgresql;
    requests_become_what_they_are_in_1987:
        requests_become_what_they_are_in_1987_on_sqlite,
        requests_become_what_they_are_in_1987_on_postgresql;
    advices_are_facts_in_1993:
        advices_are_facts_in_1993_on_sqlite, advices_are_facts_in_1993_on_postgresql;
    reversals_of_1993_lead_to_a_target:
        reversals_of_1993_lead_to_a_target_on_sqlite,
        reversals_of_1993_lead_to_a_target_on_postgresql;
    both_dialects_are_one_network:
        both_dialects_are_one_network_on_sqlite, both_dialects_are_one_network_on_postgresql;
    pins_macs_keys_and_chips_of_1993:
        pins_macs_keys_and_chips_of_1993_on_sqlite,
        pins_macs_keys_and_chips_of_1993_on_postgresql;
}

#[tokio::test]
async fn a_fault_of_1993_is_answered_with_its_field() {
    let keys = format!("{DIALECT}strict = true");
    let directory = tempfile::tempdir().unwrap();
    let tables = table("default", DIALECT) + &table("strict", &keys) + &table("old", "");
    let file = configured(&directory, &tables);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = signed_on(&bed, "default").await;
    let encoded = peer.encoded(&sent(&bed, "1100", 1, &[]));
    let time = encoded.windows(12).position(|it| it == LOCAL_TIME.as_bytes()).unwrap();
    let mut letter = encoded.clone();
    letter[time] = b'A';
    let frame = peer.framed(&letter);
    peer.send_bytes(&frame).await.unwrap();
    let answer = peer.receive().await.unwrap();
    assert_eq!((answer.outcome(), answer.text(44)), (is("1110", "904"), Some("012")));
    assert_eq!(answer.text(11), Some("000001"));
    for (changes, field) in [
        (&[(12, "260229200001")][..], "012"),
        (&[(49, "001")], "049"),
        (&[(56, "1100000001261129200001")], "056"),
        (&[(3, "")], "003"),
    ] {
        let answer = peer.ask(&sent(&bed, "1100", 2, changes)).await;
        assert_eq!((answer.outcome(), answer.text(44)), (is("1110", "904"), Some(field)));
    }
    let mut strict = signed_on(&bed, "strict").await;
    for (number, field) in [(12, "012"), (26, "026"), (22, "022"), (24, "024"), (43, "043")] {
        let answer = strict.ask(&sent(&bed, "1100", 3, &[(number, "")])).await;
        assert_eq!((answer.outcome(), answer.text(44)), (is("1110", "904"), Some(field)));
    }
    assert_eq!(strict.outcome(&sent(&bed, "1100", 4, &[])).await, is("1110", "000"));

    // A message of the other dialect cannot be read: nothing in it is where it seems to be.
    let mut old = Peer::signed_on(&bed.address("old")).await;
    let (of_1987, of_1993) =
        (old.encoded(&bed.purchase(5)), peer.encoded(&sent(&bed, "1100", 5, &[])));
    for (peer, bytes) in [(&mut peer, of_1987), (&mut old, of_1993)] {
        let frame = peer.framed(&bytes);
        peer.send_bytes(&frame).await.unwrap();
    }
    let echo = message("0800", &[(7, "1129115900"), (11, "000100"), (70, "301")]);
    assert_eq!(old.outcome(&echo).await, is("0810", "00"), "no answer before this");
    assert_eq!(peer.outcome(&management("831")).await, is("1814", "800"));
    for (name, errors) in [("old", 1), ("default", 2)] {
        let link = bed.link(name).await;
        assert_eq!(link["counters"]["formatErrors"], json!(errors), "{link}");
    }
    assert_eq!(bed.world.enterprise.notice_count(), 1);
}

#[tokio::test]
async fn a_link_of_1993_chooses_codes_of_three_digits() {
    let keys = "no-answer-code = '907'\n[links.codes]\nenterprise_not_allowed = '119'";
    let (bed, mut peer, _directory) = bed(&Engine::embedded(), keys).await;
    let enterprise = &bed.world.enterprise;
    for (stan, behaviour, code) in [
        (1, Behaviour::Answer(ResponseCode::NotAllowed), "119"),
        (2, Behaviour::Status(500), "907"),
        (3, Behaviour::Answer(ResponseCode::NoResponse), "100"),
    ] {
        enterprise.answer(behaviour);
        assert_eq!(peer.outcome(&sent(&bed, "1100", stan, &[])).await, is("1110", code));
    }
}

/// What the platform sends first, in the words of its link.
#[tokio::test]
async fn the_platform_signs_on_and_tests_in_1993() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let keys = format!("{DIALECT}terminal = 'CARDBRDG'");
    let file = configured(&directory, &connecting("a", &address, &keys));
    let mut bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = Peer::accept(&listener).await.speaking(Packager::Iso93Ascii);
    peer.answer_management("801", "909").await;
    let sign_on = peer.answer_management("801", "800").await;
    assert_eq!((sign_on.text(41), sign_on.text(70)), (Some("CARDBRDG"), None));
    let (sent_at, local) = (sign_on.text(7).unwrap(), sign_on.text(12).unwrap());
    assert_eq!((local.len(), &local[2..]), (12, sent_at), "the same moment");
    until_state(&bed, "a", "UP").await;
    assert_eq!(peer.outcome(&sent(&bed, "1100", 1, &[])).await, is("1110", "000"));
    let nothing = json!({});
    let echo = bed.world.operator.post("/admin/v1/links/a/echo", &nothing);
    let (answers, _) = tokio::join!(echo, peer.answer_management("831", "800"));
    assert_eq!(answers.unwrap()["items"][0]["responseCode"], "800");
    bed.world.terminate();
    peer.answer_management("802", "800").await;
    peer.expect_end().await;
    bed.world.ended().await;
}

async fn pins_macs_keys_and_chips_of_1993(engine: Engine) {
    const OTHER_ZPK: &str = "895BB0D025C48AFB86E5C77A8F6B91C4";
    let files = Files::new();
    let imk = files.private("imk.hex", IMK);
    let emv = format!("[[links.emv]]\npan-prefix = '4'\nimk-file = '{}'\n", imk.display());
    let keys = files.keys(&format!("{SEALED_ZPK}\n{SEALED_ZAK}")) + &emv;
    let own = format!("{DIALECT}mac = 'verify'\nkey-field = 96");
    let file = files.configuration(&link("default", &own, &keys));
    let mut bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    set_pin(&mut bed).await;
    let mut peer = signed_on(&bed, "default").await;
    // Unsigned, it gets no answer.
    peer.send(&sent(&bed, "1100", 1, &[])).await;
    peer.zak = key(ZAK);
    let answer = peer.ask(&management("831")).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (is("1814", "800"), Some(true)));
    for (stan, more, place) in [(1, &[][..], 64), (2, &[(102, "00000000000")], 128)] {
        let answer = peer.ask(&sent(&bed, "1100", stan, more)).await;
        assert_eq!((answer.outcome(), answer.mac_is_right), (is("1110", "000"), Some(true)));
        assert!(answer.message.get(place).is_some(), "DE{place}");
    }
    assert_eq!(bed.link("default").await["counters"]["macErrors"], json!(1));

    // A key comes as bytes, whose length counts them; then blocks are under it.
    let mut new_key = management("811");
    new_key.set(96, NEW_ZPK.as_bytes()).unwrap();
    let answer = peer.ask(&management("811")).await;
    assert_eq!((answer.outcome(), answer.text(44)), (is("1814", "904"), Some("096")));
    assert_eq!(peer.outcome(&new_key).await, is("1814", "800"));
    let zpk = TdesKey::from_hex(OTHER_ZPK).unwrap();
    for (stan, pin, code) in [(3, PIN, "000"), (4, "0000", "117")] {
        let mut pinned = sent(&bed, "1100", stan, &[(22, "510101513344")]);
        let block = pin_block(&zpk, PinBlockFormat::Iso0, pin, &bed.pan, &SystemRandom).unwrap();
        pinned.set(52, &block).unwrap();
        pinned.set(53, &[0x20, 1, 1, 1]).unwrap();
        assert_eq!(peer.outcome(&pinned).await, is("1110", code), "{pin}");
    }

    // A chip knows codes of two characters.
    for (stan, expiry, code, of_chip) in
        [(5, bed.expiry.clone(), "000", b"00"), (6, "2001".to_owned(), "101", b"54")]
    {
        let (of_1987, arqc) = chipped(&bed, stan, VERSION_10);
        let mut read = sent(&bed, "1100", stan, &[(14, &expiry), (22, "510101513344")]);
        for number in [23, 55] {
            read.set(number, of_1987.get(number).unwrap()).unwrap();
        }
        let authentic =
            [&[0x91, 10][..], &arpc_1(&chip_key(&bed), arqc, *of_chip), of_chip].concat();
        let answer = peer.ask(&read).await;
        assert_eq!(
            (answer.outcome(), answer.message.get(55)),
            (is("1110", code), Some(&*authentic))
        );
    }
    bed.world.verify_ledger().await;
}
