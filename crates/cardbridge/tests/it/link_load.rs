//! Load on a link: the cap of requests while advices go on, and no answer lost or doubled.

use std::fs;

use domain::ResponseCode;
use serde_json::Value;
use sim::Behaviour;
use testkit::database::is_long;

use crate::engine::Engine;
use crate::link_advices::advice;
use crate::link_reversals::on_both_engines;
use crate::link_scripts::played;
use crate::links::{Bed, configured, is, table};

/// The network waits long enough for a slow machine.
const PATIENT: &str = "response-time-ms = 60000";
/// Requests of a link that are processed at once.
const MAX_IN_FLIGHT: u32 = 512;
/// Advices of a link that are processed at once.
const ADVICES: u32 = 64;
/// Tries for a machine so busy that the enterprise's deadline passes while the requests arrive.
const TRIES: u32 = 5;
/// Messages a second of each connection of the burst.
const PER_SECOND: u32 = 100;
/// Length of the burst, by default and in full.
const SECONDS: [u32; 2] = [2, 60];

async fn a_full_link_refuses_requests_and_takes_advices(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", PATIENT));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let (mut peer, mut other) = (bed.signed_on().await, bed.signed_on().await);
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let mut held_minor = 0;
    for number in 0.. {
        let first = 1_000 * (number + 1);
        let mut frames = Vec::new();
        for stan in first..=first + MAX_IN_FLIGHT {
            let purchase = bed.changed(stan, &[(4, "000000000100")]);
            frames.extend(peer.framed(&peer.encoded(&purchase)));
        }
        peer.send_bytes(&frames).await.unwrap();
        let answer = peer.receive().await.unwrap();
        let is_full = answer.outcome() == is("0110", "91");
        assert!(is_full || number + 1 < TRIES, "{:?}", answer.outcome());
        if is_full {
            let last = format!("{:06}", first + MAX_IN_FLIGHT);
            assert_eq!(answer.text(11), Some(&*last), "the one that is too many");
            for stan in 0..ADVICES {
                other.send(&advice(&bed, "0120", 100_000 + stan, 100, &[])).await;
            }
            for _ in 0..ADVICES {
                assert_eq!(other.receive().await.unwrap().outcome(), is("0130", "00"));
                held_minor += 100;
            }
            for _ in 0..MAX_IN_FLIGHT + ADVICES {
                bed.world.enterprise.release();
            }
        }
        for _ in 0..MAX_IN_FLIGHT {
            let (mti, code) = peer.receive().await.unwrap().outcome();
            // An approval, or the enterprise's deadline has passed meanwhile.
            assert!(mti == "0110" && ["00", "05"].contains(&&*code), "{mti} {code}");
            held_minor += if code == "00" { 100 } else { 0 };
        }
        if is_full {
            break;
        }
    }
    let left = 100_000 - held_minor / 100;
    assert_eq!(bed.world.available().await, format!("{left}.00"));
    bed.world.verify_ledger().await;
}

async fn no_answer_of_a_burst_is_lost_or_doubled(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", PATIENT));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let count = PER_SECOND * SECONDS[usize::from(is_long())];
    // A second answer to a message would break the silence after the burst.
    let script = format!(
        "timeout-ms = 180000\nvars = {{ pan = 'env:PAN' }}\nsteps = [\n\
         {{ name = 'on', send = '0800', fields = {{ 7 = '{{now}}', 11 = '000001', 70 = '001' }} }},\
         {{ expect = '0810', of = 'on' }},\
         {{ burst = '0100', count = {count}, per-second = {PER_SECOND}, fields = {{ \
            2 = '{{pan}}', 3 = '000000', 4 = '000000000100', 7 = '{{now}}', 11 = '{{stan}}', \
            12 = '{{now}}', 13 = '{{now}}', 32 = '412345', 37 = '{{rrn}}', 49 = '840' }}, \
            expect-codes = ['00', '05', '65', '91'] }},\
         {{ silence-ms = 300 }} ]"
    );
    let file = directory.path().join("burst.toml");
    fs::write(&file, script).unwrap();
    let both = tokio::join!(
        played(&bed, &file, &["--json", "--seed", "100000"]),
        played(&bed, &file, &["--json", "--seed", "500000"]),
    );
    let mut approved = 0;
    for (code, stdout, stderr) in [both.0, both.1] {
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        let burst: Value = serde_json::from_str(stdout.lines().nth(2).unwrap()).unwrap();
        let of = |code: &str| burst["codes"][code].as_u64().unwrap_or_default();
        // In full the count of purchases that a card may make in a day is passed, and on a machine
        // that is too slow for the rate the number of requests in flight.
        let answered = ["00", "05", "65", "91"].map(of).iter().sum::<u64>();
        assert_eq!(answered, u64::from(count), "{burst}");
        approved += of("00");
    }
    assert!(approved > 0);
    assert_eq!(bed.world.available().await, format!("{}.00", 100_000 - approved));
    bed.world.verify_ledger().await;
}

on_both_engines! {
    a_full_link_refuses_requests_and_takes_advices:
        a_full_link_refuses_requests_on_sqlite, a_full_link_refuses_requests_on_postgresql;
    no_answer_of_a_burst_is_lost_or_doubled:
        no_answer_of_a_burst_is_lost_on_sqlite, no_answer_of_a_burst_is_lost_on_postgresql;
}
