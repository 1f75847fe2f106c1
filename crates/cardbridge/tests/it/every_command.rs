//! Every command of the binary, in both modes. The commands are read from their own help, so a new
//! one fails here until it is covered.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crypto::RsaPrivateKey;
use domain::{BusinessDay, Clock};
use sdk::Operator;
use serde_json::{Value, json};
use testkit::mail_server::MailServer;

use crate::server::{Server, cardbridge, run, sandbox_json};

const KEY: &str = "91d2c0a85eed5eed5eed5eed5eed5eed91d2c0a85eed5eed5eed5eed5eed5eed";
const TOKEN: &str = "a-token-for-every-command";
/// These run until they are stopped, start a platform, or need none or a link: other tests cover
/// them.
const TRIED_ELSEWHERE: [&str; 14] = [
    "serve",
    "migrate",
    "demo",
    "listen",
    "iso describe",
    "network play",
    "link show",
    "link sign-on",
    "link sign-off",
    "link echo",
    "link cut-over",
    "link key-request",
    "link drain",
    "link resume",
];

/// The help of a command.
fn help(command: &[String]) -> String {
    let (code, stdout, stderr) = run(cardbridge().args(command).arg("--help"));
    assert_eq!(code, Some(0), "{command:?} --help: {stderr}");
    stdout
}

/// The commands listed in a help text.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let name = |line: &str| Some(line.strip_prefix("  ")?.split(' ').next()?.to_owned());
    lines.filter_map(name).filter(|name| !name.is_empty()).collect()
}

/// Every command without subcommands, as its words.
fn leaves(command: &[String]) -> Vec<Vec<String>> {
    let below = listed(&help(command));
    if below.is_empty() {
        return vec![command.to_vec()];
    }
    assert!(below.contains(&"help".to_owned()), "{command:?}");
    let below = below.into_iter().filter(|name| name != "help");
    below.flat_map(|name| leaves(&[command, &[name]].concat())).collect()
}

/// A running platform, and the options with which commands reach it.
struct World {
    _server: Server,
    reach: Vec<String>,
    enterprise_id: String,
    app_id: String,
    profile_id: String,
    key_file: String,
    is_production: bool,
}

impl World {
    async fn sandbox(directory: &Path) -> Self {
        let data = directory.join("sandbox");
        let server = Server::start(&data, &[]);
        let token = sandbox_json(&data)["admin_token"].as_str().unwrap().to_owned();
        let reach = vec!["--data-dir".to_owned(), data.to_str().unwrap().to_owned()];
        Self::of(directory, server, reach, &token, false).await
    }

    async fn production(directory: &Path, mail_server: &MailServer) -> Self {
        let private = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (key, token) = (private("key", KEY), private("token", TOKEN));
        let text = format!(
            "mode = 'production'\nmaster-key-file = '{key}'\nadmin-token-file = '{token}'\n\
             [smtp]\nhost = '127.0.0.1'\nport = {}\nfrom = 'keys@example.com'\ntls = 'none'\n",
            mail_server.address.port()
        );
        let config = private("cardbridge.toml", &text);
        let server = Server::start(&directory.join("production"), &["--config", &config]);
        let reach = ["--admin-url", &server.admin_url, "--admin-token-file", &token];
        let reach = reach.map(str::to_owned).to_vec();
        Self::of(directory, server, reach, TOKEN, true).await
    }

    async fn of(
        directory: &Path,
        server: Server,
        reach: Vec<String>,
        token: &str,
        is_production: bool,
    ) -> Self {
        let operator = Operator::new(&server.admin_url, token).unwrap();
        let made = operator.post("/admin/v1/enterprises", &json!({ "name": "E" })).await.unwrap();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let enterprise_id = text(&made, "enterpriseId");
        let path = format!("/admin/v1/enterprises/{enterprise_id}/vm-apps");
        let app = operator.post(&path, &json!({})).await.unwrap();
        let profile = json!({
            "enterpriseId": enterprise_id, "name": "P", "binRange": "40009500", "currency": "840",
        });
        let profile = operator.post("/admin/v1/card-profiles", &profile).await.unwrap();
        let key_file = directory.join("merchant.pem");
        let key = RsaPrivateKey::generate(2_048).unwrap().public_key().to_pem();
        fs::write(&key_file, key).unwrap();
        Self {
            _server: server,
            reach,
            enterprise_id,
            app_id: text(&app, "appId"),
            profile_id: text(&profile, "profileId"),
            key_file: key_file.to_str().unwrap().to_owned(),
            is_production,
        }
    }

