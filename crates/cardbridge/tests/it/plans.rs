//! What others leave in a database costs a purchase nothing: pages that PostgreSQL visits for each
//! statement of a real process, beside nothing and beside full tables. No times are measured.

#![allow(clippy::float_arithmetic, reason = "pages are averaged; no money is computed here")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::Clock;
use store::JobKind;
use testkit::database::is_long;
use tokio_postgres::Client;

use crate::engine::Engine;
use crate::world::{WAIT, World, purchase, text};

/// Purchases that are measured.
const PURCHASES: usize = 60;
/// Purchases before them, so that every connection has planned its statements.
const WARM_UP: usize = 40;
/// Pending webhooks of an enterprise, and as many of an app without URL.
const PENDING: u32 = 100_000;
const ENTERPRISES: u32 = 10_000;
/// Open holds and waiting jobs of others.
const OPEN: u32 = 20_000;
/// Webhooks that were delivered, and with `--long`.
const DELIVERED: [u32; 2] = [100_000, 1_000_000];
/// The pages of a purchase with its webhook beside all that, as a multiple of those beside nothing.
const MAX_RATIO: f64 = 1.3;
/// Pages that one execution may visit more than beside nothing: two more levels of every index of
/// the table with the most.
const MAX_MORE_PAGES: f64 = 30.0;
/// A moment that no test reaches, microseconds.
const FAR: &str = "3000000000000000";
/// Longest interval between two executions of a periodic statement.
const PERIOD: Duration = Duration::from_secs(12);

/// Marks a look that costs something for each enterprise, which a process takes once an hour.
const HOURLY: &str = "SELECT MIN(moment)";

fn hour_now() -> i64 {
    Clock::system().now().as_micros() / 3_600_000_000
}

/// How often a statement was executed, and the pages that it visited.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    calls: i64,
    pages: i64,
}

impl Work {
    fn each(self) -> f64 {
        self.pages as f64 / self.calls as f64
    }
}

/// By the text of the statement.
type Works = BTreeMap<String, Work>;

async fn works(session: &Client) -> Works {
    let sql = "SELECT query, SUM(calls)::BIGINT, \
        SUM(shared_blks_hit + shared_blks_read)::BIGINT FROM pg_stat_statements \
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
        AND (query NOT LIKE '%pg_stat_statements%') GROUP BY query";
    let rows = session.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), Work { calls: row.get(1), pages: row.get(2) })).collect()
}

/// What was done between two looks.
fn between(before: &Works, after: Works) -> Works {
    let since = |(sql, work): (String, Work)| {
        let earlier = before.get(&sql).copied().unwrap_or_default();
        let done = Work { calls: work.calls - earlier.calls, pages: work.pages - earlier.pages };
        (done.calls > 0).then_some((sql, done))
    };
    after.into_iter().filter_map(since).collect()
}

struct Bed {
    world: World,
    session: Client,
    card_id: String,
}

impl Bed {
    async fn new(engine: &Engine) -> Self {
        let session = engine.connect().await;
        session.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
        let world = World::new(engine, &[]).await;
        let card_id = world.card("order-1").await;
        Self { world, session, card_id }
    }

    async fn purchases(&self, count: usize) {
        for _ in 0..count {
            let body = purchase(&self.card_id, "1.00");
            let sent = self.world.operator.post("/sandbox/v1/authorisations", &body).await;
            let answer = sent.unwrap();
            assert_eq!(answer["approved"], true, "{answer}");
            let auth_id = text(&answer, "authId");
            let told =
                self.world.enterprise.wait_for_webhook(WAIT, |it| it.business_id() == auth_id);
            assert!(told.await.is_some(), "the webhook of {auth_id}");
        }
    }

    /// The work of purchases with their webhooks, and of what a process does meanwhile.
    async fn measured(&self) -> Works {
        // Pages are as they are after a while: what is dead is gone, and planners know the tables.
        self.session.batch_execute("VACUUM ANALYZE").await.unwrap();
        self.purchases(WARM_UP).await;
        let before = works(&self.session).await;
        let began = Instant::now();
        self.purchases(PURCHASES).await;
        tokio::time::sleep(PERIOD.saturating_sub(began.elapsed())).await;
        between(&before, works(&self.session).await)
    }
}

/// Copies one row of a table so many times; in the n-th copy the columns in `changes` get the
/// results of their expressions over the row and `i` = n.
async fn copy(session: &Client, table: &str, changes: &[(&str, &str)], copies: u32) {
    let columns = "SELECT column_name::text FROM information_schema.columns \
        WHERE table_schema = 'public' AND table_name = $1";
    let names = session.query(columns, &[&table]).await.unwrap();
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    assert!(changes.iter().all(|(name, _)| names.iter().any(|it| it == name)), "{table}");
    let changed = |name: &str| changes.iter().find(|(it, _)| *it == name).map(|(_, text)| *text);
    let values: Vec<_> = names.iter().map(|name| changed(name).unwrap_or(name)).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM (SELECT * FROM {table} LIMIT 1) one \
         CROSS JOIN generate_series(1, {copies}) i",
        names.join(", "),
        values.join(", "),
    );
    assert_eq!(session.execute(&sql, &[]).await.unwrap(), u64::from(copies), "{table}");
}

