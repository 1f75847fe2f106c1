//! The scripts of the page, played by `network play` against the server.

use std::fs;
use std::path::Path;

use crate::engine::Engine;
use crate::link_reversals::on_both_engines;
use crate::links::{Bed, ISO_LISTEN};
use crate::network_play::{EXAMPLES, PAGE, TRIES};
use crate::server::{cardbridge, run};

const README: &str = include_str!("../../../../README.md");

/// Plays a script with the card of the bed; returns exit code, stdout and stderr.
pub async fn played(bed: &Bed, file: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = cardbridge();
    command.args(["network", "play"]).arg(file).args(["--target", &bed.address("default")]);
    command.args(options).env("PAN", &bed.pan).env("EXPIRY", &bed.expiry);
    let pan = bed.pan.clone();
    let played = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(!played.1.contains(&pan) && !played.2.contains(&pan), "{played:?}");
    played
}

#[tokio::test]
async fn the_script_of_the_readme_holds() {
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let script = README.split("```toml\ntarget").nth(1).unwrap().split("```").next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("readme.toml");
    fs::write(&file, format!("target{script}")).unwrap();
    for left in (0..TRIES).rev() {
        let (code, stdout, stderr) = played(&bed, &file, &[]).await;
        if code == Some(0) {
            break;
        }
        assert!(left > 0, "{stdout}{stderr}");
    }
    assert!(bed.world.enterprise.notice_count() > 0);
}

async fn the_scripts_of_the_page_hold(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    // The purchase is reversed; of the advice and its repeat one hold is left; nothing else moves.
    for (name, available) in
        [("purchase", "100000.00"), ("stand-in", "99901.00"), ("hostile", "99901.00")]
    {
        let file = Path::new(EXAMPLES).join(format!("{name}.toml"));
        // The scripts have deadlines, which a busy machine may miss.
        for left in (0..TRIES).rev() {
            let (code, stdout, stderr) = played(&bed, &file, &[]).await;
            if code == Some(0) {
                break;
            }
            assert!(left > 0, "{name}: {stdout}{stderr}");
        }
        assert_eq!(bed.world.available().await, available, "{name}");
    }
    bed.world.verify_ledger().await;
}

/// Each try is of another acquirer, whose totals begin at zero.
async fn the_reconciliation_of_the_page_agrees(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let file = Path::new(EXAMPLES).join("reconciliation.toml");
    let script = fs::read_to_string(&file).unwrap();
    assert!(PAGE.contains(&format!("```toml\n{script}```")));
    for left in (0..TRIES).rev() {
        let acquirer = format!("acquirer=4123{left:02}");
        let (code, stdout, stderr) = played(&bed, &file, &["--var", &acquirer]).await;
        if code == Some(0) {
            break;
        }
        assert!(left > 0, "{stdout}{stderr}");
    }
    let result = bed.link("default").await["reconciliation"]["lastResult"].clone();
    assert_eq!((&result["mti"], &result["verdict"]), (&"0520".into(), &"DIFFERENT".into()));
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn a_changed_expectation_names_its_step() {
    let bed = Bed::new(&Engine::embedded(), &ISO_LISTEN).await;
    let directory = tempfile::tempdir().unwrap();
    for (name, expected, changed, step, got) in [
        ("purchase", "of = \"on\", fields = { 39 = \"00\" }", "39 = \"05\"", 2, "00"),
        ("stand-in", "of = \"told\", fields = { 39 = \"00\" }", "39 = \"94\"", 8, "00"),
        ("reconciliation", "of = \"buy\", fields = { 39 = \"00\" }", "39 = \"05\"", 4, "00"),
        ("hostile", "of = \"late\", fields = { 39 = \"05\" }", "39 = \"00\"", 6, "05"),
    ] {
        let script = fs::read_to_string(Path::new(EXAMPLES).join(format!("{name}.toml"))).unwrap();
        assert!(script.contains(expected), "{name}");
        let (before, _) = expected.split_once("39").unwrap();
        let script = script.replacen(expected, &format!("{before}{changed} }}"), 1);
        let file = directory.path().join("script.toml");
        fs::write(&file, script).unwrap();
        let (code, stdout, stderr) = played(&bed, &file, &[]).await;
        assert_eq!(code, Some(1), "{name}: {stdout}{stderr}");
        let line = format!("step {step}: expected field {}", changed.replace(['=', '"'], ""));
        let line = line.replace("39  ", "39 ");
        assert!(stderr.contains(&line) && stderr.contains(&format!("got {got}")), "{stderr}");
    }
}

on_both_engines! {
    the_scripts_of_the_page_hold:
        the_scripts_of_the_page_hold_on_sqlite, the_scripts_of_the_page_hold_on_postgresql;
    the_reconciliation_of_the_page_agrees:
        the_reconciliation_agrees_on_sqlite, the_reconciliation_agrees_on_postgresql;
}
