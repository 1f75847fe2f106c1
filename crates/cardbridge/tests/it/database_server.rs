//! The reports of `serve` about its database server: TLS, full causes, and the requirements of
//! production.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::certificates::certificate;
use crate::cluster::{Cluster, TRUSTED};
use crate::server::{Server, cardbridge, http, run};

const TLS_ONLY: &str = "hostssl all all 127.0.0.1/32 trust\n";

/// Starts `serve` over a fresh data directory; returns its exit code and output.
fn ending(directory: &Path, url: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(directory.join("data"));
    command.args(["--log", "error", "--database-url", url]).args(more);
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(stdout, "", "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
    (code, stderr)
}

/// Starts `serve` and stops it again.
fn starts(directory: &Path, url: &str, more: &[&str]) {
    let options = [&["--database-url", url], more].concat();
    let server = Server::start(&directory.join("data"), &options);
    server.terminate();
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_url_that_cannot_be_used_names_the_key_and_the_word() {
    let directory = tempfile::tempdir().unwrap();
    for (url, named) in [
        ("mysql://me:secret@127.0.0.1/d", "postgres://USER"),
        ("postgres://me:secret@127.0.0.1/d?sslcrl=x", "sslcrl"),
        ("postgres://me:secret@127.0.0.1/d?sslmode=full", "verify-full"),
        ("postgres://me:secret@127.0.0.1/d?sslrootcert=/nowhere/ca.pem", "sslrootcert"),
        ("postgres://me:secret@127.0.0.1/d?nonsense=1", "nonsense"),
    ] {
        let (code, line) = ending(directory.path(), url, &[]);
        assert_eq!(code, Some(2), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("database-url") && line.contains(named), "{line}");
    }
}

#[test]
fn a_closed_port_is_reported_with_host_port_and_reason() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let directory = tempfile::tempdir().unwrap();
    let url = format!("postgres://me:secret@127.0.0.1:{port}/d");
    let (code, line) = ending(directory.path(), &url, &[]);
    assert_eq!(code, Some(1), "{line}");
    assert!(line.contains(&format!("127.0.0.1:{port}")), "{line}");
    assert!(line.contains("onnection refused"), "{line}");
}

#[tokio::test]
async fn tls_is_verified_as_libpqs_words_say() {
    let (authority, authority_key) = certificate("Test Authority", None);
    let (own, own_key) = certificate("localhost", Some((&authority, &authority_key)));
    let (stranger, _) = certificate("Stranger", None);
    let files = [
        ("server.crt", own.to_pem().unwrap()),
        ("server.key", own_key.private_key_to_pem_pkcs8().unwrap()),
    ];
    let files = files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice()));
    let cluster = Cluster::start(&["ssl=on"], TLS_ONLY, &files).await;
    let directory = tempfile::tempdir().unwrap();
    let (trusted, untrusted) =
        (directory.path().join("ca.pem"), directory.path().join("other.pem"));
    fs::write(&trusted, authority.to_pem().unwrap()).unwrap();
    fs::write(&untrusted, stranger.to_pem().unwrap()).unwrap();
    let query = |mode: &str, file: &Path| format!("?sslmode={mode}&sslrootcert={}", file.display());

    // The certificate is that of `localhost`.
    starts(directory.path(), &cluster.url("localhost", &query("verify-full", &trusted)), &[]);
    starts(directory.path(), &cluster.url("127.0.0.1", &query("verify-ca", &trusted)), &[]);
    starts(directory.path(), &cluster.url("localhost", &query("require", &trusted)), &[]);
    // The server refuses connections without TLS, so it is tried with TLS.
    starts(directory.path(), &cluster.url("localhost", &query("allow", &trusted)), &[]);
    for (host, query, why) in [
        ("127.0.0.1", query("verify-full", &trusted), "IP address mismatch"),
        ("localhost", query("verify-full", &untrusted), "certificate verify failed"),
        ("127.0.0.1", query("verify-ca", &untrusted), "certificate verify failed"),
        ("localhost", "?sslmode=verify-full".to_owned(), "certificate verify failed"),
        ("localhost", "?sslmode=disable".to_owned(), "no encryption"),
    ] {
        let (code, line) = ending(directory.path(), &cluster.url(host, &query), &[]);
        assert_eq!(code, Some(1), "{query}: {line}");
        assert!(line.contains(why), "{query}: {line}");
    }
}

struct Production {
    directory: tempfile::TempDir,
}

impl Production {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in
            [("key", "5a".repeat(32)), ("token", "a-token-of-the-operator".to_owned())]
        {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self { directory }
    }

