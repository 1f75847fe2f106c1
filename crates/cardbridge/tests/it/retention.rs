//! Months that are no longer kept are exported and deleted, and no balance changes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{BusinessDay, Clock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::s3_server::S3Server;
use crate::uploads::configuration;
use crate::world::{World, purchase, text};

const MONTH_S: i64 = 31 * 24 * 3_600;

/// The place of exports.
enum Place {
    Directory(TempDir),
    Bucket(S3Server, TempDir),
}

impl Place {
    fn directory() -> Self {
        Self::Directory(tempfile::tempdir().unwrap())
    }

    fn bucket() -> Self {
        Self::Bucket(S3Server::start(), tempfile::tempdir().unwrap())
    }

    /// Where the files of all months are on this machine.
    fn path(&self) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.path().to_owned(),
            Self::Bucket(server, _) => server.object("kept/exports"),
        }
    }

    /// A world that keeps three months and exports to this place.
    async fn keeping(&self, engine: &Engine) -> World {
        let own = self.path();
        let place = match self {
            Self::Directory(_) => ["--export-dir", own.to_str().unwrap()].map(str::to_owned).into(),
            Self::Bucket(server, directory) => {
                let file = configuration(directory.path(), server);
                let prefix = "kept/exports".to_owned();
                vec!["--config".to_owned(), file, "--export-s3-prefix".to_owned(), prefix]
            }
        };
        let mut options = vec!["--retention-months", "3"];
        options.extend(place.iter().map(String::as_str));
        World::new(engine, &options).await
    }
}

async fn call(world: &World, path: &str, body: Value) -> Value {
    world.operator.post(&format!("/sandbox/v1/{path}"), &body).await.unwrap()
}

async fn advance(world: &World, seconds: i64) {
    call(world, "clock/advance", json!({ "seconds": seconds })).await;
}

/// A purchase of 10.00 that is cleared; returns its id.
async fn cleared(world: &World, card_id: &str) -> String {
    let bought = call(world, "authorisations", purchase(card_id, "10.00")).await;
    assert_eq!(bought["approved"], true, "{bought}");
    let auth_id = text(&bought, "authId");
    call(world, &format!("authorisations/{auth_id}/clear"), json!({})).await;
    told(world, &auth_id).await;
    auth_id
}

/// Waits until the webhook about an authorisation is delivered.
async fn told(world: &World, auth_id: &str) {
    let arrived = |webhook: &sim::Webhook| webhook.business_id() == auth_id;
    world.enterprise.wait_for_webhook(crate::world::WAIT, arrived).await.expect("a webhook");
}

/// The lines of all files of an export by their authorisations. Each file is the one that its
/// manifest tells of.
fn exported(directory: &Path) -> BTreeMap<String, Value> {
    let mut lines = BTreeMap::new();
    for month in fs::read_dir(directory).unwrap() {
        let month = month.unwrap().path();
        let manifest = fs::read(month.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let bytes = fs::read(month.join(text(file, "name"))).unwrap();
            assert_eq!(file["sha256"], hex::encode(crypto::sha256(&bytes)), "{file}");
            assert_eq!(file["sizeBytes"], bytes.len());
            let mut unpacked = String::new();
            zstd::Decoder::new(&*bytes).unwrap().read_to_string(&mut unpacked).unwrap();
            assert_eq!(file["authorisations"], unpacked.lines().count());
            for line in unpacked.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                lines.insert(text(&line, "authId"), line);
            }
        }
    }
    lines
}

/// The available amount of the deposit.
async fn cents(world: &World) -> i64 {
    world.available().await.replace('.', "").parse().unwrap()
}

