//! The rate limit of a key over several processes on one PostgreSQL.

use std::time::Duration;

use domain::Mode;
use serde_json::json;
use store::{Holder, Store};
use testkit::database::Database;
use testkit::http::{Answer, Request, send};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const BALANCE: &str = "/open-api/enterprise/v1/enterprise-balance?currency=840";
/// The server's time in microseconds.
const NOW: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
const LOOK: Duration = Duration::from_millis(100);
/// The number of the limit in reports.
const OPEN_API_WEIGHTS: u8 = 1;

async fn production(database: &Database, name: &str, caller: &Caller) -> Platform {
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let holder = Holder { name: name.to_owned(), identity: name.to_owned() };
    platform.store.take_any_number(&holder).await.unwrap();
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    platform
}

async fn ask(platform: &Platform, caller: &Caller) -> Answer {
    send(platform.public, &caller.signing().of(Request::get(BALANCE))).await
}

fn header(answer: &Answer, name: &str) -> u64 {
    answer.header(name).unwrap().parse().unwrap()
}

/// What another process tells: so much of one key, as of now.
async fn tell(database: &Database, platform: &Platform, caller: &Caller, weight: u64) {
    let identity = [&[OPEN_API_WEIGHTS][..], caller.api_key.as_bytes()].concat();
    let name = platform.parts.vault.caller_name(&identity);
    let report = format!("0100000000{OPEN_API_WEIGHTS:02x}{name:032x}{weight:016x}");
    database
        .tamper(&format!(
            "INSERT INTO process (node, holder, identity, epoch, expires_at, limits, limits_at) \
             VALUES (900, 'other', 'other', 1, {NOW} + 3600000000, '\\x{report}', {NOW}) \
             ON CONFLICT (node) DO UPDATE SET limits = excluded.limits, limits_at = {NOW}"
        ))
        .await;
}

/// Waits until a process has read what others tell by now.
async fn heard(database: &Database, store: &Store) {
    let node = store.ids().node();
    for _ in 0..2 {
        let now = database.ids(&format!("SELECT {NOW}")).await[0];
        let told = format!("SELECT node FROM process WHERE node = {node} AND limits_at > {now}");
        while database.ids(&told).await.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_key_used_elsewhere_is_missing_here_and_other_keys_have_theirs() {
    let database = Database::on_server().await;
    // Production hands no secret over, so the keys are made before.
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let caller = Caller::new(&platform).await;
    let path = format!("/admin/v1/enterprises/{}/api-keys", caller.enterprise_id);
    let key = platform.done(&path, json!({})).await;
    platform.stop().await;
    let second = Caller {
        enterprise_id: caller.enterprise_id.clone(),
        api_key: text(&key["apiKey"]),
        secret: text(&key["secretKey"]),
        profile_id: caller.profile_id.clone(),
    };

    let first = production(&database, "first", &caller).await;
    let other = production(&database, "second", &caller).await;
    tell(&database, &first, &caller, 1).await;
    for platform in [&first, &other] {
        heard(&database, &platform.store).await;
        let answer = ask(platform, &caller).await;
        assert_eq!(answer.status, 200);
        assert!(header(&answer, "x-ratelimit-remaining") >= 1_990);
    }
    // Refilled within five minutes: time enough for any machine.
    tell(&database, &first, &caller, 300_001).await;
    for platform in [&first, &other] {
        heard(&database, &platform.store).await;
        let refused = ask(platform, &caller).await;
        assert_eq!((refused.status, header(&refused, "x-ratelimit-remaining")), (429, 0));
        let reset_s = header(&refused, "x-ratelimit-reset");
        assert!((1..=300).contains(&reset_s), "{reset_s}");
        let granted = ask(platform, &second).await;
        assert_eq!(granted.status, 200);
        assert!(header(&granted, "x-ratelimit-remaining") >= 1_990);
    }
    first.stop().await;
    other.stop().await;
}
