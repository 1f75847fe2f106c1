//! The answering servers of docs/examples, each a real process, against the platform.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::server::http;
use crate::world::{World, purchase, text};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples");
/// Most lines that an example may have.
const MAX_LINES: usize = 80;
/// Tries for a purchase that misses its deadline because the machine is busy.
const TRIES: usize = 20;

/// A running example. Killed when it goes out of scope.
struct Example {
    child: Child,
    url: String,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Example {
    fn start(program: &str, file: &str, key: &Path, sandbox: &Value) -> Self {
        let file = Path::new(DIRECTORY).join(file);
        let source = std::fs::read_to_string(&file).unwrap();
        assert!(source.lines().count() < MAX_LINES, "{}", file.display());
        let enterprise = &sandbox["enterprise"];
        let mut child = Command::new(program)
            .arg(file)
            .env("PORT", "0")
            .env("PRIVATE_KEY_FILE", key)
            .env("PLATFORM_PUBLIC_KEY", text(enterprise, "platformPublicKey"))
            .env("SECRET_KEY", text(enterprise, "secretKey"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}: run `cargo xtask test`"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let first = lines.recv_timeout(Duration::from_secs(120)).unwrap();
        let port = first.strip_prefix("answering on port ").unwrap();
        let url = format!("http://127.0.0.1:{port}");
        Self { child, url, lines }
    }

    /// Waits for a line of its output.
    fn says(&self, wanted: &str) {
        while self.lines.recv_timeout(Duration::from_secs(60)).unwrap() != wanted {}
    }
}

/// A private key as `openssl genrsa` writes it, and its public half.
fn key_pair(directory: &Path) -> (std::path::PathBuf, String) {
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = directory.join("enterprise.pem");
    let name = path.to_str().unwrap();
    run(&["genrsa", "-out", name, "2048"]);
    let public = run(&["rsa", "-in", name, "-pubout"]);
    (path, public)
}

/// The receipt of a purchase that was answered in time.
async fn answered(world: &World, card_id: &str, amount: &str) -> Value {
    for _ in 0..TRIES {
        let body = purchase(card_id, amount);
        let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
        let path = format!("/admin/v1/authorisations/{}", text(&answer, "authId"));
        let receipt = world.operator.get(&path).await.unwrap();
        if receipt["detail"] != "no_answer" && receipt["detail"] != "deadline_before_notice" {
            return receipt;
        }
    }
    panic!("the example never answers in time");
}

async fn require_answers(program: &str, file: &str) {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    let directory = tempfile::tempdir().unwrap();
    let (key, public) = key_pair(directory.path());
    let example = Example::start(program, file, &key, &world.sandbox());
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    let settings = json!({
        "authUrl": format!("{}/auth", example.url),
        "webhookUrl": format!("{}/webhook", example.url),
        "externalPublicKey": public,
        "authDeadlineMs": 3000,
    });
    world.operator.patch(&path, &settings).await.unwrap();

    let approved = answered(&world, &card_id, "15.50").await;
    assert_eq!(approved["detail"], "approved", "{approved}");
    let declined = answered(&world, &card_id, "500.01").await;
    assert_eq!(declined["detail"], "enterprise_insufficient_funds", "{declined}");
    example.says("webhook AUTHORISATION_RESULT");

    // Messages that the platform did not sign.
    let client = http();
    let forged = client.post(format!("{}/auth", example.url));
    let body = r#"{"data":{"encryptedData":"AAAA","amount":1}}"#;
    let refused = forged.header("X-Auth-Signature", "AAAA").body(body).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let forged = client.post(format!("{}/webhook", example.url));
    let refused = forged.header("X-Signature", "00").body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    world.verify_ledger().await;
}

#[tokio::test]
async fn the_python_example_answers() {
    require_answers("python3", "answer.py").await;
}

#[tokio::test]
async fn the_node_example_answers() {
    require_answers("node", "answer.mjs").await;
}

#[tokio::test]
async fn the_java_example_answers() {
    require_answers("java", "Answer.java").await;
}
