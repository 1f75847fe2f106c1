//! Schemas that are older or newer than the binary.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::server::{cardbridge, run};
use crate::world::{World, purchase};

/// A migration of a later version that this binary can live with.
const LATER: [&str; 2] = [
    "ALTER TABLE authorisation ADD COLUMN later BIGINT",
    "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
     VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')",
];
/// One that it cannot live with.
const CONTRACTING: &str = "UPDATE schema_support SET least_version = 9999";

fn migrate(engine: &Engine, directory: &tempfile::TempDir, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = cardbridge();
    command.arg("migrate").arg("--data-dir").arg(directory.path()).args(engine.options());
    let (code, stdout, stderr) = run(command.args(more));
    let told = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
    (code, told)
}

async fn migrates(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let (code, checked) = migrate(&engine, &directory, &["--check"]);
    assert_eq!((code, checked["pending"][0].as_str()), (Some(1), Some("V1 spine")));
    let (code, done) = migrate(&engine, &directory, &[]);
    assert_eq!((code, &done["applied"]), (Some(0), &checked["pending"]));
    for (more, told) in [(&["--check"][..], "pending"), (&[], "applied")] {
        assert_eq!(migrate(&engine, &directory, more), (Some(0), json!({ told: [] })));
    }
}

#[tokio::test]
async fn the_schema_is_migrated_apart_on_sqlite() {
    migrates(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_migrated_apart_on_postgresql() {
    let engine = Engine::postgres().await;
    // The databases of tests have their schema from the beginning.
    engine.tamper("DROP SCHEMA public CASCADE").await;
    engine.tamper("CREATE SCHEMA public").await;
    migrates(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_runs_on_and_starts_on_a_later_schema_that_supports_it() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    let body = purchase(&card_id, "1.00");
    for statement in LATER {
        engine.tamper(statement).await;
    }
    let buy = async |world: &World| {
        let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
        assert_eq!(answer["approved"], true, "{answer}");
    };
    buy(&world).await;
    world.crash();
    buy(&world).await;
    engine.tamper(CONTRACTING).await;
    buy(&world).await;
    world.kill();
    let directory = tempfile::tempdir().unwrap();
    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(directory.path()).args(engine.options());
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("start one that knows V9999"), "{stderr}");
}