/// Other enterprises, as empty as a new one.
async fn fill_enterprises(session: &Client) {
    let other = ("enterprise_id", "enterprise_id - i");
    copy(session, "enterprise", &[other], ENTERPRISES).await;
    copy(session, "platform_key", &[other], ENTERPRISES).await;
    copy(session, "api_key", &[other, ("api_key", "api_key || i")], ENTERPRISES).await;
    let account = ("account_id", "account_id - i");
    copy(session, "ledger_account", &[other, account], ENTERPRISES).await;
    let idle = [other, ("next_due_at", "NULL"), ("look_at", "NULL"), ("has_url", "1")];
    copy(session, "destination", &idle, ENTERPRISES).await;
    copy(session, "feed_head", &[other], ENTERPRISES).await;
}

/// Webhooks of one of them that wait for its dead receiver, and for an app that has no URL.
async fn fill_backlog(session: &Client) {
    let waiting = [
        ("enterprise_id", "enterprise_id - 1"),
        ("webhook_id", "webhook_id - 100000000 - i"),
        ("business_id", "business_id - 100000000 - i / 2"),
        ("seq", "1 + i % 2"),
        ("is_first", "1 - i % 2"),
        ("status", "'PENDING'"),
        ("leased_until", "NULL"),
        ("next_attempt_at", FAR),
    ];
    copy(session, "webhook", &waiting, PENDING).await;
    let mut unheard = waiting;
    unheard[1].1 = "webhook_id - 200000000 - i";
    unheard[7].1 = "created_at";
    let unheard = [unheard.as_slice(), &[("vm_app_id", "7")]].concat();
    copy(session, "webhook", &unheard, PENDING).await;
    let destinations = format!(
        "UPDATE destination SET next_due_at = {FAR} WHERE enterprise_id = (SELECT enterprise_id \
         FROM webhook WHERE vm_app_id = 7 LIMIT 1)"
    );
    session.batch_execute(&destinations).await.unwrap();
    let deaf = [
        ("enterprise_id", "enterprise_id - 1"),
        ("vm_app_id", "7"),
        ("has_url", "0"),
        ("next_due_at", "1"),
        ("look_at", "1"),
    ];
    copy(session, "destination", &deaf, 1).await;
}

/// What was delivered, of the enterprise that buys.
async fn fill_history(session: &Client, count: u32) {
    let webhook = ("webhook_id", "webhook_id - 300000000 - i");
    let authorisation = ("auth_id", "auth_id - 300000000 - i");
    let delivered = [
        webhook,
        ("business_id", "business_id - 300000000 - i"),
        ("status", "'DELIVERED'"),
        ("is_first", "0"),
        ("leased_until", "NULL"),
    ];
    copy(session, "webhook", &delivered, count).await;
    copy(session, "webhook_attempt", &[webhook], count).await;
    let own = [authorisation, ("card_id", "card_id - 1 - i % 1000"), ("rrn", "i::text")];
    copy(session, "authorisation", &own, count).await;
    copy(session, "receipt", &[authorisation], count).await;
    let transfer = ("transfer_id", "transfer_id - 300000000 - i");
    let reference = ("reference", "NULL");
    copy(session, "ledger_transfer", &[transfer, authorisation, reference], count).await;
}

/// What others wait for: holds that end one day, jobs, and requests that are remembered.
async fn fill_waiting(session: &Client) {
    let hold = [("enterprise_id", "enterprise_id - 1"), ("auth_id", "auth_id - 400000000 - i")];
    copy(session, "authorisation", &[&hold[..], &[("rrn", "i::text")]].concat(), OPEN).await;
    copy(session, "open_hold", &[&hold[..], &[("expires_at", FAR)]].concat(), OPEN).await;
    for kind in JobKind::ALL {
        let jobs = format!(
            "INSERT INTO job (enterprise_id, job_id, kind, subject_id, due_at, attempts) \
             SELECT (SELECT MIN(enterprise_id) FROM enterprise), \
             (SELECT COUNT(*) FROM job) + i, '{kind}', i, {FAR}, 0 \
             FROM generate_series(1, {OPEN}) i"
        );
        session.batch_execute(&jobs).await.unwrap();
    }
    let memory = format!(
        "INSERT INTO request_memory (digest, forget_at) \
         SELECT sha256(i::text::bytea), {FAR} FROM generate_series(1, {OPEN}) i"
    );
    session.batch_execute(&memory).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_costs_the_same_beside_the_backlogs_of_others() {
    let engine = Engine::postgres().await;
    let mut bed = Bed::new(&engine).await;
    let empty = bed.measured().await;
    bed.world.kill();
    fill_enterprises(&bed.session).await;
    fill_backlog(&bed.session).await;
    fill_history(&bed.session, DELIVERED[usize::from(is_long())]).await;
    fill_waiting(&bed.session).await;
    bed.world.start_again();
    let hour = hour_now();
    let full = bed.measured().await;

    let mut grown = Vec::new();
    let (mut before, mut after) = (0.0, 0.0);
    for (sql, work) in &full {
        if sql.contains(HOURLY) {
            assert!(hour != hour_now() || work.calls == 0, "{} looks in an hour", work.calls);
            continue;
        }
        let of_empty = empty.get(sql).copied().map_or(0.0, Work::each);
        let before_calls = empty.get(sql).map_or(0, |it| it.calls) as f64;
        before += of_empty * before_calls;
        after += work.each() * before_calls;
        let more = work.each() - of_empty;
        if more > MAX_MORE_PAGES {
            grown.push(format!("{of_empty:.1} -> {:.1} pages: {sql}", work.each()));
        }
    }
    eprintln!("pages: {before} beside nothing, {after} beside all: {:.2}", after / before);
    assert!(full.len() > 40, "hardly a statement was recorded");
    assert!(grown.is_empty(), "{}", grown.join("\n"));
    assert!(after <= MAX_RATIO * before, "{after} pages instead of {before}");
}