    fn options(&self) -> Vec<String> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        ["--mode", "production", "--master-key-file", &path("key")]
            .into_iter()
            .chain(["--admin-token-file", &path("token")])
            .map(str::to_owned)
            .collect()
    }

    fn refusal(&self, url: &str) -> String {
        let options = self.options();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let (code, line) = ending(self.directory.path(), url, &options);
        assert_eq!(code, Some(2), "{line}");
        line
    }

    fn starts(&self, url: &str, more: &[&str]) {
        let options = self.options();
        let options: Vec<_> =
            options.iter().map(String::as_str).chain(more.iter().copied()).collect();
        starts(self.directory.path(), url, &options);
    }
}

#[tokio::test]
async fn production_requires_a_durable_server() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let url = cluster.url("127.0.0.1", "");
    let production = Production::new();
    for setting in ["fsync", "full_page_writes"] {
        cluster.set(setting, "off").await;
        let line = production.refusal(&url);
        assert!(line.contains("database-url") && line.contains(setting), "{line}");
        cluster.set(setting, "on").await;
    }
    production.starts(&url, &[]);

    let _standby = cluster.standby("standby_one").await;
    cluster.until_streaming().await;
    let line = production.refusal(&url);
    assert!(line.contains("database-durability") && line.contains("asynchronous"), "{line}");
    production.starts(&url, &["--database-durability", "async-accepted"]);
    cluster.set("synchronous_standby_names", "standby_one").await;
    cluster.until_synchronous().await;
    production.starts(&url, &[]);
}

#[tokio::test]
async fn production_of_several_processes_keeps_documents_in_a_bucket() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let url = cluster.url("127.0.0.1", "");
    let production = Production::new();
    let options = [production.options(), vec!["--database-url".to_owned(), url]].concat();
    let path = |name: &str| production.directory.path().join(name);
    let command = |name: &str, more: &[&str]| {
        let mut command = cardbridge();
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(path(name)).args(&options).args(more);
        command
    };
    let first = Server::spawn(&mut command("first", &[]), &path("first"));
    let (code, stdout, stderr) = run(command("second", &["--log", "error"]).arg("--node=7"));
    assert_eq!((code, &*stdout, stderr.lines().count()), (Some(75), "", 1), "{stderr}");
    assert!(stderr.contains("s3: ") && stderr.contains(&first.admin_url), "{stderr}");

    // The bucket is not asked at the start.
    let config = path("s3.toml");
    let bucket = "[s3]\nendpoint = 'https://127.0.0.1:9'\nregion = 'eu-west-1'\n\
        bucket = 'documents'\naccess-key-id = 'id'\npath-style = true\n";
    fs::write(&config, bucket).unwrap();
    let mut with_bucket = command("third", &["--config", config.to_str().unwrap()]);
    with_bucket.env("CARDBRIDGE_S3_SECRET_ACCESS_KEY", "secret");
    let third = Server::spawn(&mut with_bucket, &path("third"));
    // What was refused holds no number, and those that stopped give theirs back.
    for server in [first, third] {
        server.terminate();
        assert_eq!(server.ended().0.code(), Some(0));
    }
    drop(Server::spawn(&mut command("second", &[]), &path("second")));
    // The successor of a killed process is no second one.
    drop(Server::spawn(&mut command("second", &[]), &path("second")));
}

#[tokio::test]
async fn a_user_without_the_right_to_create_tables_is_reported() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    cluster.add_reader("reader").await;
    let url = cluster.url("127.0.0.1", "").replace("postgres@", "reader@");
    let directory = tempfile::tempdir().unwrap();
    let (code, line) = ending(directory.path(), &url, &[]);
    assert_eq!(code, Some(2), "{line}");
    for named in ["database-url", "127.0.0.1:", "permission denied for schema public"] {
        assert!(line.contains(named), "{line}");
    }
}

#[tokio::test]
async fn readiness_reports_what_a_purchase_would_meet() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let directory = tempfile::tempdir().unwrap();
    let url = cluster.url("127.0.0.1", "");
    let server = Server::start(&directory.path().join("data"), &["--database-url", &url]);
    let ready_url = format!("{}/readyz", server.admin_url);
    let until = async |status: u16| {
        let began = std::time::Instant::now();
        while http().get(&ready_url).send().await.unwrap().status().as_u16() != status {
            assert!(began.elapsed() < std::time::Duration::from_secs(60), "never {status}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    until(200).await;
    // Existing connections stay open, but the server behind them takes no more writes.
    cluster.set("default_transaction_read_only", "on").await;
    until(503).await;
    cluster.set("default_transaction_read_only", "off").await;
    until(200).await;
}
