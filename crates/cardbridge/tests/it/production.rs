//! Production refuses a sandbox's data and keys, and starts with its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sdk::{Operator, OperatorError};

use crate::server::{Server, cardbridge, run};

const KEY: &str = "c3a1f00d5eed5eed5eed5eed5eed5eedc3a1f00d5eed5eed5eed5eed5eed5eed";
const TOKEN: &str = "a-token-of-the-operator";

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Starts production with its own keys.
    fn start(&self, data: &Path, options: &[&str]) -> Server {
        let (key, token) = (self.put("key", KEY, 0o600), self.put("token", TOKEN, 0o600));
        let own = ["--mode", "production", "--master-key-file", key.to_str().unwrap()];
        let token = ["--admin-token-file", token.to_str().unwrap()];
        Server::start(data, &[&own[..], &token, options].concat())
    }

    /// Starts production and returns the line with which it refuses to start.
    fn refusal(&self, data: &Path, key: Option<&Path>, token: Option<&Path>) -> String {
        let mut command = cardbridge();
        command.args(["serve", "--mode", "production"]);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data);
        if let Some(key) = key {
            command.arg("--master-key-file").arg(key);
        }
        if let Some(token) = token {
            command.arg("--admin-token-file").arg(token);
        }
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!(code, Some(2), "{stderr}");
        assert_eq!(stdout, "");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    }
}

#[test]
fn production_needs_a_master_key_and_a_token_of_its_own() {
    let files = Files::new();
    let data = files.path("data");
    let key = files.put("key", KEY, 0o600);
    let token = files.put("token", TOKEN, 0o600);
    let open = files.put("open", KEY, 0o644);
    let open_token = files.put("open-token", TOKEN, 0o640);
    let short = files.put("short", "abc", 0o600);
    let missing = files.path("missing");
    for (key, token, named) in [
        (None, Some(&token), "master-key-file"),
        (Some(&key), None, "admin-token-file"),
        (Some(&missing), Some(&token), "master-key-file"),
        (Some(&key), Some(&missing), "admin-token-file"),
        (Some(&open), Some(&token), "master-key-file"),
        (Some(&key), Some(&open_token), "admin-token-file"),
        (Some(&key), Some(&short), "admin-token-file"),
    ] {
        let line = files.refusal(&data, key.map(|p| &**p), token.map(|p| &**p));
        assert!(line.contains(named), "{line}");
    }
}

#[test]
fn production_refuses_the_data_and_the_keys_of_a_sandbox() {
    let files = Files::new();
    let sandbox = files.path("sandbox");
    drop(Server::start(&sandbox, &[]));
    let (key, token) = (files.put("key", KEY, 0o600), files.put("token", TOKEN, 0o600));
    let line = files.refusal(&sandbox, Some(&key), Some(&token));
    assert!(line.contains("data-dir"), "{line}");

    let data = files.path("data");
    let line = files.refusal(&data, Some(&sandbox.join("master.key")), Some(&token));
    assert!(line.contains("master-key-file"), "{line}");
    let line = files.refusal(&data, Some(&key), Some(&sandbox.join("admin.token")));
    assert!(line.contains("admin-token-file"), "{line}");
}

#[test]
fn the_log_says_who_checks_applicants() {
    let files = Files::new();
    let said = |options: &[&str]| {
        let data = files.path("said");
        drop(files.start(&data, options));
        let log = data.with_extension("log");
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(log).unwrap();
        text
    };
    let silent = said(&[]);
    assert!(silent.contains("applications for cards are refused"), "{silent}");
    let external = said(&["--kyc", "external"]);
    assert!(external.contains("somebody outside checks who applies"), "{external}");
}

#[tokio::test]
async fn production_has_no_sandbox() {
    let files = Files::new();
    let data = files.path("data");
    let server = files.start(&data, &[]);
    let operator = Operator::new(&server.admin_url, TOKEN).unwrap();
    assert!(operator.get("/admin/v1/enterprises").await.is_ok());
    let clock = operator.get("/sandbox/v1/clock").await;
    assert!(matches!(clock, Err(OperatorError::Refused { status: 404, .. })), "{clock:?}");
    let rates = operator.get("/admin/v1/fx-rates").await.unwrap();
    assert_eq!(rates["rates"], serde_json::json!([]));
    assert!(!data.join("sandbox.json").exists());
    assert!(!data.join("master.key").exists() && !data.join("admin.token").exists());
}

#[test]
fn production_is_not_played_by_a_listener() {
    let files = Files::new();
    let server = files.start(&files.path("data"), &[]);
    let sandbox = files.path("sandbox");
    fs::create_dir(&sandbox).unwrap();
    let contents = serde_json::json!({
        "public_url": server.public_url, "admin_url": server.admin_url, "admin_token": TOKEN,
        "enterprise": {"enterpriseId": "1", "secretKey": "s", "platformPublicKey": "p"},
    });
    fs::write(sandbox.join("sandbox.json"), contents.to_string()).unwrap();
    let mut command = cardbridge();
    command.args(["listen", "--data-dir"]).arg(&sandbox);
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("production server"), "{stderr}");
    assert!(!sandbox.join("listen.json").exists());
}
