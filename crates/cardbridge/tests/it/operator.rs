//! The operator's commands against a running server.

use std::path::Path;

use serde_json::Value;

use crate::server::{Server, cardbridge, run};

/// Runs a command that must succeed; returns its answer.
pub fn ask(data: &Path, arguments: &[&str]) -> Value {
    let mut command = cardbridge();
    let (code, stdout, stderr) = run(command.args(arguments).arg("--data-dir").arg(data));
    assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}"))
}

#[test]
fn the_commands_do_what_the_operator_api_does() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    assert_eq!(ask(&data, &["ledger", "verify"])["ok"], true);
    let made = ask(&data, &["enterprise", "create", "--name", "Second"]);
    let id = made["enterpriseId"].as_str().unwrap();
    assert!(ask(&data, &["enterprise", "list"]).to_string().contains(id));
    let key = ask(&data, &["key", "create", "--enterprise-id", id]);
    assert_eq!(key["secretKey"].as_str().map(str::len), Some(44));
    let profile = ask(
        &data,
        &[
            "profile",
            "create",
            "--enterprise-id",
            id,
            "--name",
            "P",
            "--bin-range",
            "40009700",
            "--currency",
            "702",
        ],
    );
    let profile_id = profile["profileId"].as_str().unwrap();
    assert!(ask(&data, &["profile", "list"]).to_string().contains(profile_id));
}

#[test]
fn without_a_server_the_commands_say_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = cardbridge();
    command.args(["ledger", "verify", "--data-dir"]).arg(directory.path());
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("admin-url") && stderr.lines().count() == 1, "{stderr}");
}
