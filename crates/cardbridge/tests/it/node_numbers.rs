//! Processes that share a database: one number each, and starts that wait for one another.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::server::{Server, cardbridge, run};
use crate::world::{World, purchase};

/// Longest time for a number to become free by itself and for a loaded machine to notice.
const FREE_WAIT: Duration = Duration::from_secs(60);

/// A number that is not left to the platform.
const SAME: [&str; 2] = ["--node", "0"];

/// `serve` over the world's database, from its own data directory with the world's keys.
pub fn another(engine: &Engine, world: &World, own: &Path, options: &[&str]) -> Command {
    another_on(engine, world, own, [0, 0], options)
}

/// The same on these ports: of the API and of operators.
pub fn another_on(
    engine: &Engine,
    world: &World,
    own: &Path,
    ports: [u16; 2],
    options: &[&str],
) -> Command {
    let mut command = cardbridge();
    let [public, admin] = ports.map(|port| format!("127.0.0.1:{port}"));
    command.args(["serve", "--listen", &public, "--admin-listen", &admin]);
    command.arg("--data-dir").arg(own).args(engine.options()).args(options);
    command.arg("--master-key-file").arg(world.data_dir().join("master.key"));
    command.arg("--admin-token-file").arg(world.data_dir().join("admin.token"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_with_the_same_number_is_refused_by_name() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &SAME).await;
    let card_id = world.card("order-1").await;
    world
        .enterprise
        .answer(sim::Behaviour::Late(domain::ResponseCode::Approved, Duration::from_millis(900)));
    let (operator, body) = (world.operator.clone(), purchase(&card_id, "12.00"));
    let buying =
        tokio::spawn(async move { operator.post("/sandbox/v1/authorisations", &body).await });
    while world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let (code, stdout, stderr) = run(&mut another(&engine, &world, &own, &SAME));
    assert_eq!((code, &*stdout), (Some(75), ""), "{stderr}");
    let admin_url = world.sandbox()["admin_url"].as_str().unwrap().to_owned();
    assert!(stderr.contains("node: ") && stderr.contains(&admin_url), "{stderr}");
    // A copy of the holder's directory is not the holder.
    let copied = directory.path().join("copied");
    std::fs::create_dir(&copied).unwrap();
    let lock = "node-0.lock";
    std::fs::copy(world.data_dir().join(lock), copied.join(lock)).unwrap();
    assert_eq!(run(&mut another(&engine, &world, &copied, &SAME)).0, Some(75));
    let answer: Value = buying.await.unwrap().unwrap();
    assert_eq!(answer["approved"], true, "what is under way is not declined: {answer}");

    // Another number is free, and the same one is once its process has stopped.
    let second = another(&engine, &world, &own, &["--node", "7"]);
    drop(spawn(second, &own));
    world.terminate();
    world.ended().await;
    drop(spawn(another(&engine, &world, &copied, &SAME), &copied));
}

pub fn spawn(mut command: Command, data_dir: &Path) -> Server {
    Server::spawn(&mut command, data_dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_dead_process_is_its_successors_at_once_and_others_later() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &SAME).await;
    // The same directory: started at once, although the lease has not ended.
    world.crash();
    world.kill();
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let began = Instant::now();
    loop {
        let mut child = Starting::new(another(&engine, &world, &own, &SAME));
        if child.is_ready() {
            break;
        }
        assert!(began.elapsed() < FREE_WAIT, "the number of a dead process stays taken");
    }
}

/// The numbers that have a holder, and how many were ever used.
async fn numbers(engine: &Engine) -> (Vec<i64>, i64) {
    let session = engine.connect().await;
    let held = "SELECT node FROM process \
        WHERE expires_at > EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 ORDER BY node";
    let held = session.query(held, &[]).await.unwrap();
    let used = session.query_one("SELECT COUNT(*) FROM process", &[]).await.unwrap();
    (held.iter().map(|row| row.get(0)).collect(), used.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_take_numbers_by_themselves() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &[]).await;
    let directory = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let own = directory.path().join(name);
        spawn(another(&engine, &world, &own, &[]), &own)
    };
    let (second, mut third) = (start("second"), start("third"));
    assert_eq!(numbers(&engine).await, (vec![0, 1, 2], 3));
    // What was given back is taken first.
    second.terminate();
    assert_eq!(second.ended().0.code(), Some(0));
    assert_eq!(numbers(&engine).await, (vec![0, 2], 3));
    let fourth = start("fourth");
    assert_eq!(numbers(&engine).await, (vec![0, 1, 2], 3));
    // The number of a process that may only be paused is not taken before its quarantine is over.
    third.kill();
    let fifth = start("fifth");
    let (held, used) = numbers(&engine).await;
    assert!(used == 4 && held.contains(&3), "{held:?} {used}");
    // A restart has its number again.
    let third = start("third");
    assert_eq!(numbers(&engine).await, (vec![0, 1, 2, 3], 4));
    drop((third, fourth, fifth));
    world.crash();
    assert!(numbers(&engine).await.0.contains(&0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_free_again_after_its_quarantine_and_without_one_no_process_starts() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &[]).await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let expired = |seconds: i64, which: &str| {
        format!(
            "UPDATE process SET expires_at = \
             ((EXTRACT(EPOCH FROM clock_timestamp()) - {seconds}) * 1000000)::bigint WHERE {which}"
        )
    };
    engine
        .tamper(
            "INSERT INTO process (node, holder, identity, epoch, expires_at) \
             SELECT n, 'gone', 'gone ' || n, 1, 1 FROM generate_series(1, 1023) n",
        )
        .await;
    // Each was held until a few minutes ago, by a process that may be paused.
    engine.tamper(&expired(300, "node > 0")).await;
    let (code, stdout, stderr) = run(another(&engine, &world, &own, &[]).args(["--log", "error"]));
    assert_eq!((code, &*stdout), (Some(75), ""), "{stderr}");
    assert!(stderr.contains("node: all numbers are held"), "{stderr}");
    engine.tamper(&expired(601, "node = 5")).await;
    engine.tamper(&expired(700, "node = 9")).await;
    let longest_free = spawn(another(&engine, &world, &own, &[]), &own);
    assert_eq!(numbers(&engine).await.0, [0, 9]);
    let second = directory.path().join("second");
    let next = spawn(another(&engine, &world, &second, &[]), &second);
    assert_eq!(numbers(&engine).await.0, [0, 5, 9]);
    drop((longest_free, next));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_number_was_taken_ends_and_one_that_cannot_renew_is_not_ready() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &[]).await;
    engine.tamper("ALTER TABLE process RENAME TO process_away").await;
    let began = Instant::now();
    while world.operator.get("/readyz").await.is_ok() {
        assert!(began.elapsed() < FREE_WAIT, "still ready without a lease");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = world.operator.post("/admin/v1/enterprises", &json!({"name": "x"})).await;
    assert!(refused.is_err(), "an id without a lease");
    engine.tamper("ALTER TABLE process_away RENAME TO process").await;
    while world.operator.get("/readyz").await.is_err() {
        assert!(began.elapsed() < 2 * FREE_WAIT, "not ready although the lease is renewed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    engine.tamper("TRUNCATE process").await;
    assert_eq!(world.exit_code().await, Some(75));
}

/// A process that will either print its ready line or fail.
struct Starting(Child);

impl Starting {
    fn new(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn is_ready(&mut self) -> bool {
        use std::io::BufRead as _;
        let mut line = String::new();
        let stdout = self.0.stdout.as_mut().unwrap();
        std::io::BufReader::new(stdout).read_line(&mut line).unwrap();
        line.contains("ready")
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts processes concurrently; none of them may fail.
fn all_start(commands: impl Iterator<Item = Command>) {
    let mut started: Vec<_> = commands.map(Starting::new).collect();
    for one in &mut started {
        if !one.is_ready() {
            use std::io::Read as _;
            let mut log = String::new();
            one.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            panic!("{log}");
        }
    }
}

/// Starts four processes at once over a server's database.
fn four_start(engine: &Engine) {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    drop(Server::start(&keys, &[]));
    all_start((0..4).map(|node| {
        let mut command = cardbridge();
        let own = directory.path().join(format!("own-{node}"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(own).args(of(engine, &keys, &node.to_string()));
        command
    }));
}

/// A database without tables: those of tests have theirs from the beginning.
async fn emptied() -> Engine {
    let engine = Engine::postgres().await;
    engine.tamper("DROP SCHEMA public CASCADE").await;
    engine.tamper("CREATE SCHEMA public").await;
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_on_an_empty_database_wait_for_one_another() {
    four_start(&emptied().await);
}

/// The last version of the schema before node numbers were leased.
const OLD_VERSION: i32 = 12;

/// A database as an older version left it.
async fn old() -> Engine {
    let history = "SELECT version, name, applied_on, checksum FROM refinery_schema_history";
    let recent = Engine::postgres().await.connect().await;
    let recent = recent.query(history, &[]).await.unwrap();
    let engine = emptied().await;
    engine
        .tamper(
            "CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, \
             name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))",
        )
        .await;
    let session = engine.connect().await;
    let mut recent: Vec<_> = recent.iter().map(|row| (row.get::<_, i32>(0), row)).collect();
    recent.sort_by_key(|(version, _)| *version);
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/migrations/postgres");
    for (version, row) in recent.into_iter().filter(|(version, _)| *version <= OLD_VERSION) {
        let text = |column: usize| row.get::<_, String>(column);
        let file = format!("{files}/V{version}__{}.sql", text(1));
        session.batch_execute(&std::fs::read_to_string(file).unwrap()).await.unwrap();
        let insert = "INSERT INTO refinery_schema_history VALUES ($1, $2, $3, $4)";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&version, &text(1), &text(2), &text(3)];
        session.execute(insert, &values).await.unwrap();
    }
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_on_an_old_database_wait_for_one_another() {
    let engine = old().await;
    four_start(&engine);
    let later = "SELECT COUNT(*) FROM refinery_schema_history WHERE version > $1";
    let session = engine.connect().await;
    let later: i64 = session.query_one(later, &[&OLD_VERSION]).await.unwrap().get(0);
    assert!(later > 0, "it was not old");
}

/// Options for a process with this number and the keys of a sandbox.
fn of(engine: &Engine, keys: &Path, node: &str) -> Vec<&'static str> {
    let path = |name: &str| keys.join(name).to_str().unwrap().to_owned();
    let mut options: Vec<String> = engine.options().iter().map(|it| (*it).to_owned()).collect();
    options.extend(["--node".to_owned(), node.to_owned()]);
    options.extend(["--master-key-file".to_owned(), path("master.key")]);
    options.extend(["--admin-token-file".to_owned(), path("admin.token")]);
    options.into_iter().map(|it| &*it.leak()).collect()
}
