//! The messages of links as operators see them, and what becomes of answers.

use std::time::Duration;

use domain::ResponseCode;
use serde_json::{Value, json};
use sim::Behaviour;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::iso_peer::message;
use crate::keyed_calls::operator_keyed;
use crate::link_reversals::{bed, notices, of_rrn, on_both_engines, reversal};
use crate::links::{Bed, configured, is, metrics, table};
use crate::world::{WAIT, text};

/// Pause between two looks at the list.
const LOOK: Duration = Duration::from_millis(20);

pub async fn listed(bed: &Bed, query: &str) -> Vec<Value> {
    let path = format!("/admin/v1/network-messages?order=asc&{query}");
    let page = bed.world.operator.get(&path).await.unwrap();
    page["items"].as_array().unwrap().clone()
}

/// Waits until the list has so many rows.
pub async fn until(bed: &Bed, query: &str, count: usize) -> Vec<Value> {
    let search = async {
        loop {
            let rows = listed(bed, query).await;
            if rows.len() == count {
                return rows;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match timeout(WAIT, search).await {
        Ok(rows) => rows,
        Err(_) => panic!("{query}: {:?}", listed(bed, query).await),
    }
}

async fn operators_see_messages(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(
        peer.outcome(&reversal(&bed, "0400", 7, 1, &[(15, "1130")])).await,
        is("0410", "00")
    );
    assert_eq!(
        peer.outcome(&reversal(&bed, "0401", 7, 1, &[(15, "1130")])).await,
        is("0410", "00")
    );
    let stranger = reversal(&bed, "0420", 8, 1, &[(2, "4000990012345678")]);
    assert_eq!(peer.outcome(&stranger).await, is("0430", "00"));
    assert_eq!(peer.outcome(&bed.changed(9, &[(3, "260000")])).await, is("0110", "40"));

    let rows = until(&bed, "delivery=WRITTEN", 3).await;
    assert_eq!(listed(&bed, "").await.len(), 3, "a repeat and a refusal have no row");
    let [bought, undone, strange] = &rows[..] else { panic!("three rows") };
    let auth_id = text(&of_rrn(&bed, 1).await[0], "authId");
    for (key, wanted) in [
        ("link", json!("default")),
        ("mti", json!("0100")),
        ("acquirer", json!("412345")),
        ("stan", json!("000001")),
        ("rrn", json!("633300000001")),
        ("amount", json!("15.50")),
        ("authId", json!(auth_id)),
        ("cardId", json!(bed.card_id)),
        ("answerCode", json!("00")),
        ("outcome", Value::Null),
    ] {
        assert_eq!(bought[key], wanted, "{key}: {bought}");
    }
    for (key, wanted) in [
        ("mti", json!("0400")),
        ("originalStan", json!("000001")),
        ("settlementDate", json!("1130")),
        ("responseCode", json!("68")),
        ("outcome", json!("REVERSED")),
    ] {
        assert_eq!(undone[key], wanted, "{key}: {undone}");
    }
    assert_eq!(strange["outcome"], "UNKNOWN_CARD");
    assert_eq!(&listed(&bed, "unposted=true").await[..], &rows[2..]);
    assert_eq!(&listed(&bed, "mti=0400&stan=000007&link=default").await[..], &rows[1..2]);
    assert_eq!(&listed(&bed, &format!("authId={auth_id}")).await[..], &rows[..1]);
    let all = format!("{rows:?}");
    assert!(!all.contains(&bed.pan), "no PAN is shown");
    let refused = bed.world.operator.get("/admin/v1/network-messages?delivery=x").await;
    assert!(refused.unwrap_err().to_string().contains("delivery must be one of PENDING"));

    // Reversals that wait for their originals and facts that are not posted are counted once.
    let early = reversal(&bed, "0420", 11, 999, &[]);
    for _ in 0..2 {
        assert_eq!(peer.outcome(&early).await, is("0430", "00"));
    }
    let counters = &bed.link("default").await["counters"];
    assert_eq!(
        (&counters["earlyReversals"], &counters["unpostedAdvices"]),
        (&json!(1), &json!(1)),
        "{counters}"
    );
    let metrics = metrics(&bed.world).await;
    for counted in ["early_reversals", "unposted_advices"] {
        let line = format!("cardbridge_link_{counted}_total{{link=\"default\"}} 1");
        assert!(metrics.lines().any(|it| it == line), "{line}");
    }
    bed.world.verify_ledger().await;
}

/// What nothing depends on is in the receipt.
async fn a_receipt_shows_what_the_network_said(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let own = [
        (3, "090000"),
        (19, "702"),
        (22, "051"),
        (25, "00"),
        (41, "TERM0001"),
        (54, "0040840D000000000500"),
    ];
    assert_eq!(peer.outcome(&bed.changed(1, &own)).await, is("0110", "00"));
    let too_much = [(3, "090000"), (54, "0040840D000000001551")];
    let refused = peer.ask(&bed.changed(2, &too_much)).await;
    assert_eq!((refused.outcome(), refused.text(44)), (is("0110", "30"), Some("054")));
    until(&bed, "delivery=WRITTEN", 1).await;

    let auth_id = text(&of_rrn(&bed, 1).await[0], "authId");
    let path = format!("/admin/v1/authorisations/{auth_id}");
    let receipt = bed.world.operator.get(&path).await.unwrap();
    let network = json!({
        "link": "default", "processingCode": "090000", "acquirerCountry": "702",
        "entryMode": "CHIP", "condition": "00", "acquirer": "412345", "terminal": "TERM0001",
        "billingRate": null, "cashBack": "5.00", "chip": null,
    });
    assert_eq!(receipt["request"]["network"], network);
    let rows = listed(&bed, &format!("authId={auth_id}")).await;
    let message = json!({
        "messageId": rows[0]["messageId"], "mti": "0100", "link": "default",
        "answerCode": "00", "delivery": "WRITTEN",
    });
    assert_eq!(receipt["networkMessages"], json!([message]));
    assert_eq!(receipt["amount"], "15.50", "the whole amount is held");
}

/// A peer that goes away before its answer: the hold is kept, and the repeat gets the approval.
async fn an_answer_that_was_not_written_is_listed(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    peer.send(&bed.purchase(1)).await;
    notices(&bed, 1).await;
    drop(peer);
    let mut other = bed.signed_on().await;
    assert_eq!(listed(&bed, "delivery=PENDING").await.len(), 1);
    // The connection is gone by the time of the answer.
    let gone = async {
        while bed.link("default").await["connections"].as_array().unwrap().len() > 1 {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, gone).await.expect("the connection ends");
    bed.world.enterprise.release();
    bed.world.enterprise.answer(Behaviour::APPROVE);
    let rows = until(&bed, "delivery=NOT_WRITTEN", 1).await;
    assert_eq!((&rows[0]["answerCode"], &rows[0]["mti"]), (&json!("00"), &json!("0100")));
    assert_eq!(bed.world.available().await, "99984.50");
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    let again = other.ask(&repeat).await;
    assert_eq!(again.outcome(), is("0110", "00"));
    let approved = &of_rrn(&bed, 1).await[0];
    assert_eq!(again.text(38), approved["authCode"].as_str());
    bed.world.verify_ledger().await;
}

/// The answers of a process that was killed: nobody knows what became of them.
async fn answers_of_a_killed_process_are_unknown(engine: Engine) {
    let (mut bed, mut peer) = bed(&engine).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    peer.send(&bed.purchase(1)).await;
    notices(&bed, 1).await;
    assert_eq!(listed(&bed, "delivery=PENDING").await.len(), 1);
    bed.world.kill();
    bed.world.start_again();
    let rows = until(&bed, "delivery=UNKNOWN", 1).await;
    assert_eq!((&rows[0]["mti"], &rows[0]["answerCode"]), (&json!("0100"), &Value::Null));
    assert_eq!(listed(&bed, "").await, rows);
}

/// What keeps the store from writing until it is ended.
enum Standstill {
    Embedded(rusqlite::Connection),
    Server(tokio_postgres::Client),
}

impl Standstill {
    async fn of(engine: &Engine, bed: &Bed) -> Self {
        if engine.options().is_empty() {
            let file = bed.world.data_dir().join("cardbridge.db");
            let session = rusqlite::Connection::open(file).unwrap();
            session.busy_timeout(WAIT).unwrap();
            session.execute_batch("BEGIN IMMEDIATE").unwrap();
            Self::Embedded(session)
        } else {
            let session = engine.connect().await;
            let lock = "BEGIN; LOCK TABLE ledger_account IN EXCLUSIVE MODE";
            session.batch_execute(lock).await.unwrap();
            Self::Server(session)
        }
    }

    async fn end(self) {
        match self {
            Self::Embedded(session) => session.execute_batch("ROLLBACK").unwrap(),
            Self::Server(session) => session.batch_execute("ROLLBACK").await.unwrap(),
        }
    }
}

/// A commit that ends after the network's limit: silence, and the repeat gets what was decided.
async fn an_answer_that_comes_too_late_is_not_sent(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", "response-time-ms = 1000"));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let standstill = Standstill::of(&engine, &bed).await;
    peer.send(&bed.purchase(1)).await;
    let given_up = async {
        while bed.link("default").await["counters"]["undelivered"] != 1 {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, given_up).await.expect("the network no longer waits");
    standstill.end().await;
    let rows = until(&bed, "delivery=TOO_LATE", 1).await;
    assert_eq!((&rows[0]["mti"], &rows[0]["stan"]), (&json!("0100"), &json!("000001")));
    let line = "cardbridge_link_undelivered_total{link=\"default\",delivery=\"TOO_LATE\"} 1";
    let counted = metrics(&bed.world).await;
    assert!(counted.contains(line), "{counted}");

    let decided = async {
        loop {
            let it = of_rrn(&bed, 1).await.remove(0);
            if it["status"] != "PENDING" {
                return it;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let decided = timeout(WAIT, decided).await.expect("it is decided");
    assert_eq!(decided["detail"], "deadline_before_notice", "nobody was asked: {decided}");
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    assert_eq!(peer.outcome(&repeat).await, is("0110", "05"), "the first answer on this line");
    assert_eq!(bed.world.enterprise.notice_count(), 0);
    bed.world.verify_ledger().await;
}

/// What the network gives up, an operator reverses: a hold in parts, and what was posted.
async fn an_operator_reverses_in_the_networks_place(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let mut single = bed.purchase(2);
    single.set_mti(message("0200", &[]).mti());
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&single).await, is("0210", "00"));
    let mut paths = Vec::new();
    for stan in [1, 2] {
        let auth_id = text(&of_rrn(&bed, stan).await[0], "authId");
        paths.push(format!("/admin/v1/authorisations/{auth_id}/reverse"));
    }
    let operator = &bed.world.operator;
    let refused = operator.post(&paths[0], &json!({ "amount": "5.50" })).await;
    assert!(refused.unwrap_err().to_string().contains("reason is missing"));

    // The same call again reverses nothing more.
    let part = json!({ "amount": "5.50", "reason": format!("never delivered: {}", bed.pan) });
    let own = bed.world.sandbox();
    let caller = (text(&own, "admin_url"), text(&own, "admin_token"));
    let caller = (caller.0.as_str(), caller.1.as_str());
    let first = operator_keyed(caller, &paths[0], "part", &part).await.unwrap().1;
    let again = operator_keyed(caller, &paths[0], "part", &part).await.unwrap().1;
    assert_eq!(first["authId"], again["authId"], "{first} {again}");
    assert_eq!(bed.world.available().await, "99974.50");
    let receipt = format!("/admin/v1/authorisations/{}", text(&first, "authId"));
    let receipt = operator.get(&receipt).await.unwrap();
    let reason = text(&receipt, "reversalReason");
    assert!(reason.starts_with("never delivered: *") && !reason.contains(&bed.pan), "{reason}");
    let rest = json!({ "remainingAmount": "0", "reason": "never delivered" });
    operator.post(&paths[0], &rest).await.unwrap();
    let back = operator.post(&paths[1], &json!({ "reason": "never delivered" })).await.unwrap();
    assert_eq!((&back["amount"], &back["direction"]), (&json!("15.50"), &json!("INCOMING")));
    assert_eq!(bed.world.available().await, "100000.00");
    let twice = operator.post(&paths[1], &json!({ "reason": "never delivered" })).await;
    let refused = twice.unwrap_err().to_string();
    assert!(refused.contains("not open"), "nothing is left: {refused}");

    // What a refund gave is taken back; nobody is asked about that.
    let asked = bed.world.enterprise.notice_count();
    let refund = bed.changed(3, &[(3, "200000"), (4, "000000000400")]);
    assert_eq!(peer.outcome(&refund).await, is("0110", "00"));
    assert_eq!(bed.world.available().await, "100004.00");
    let auth_id = text(&of_rrn(&bed, 3).await[0], "authId");
    let path = format!("/admin/v1/authorisations/{auth_id}/reverse");
    for body in [
        json!({ "remainingAmount": "1", "reason": "half of it" }),
        json!({ "reason": "all of it" }),
    ] {
        operator.post(&path, &body).await.unwrap();
    }
    assert_eq!(bed.world.available().await, "100000.00");
    assert_eq!(bed.world.enterprise.notice_count(), asked + 1, "the refund itself");

    // The network's repeat gets what it was answered first.
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    assert_eq!(peer.outcome(&repeat).await, is("0110", "00"));
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

/// The reason of a reversal is in its commit, so that a kill before the enterprise answered does
/// not lose it.
async fn a_reason_outlives_a_kill(engine: Engine) {
    let (mut bed, mut peer) = bed(&engine).await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    let auth_id = text(&of_rrn(&bed, 1).await[0], "authId");
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let operator = bed.world.operator.clone();
    let path = format!("/admin/v1/authorisations/{auth_id}/reverse");
    let calling =
        tokio::spawn(async move { operator.post(&path, &json!({ "reason": "given up" })).await });
    notices(&bed, 2).await;
    bed.world.kill();
    assert!(calling.await.unwrap().is_err());
    bed.world.enterprise.answer(Behaviour::APPROVE);
    bed.world.start_again();
    let decided = async {
        loop {
            let all = crate::crash::authorisations(&bed.world.operator, &bed.card_id).await;
            let reversal = all.values().find(|it| it["originalAuthId"] == json!(auth_id));
            if let Some(it) = reversal.filter(|it| it["status"] != "PENDING") {
                return text(it, "authId");
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let reversal = timeout(WAIT, decided).await.expect("the reversal is decided");
    let path = format!("/admin/v1/authorisations/{reversal}");
    let receipt = bed.world.operator.get(&path).await.unwrap();
    assert_eq!(receipt["reversalReason"], "given up", "{receipt}");
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

/// Advices of a day that come to more than they may take the link out of requests.
async fn too_many_facts_are_an_alarm(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let limit = "max-forced-per-day = { amount = '10.00', currency = 'USD' }";
    let file = configured(&directory, &table("default", limit));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let advice = |stan, minor: &str| {
        let mut own = bed.changed(stan, &[(4, minor), (39, "00")]);
        own.set_mti(message("0120", &[]).mti());
        own
    };
    assert_eq!(peer.outcome(&advice(1, "000000001000")).await, is("0130", "00"));
    assert_eq!(bed.link("default").await["state"], "UP");
    assert_eq!(peer.outcome(&advice(2, "000000000001")).await, is("0130", "00"));
    let drained = async {
        while bed.link("default").await["state"] != "DRAINING" {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, drained).await.expect("the link takes no requests");
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "91"));
    let resume = "/admin/v1/links/default/resume";
    bed.world.operator.post(resume, &json!({})).await.unwrap();
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "00"));
    bed.world.verify_ledger().await;
}

on_both_engines! {
    a_reason_outlives_a_kill:
        a_reason_outlives_a_kill_on_sqlite, a_reason_outlives_a_kill_on_postgresql;
    an_operator_reverses_in_the_networks_place:
        an_operator_reverses_on_sqlite, an_operator_reverses_on_postgresql;
    an_answer_that_comes_too_late_is_not_sent:
        an_answer_that_is_late_on_sqlite, an_answer_that_is_late_on_postgresql;
    answers_of_a_killed_process_are_unknown:
        answers_of_a_killed_process_on_sqlite, answers_of_a_killed_process_on_postgresql;
    too_many_facts_are_an_alarm:
        too_many_facts_are_an_alarm_on_sqlite, too_many_facts_are_an_alarm_on_postgresql;
    operators_see_messages: operators_see_messages_on_sqlite, operators_see_messages_on_postgresql;
    a_receipt_shows_what_the_network_said:
        a_receipt_shows_the_message_on_sqlite, a_receipt_shows_the_message_on_postgresql;
    an_answer_that_was_not_written_is_listed:
        an_answer_not_written_is_listed_on_sqlite, an_answer_not_written_is_listed_on_postgresql;
}