async fn a_year_passes(engine: Engine, place: Place) {
    let world = place.keeping(&engine).await;
    let card_id = world.card("ord-1").await;
    let first_day = BusinessDay::of(Clock::system().now()).to_string();
    let before = cents(&world).await;
    let (mut all, mut open) = (Vec::new(), String::new());
    for month in 0..12 {
        all.push(cleared(&world, &card_id).await);
        let refused = call(&world, "authorisations", purchase(&card_id, "999999999.00")).await;
        assert_eq!(refused["approved"], false, "{refused}");
        if month == 11 {
            open =
                text(&call(&world, "authorisations", purchase(&card_id, "7.00")).await, "authId");
        }
        advance(&world, MONTH_S).await;
        world.verify_ledger().await;
    }
    // The hold of the open purchase has expired.
    assert_eq!(before - cents(&world).await, 12 * 1_000);
    let lines = exported(&place.path());
    // Of each month its cleared and its refused purchase.
    assert!(lines.len() >= 14, "{}", lines.len());
    let (gone, kept) = (&all[0], &all[11]);
    let line = &lines[gone];
    assert_eq!(line["authorisation"]["status"], "APPROVED", "{line}");
    assert_eq!(line["authorisation"]["receipt"]["outcome"]["approved"], true, "{line}");
    assert_eq!(line["transfers"].as_array().unwrap().len(), 2, "{line}");
    assert_eq!(line["postings"][0]["amountMinor"], 1_000, "{line}");
    assert_eq!(line["webhooks"][0]["body"]["data"]["authId"], *gone, "{line}");
    assert!(!line["webhookAttempts"].as_array().unwrap().is_empty(), "{line}");
    let read = async |auth_id: &str| {
        world.operator.get(&format!("/admin/v1/authorisations/{auth_id}")).await
    };
    let refusal = format!("{:?}", read(gone).await.unwrap_err());
    assert!(refusal.contains("404") && refusal.contains("exported"), "{refusal}");
    for auth_id in [kept, &open] {
        assert!(!lines.contains_key(auth_id));
        assert_eq!(text(&read(auth_id).await.unwrap(), "authId"), **auth_id);
    }
    let verify = format!("/admin/v1/recon/verify?date={first_day}");
    let refusal = format!("{:?}", world.operator.get(&verify).await.unwrap_err());
    assert!(refusal.contains("422") && refusal.contains("exported"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_passes_and_old_months_are_exported_embedded() {
    a_year_passes(Engine::embedded(), Place::directory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_passes_and_old_months_are_exported_on_a_server() {
    a_year_passes(Engine::postgres().await, Place::directory()).await;
}

/// The process is killed again and again while a month is exported and deleted.
async fn kills_are_harmless(engine: Engine, place: Place) {
    const PURCHASES: usize = 60;
    let mut world = place.keeping(&engine).await;
    let card_id = world.card("ord-1").await;
    let mut all = Vec::new();
    for _ in 0..PURCHASES {
        all.push(cleared(&world, &card_id).await);
    }
    advance(&world, 3 * MONTH_S).await;
    let before = world.available().await;
    for kill in 0..8_u32 {
        let (operator, path) = (world.operator.clone(), "/sandbox/v1/clock/advance");
        let advancing = tokio::spawn(async move {
            // The kill breaks it off.
            let _ = operator.post(path, &json!({ "seconds": MONTH_S })).await;
        });
        tokio::time::sleep(Duration::from_millis(u64::from(kill) * 40)).await;
        world.crash();
        advancing.await.unwrap();
        world.verify_ledger().await;
    }
    advance(&world, 2 * MONTH_S).await;
    world.verify_ledger().await;
    assert_eq!(world.available().await, before);
    let lines = exported(&place.path());
    for auth_id in &all {
        assert!(lines.contains_key(auth_id), "{auth_id} is in no file");
        let read = world.operator.get(&format!("/admin/v1/authorisations/{auth_id}")).await;
        assert!(read.is_err(), "{auth_id} is still there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_retention_are_harmless_embedded() {
    kills_are_harmless(Engine::embedded(), Place::directory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_retention_are_harmless_on_a_server() {
    kills_are_harmless(Engine::postgres().await, Place::directory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_passes_and_old_months_are_exported_to_a_bucket() {
    a_year_passes(Engine::embedded(), Place::bucket()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_during_retention_to_a_bucket_are_harmless() {
    kills_are_harmless(Engine::postgres().await, Place::bucket()).await;
}

/// What a bucket does not take, or does not give back as it was, is not deleted here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_that_the_bucket_has_not() {
    let place = Place::bucket();
    let world = place.keeping(&Engine::embedded()).await;
    let card_id = world.card("ord-1").await;
    let auth_id = cleared(&world, &card_id).await;
    let Place::Bucket(server, _) = &place else { unreachable!() };
    // A file stands where the directory of all exports should be.
    fs::write(server.object("kept"), b"in the way").unwrap();
    advance(&world, 6 * MONTH_S).await;
    let receipt = format!("/admin/v1/authorisations/{auth_id}");
    assert_eq!(text(&world.operator.get(&receipt).await.unwrap(), "authId"), auth_id);
    fs::remove_file(server.object("kept")).unwrap();
    advance(&world, MONTH_S).await;
    assert!(exported(&place.path()).contains_key(&auth_id));
    assert!(world.operator.get(&receipt).await.is_err());
    world.verify_ledger().await;
}