    /// The options that a command needs to succeed.
    fn options(&self, command: &str) -> Vec<&str> {
        let enterprise = ["--enterprise-id", &self.enterprise_id];
        let app = ["--app-id", &self.app_id];
        match command {
            "ledger verify" | "enterprise list" | "profile list" | "link list" => Vec::new(),
            "enterprise create" => vec!["--name", "Another"],
            "profile create" => {
                let rest = ["--name", "Q", "--bin-range", "40009400", "--currency", "702"];
                [&enterprise[..], &rest].concat()
            }
            "key create" if self.is_production => {
                let rest = ["--email", "secure@example.com", "--source-ip", "127.0.0.1"];
                [&enterprise[..], &rest].concat()
            }
            "key create" | "vm-app list" | "vm-app create" => enterprise.to_vec(),
            "vm-app show" | "vm-app webhook-secret" | "vm-app products" => app.to_vec(),
            "vm-app set" => [&app[..], &["--merchant-public-key-file", &self.key_file]].concat(),
            "vm-app fund" => {
                let rest = ["--account", "wallet", "--amount", "15.50", "--reference", "first"];
                [&app[..], &rest].concat()
            }
            "vm-app product" => {
                let rest = ["--product-code", "S-1", "--profile-id", &self.profile_id];
                [&app[..], &rest, &["--funding", "save"]].concat()
            }
            other => panic!("`cardbridge {other}` is not tried yet: say here how it succeeds"),
        }
    }

    /// Runs a command, which must succeed and answer JSON.
    fn run(&self, words: &[String]) {
        let command = words.join(" ");
        let day = BusinessDay::of(Clock::system().now().plus_seconds(-24 * 60 * 60)).to_string();
        let options = match command.as_str() {
            "recon close-day" | "recon verify" => vec![day.as_str()],
            other => self.options(other),
        };
        let (code, stdout, stderr) = run(cardbridge().args(words).args(options).args(&self.reach));
        assert_eq!(code, Some(0), "{command}: {stderr}");
        assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{command}: {stdout}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_succeeds_in_both_modes() {
    let directory = tempfile::tempdir().unwrap();
    let mail_server = MailServer::plain();
    let sandbox = World::sandbox(directory.path()).await;
    let production = World::production(directory.path(), &mail_server).await;
    let commands = leaves(&[]);
    assert!(commands.len() >= 17, "{commands:?}");
    for command in commands.iter().filter(|it| !TRIED_ELSEWHERE.contains(&it.join(" ").as_str())) {
        sandbox.run(command);
        production.run(command);
    }
    assert_eq!(mail_server.messages().len(), 1, "the key of production went out by mail");
    let refused = ["key", "create", "--enterprise-id", &production.enterprise_id];
    let (code, stdout, stderr) = run(cardbridge().args(refused).args(&production.reach));
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("email and sourceIp are required in production"), "{stderr}");
}

#[test]
fn every_command_has_its_help_and_help_has_one_too() {
    for command in leaves(&[]) {
        for length in 0..=command.len() {
            let shown = help(&command[..length]);
            let of_help = [&["help".to_owned()], &command[..length]].concat();
            assert_eq!(help(&of_help), shown, "help {command:?}");
            let (code, stdout, stderr) = run(cardbridge().args(&of_help));
            assert_eq!((code, stdout), (Some(0), shown), "help {command:?}: {stderr}");
        }
        if let [group, name] = &command[..] {
            let below = [group.clone(), "help".to_owned(), name.clone()];
            assert_eq!(help(&below), help(&command));
            assert_eq!(help(&below[..2]), help(&below[..1]));
        }
    }
    for argument in ["-h", "--help", "--version"] {
        let (code, stdout, _) = run(cardbridge().arg(argument));
        assert!(code == Some(0) && !stdout.is_empty(), "{argument}");
    }
}
