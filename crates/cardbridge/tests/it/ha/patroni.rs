//! Two PostgreSQL servers under Patroni, one of them a synchronous standby, each on a machine of
//! its own, with etcd and a balancer that asks Patroni for the primary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::balancer::{Balancer, Service};
use super::given;
use super::machines::{Machine, Machines, port};
use crate::cluster::DIRECTORY_VARIABLE;
use crate::server::http;
use crate::world::WAIT;

/// Seconds after which the place of a primary that says nothing is given to another. It is the
/// shortest that Patroni takes.
const TTL_S: u32 = 20;
const LOOP_WAIT_S: u32 = 2;
const RETRY_TIMEOUT_S: u32 = 5;
/// Writes to the log of PostgreSQL and to nothing else.
const WRITE: &str = "SELECT pg_logical_emit_message(true, 'test', '')";
const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for an answer of Patroni: a frozen one gives none.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

/// The two servers and what they need.
pub struct Patroni {
    members: [Member; 2],
    etcd: Machine,
    balancer: Balancer,
    client: Client,
    // Dropped last, when nothing needs them any more.
    _machines: Machines,
}

struct Member {
    name: &'static str,
    machine: Machine,
    /// The ports of PostgreSQL and of Patroni.
    ports: [u16; 2],
}

/// Which server takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Primary {
    member: usize,
    /// When the server was started: another time means that it came back.
    started: String,
}

impl Patroni {
    /// Starts all and waits until commits wait for the standby.
    pub async fn start() -> Self {
        let machines = Machines::new();
        let etcd = machines.add("etcd");
        let etcd_port = start_etcd(&etcd);
        let members = ["one", "two"].map(|name| {
            let machine = machines.add(name);
            let ports = [port(), port()];
            let settings = settings(name, &machine, ports, etcd_port).to_string();
            machine.write("patroni.json", &settings);
            Member { name, machine, ports }
        });
        members.iter().for_each(Member::start);
        let primaries = Service {
            check: "option httpchk OPTIONS /primary",
            servers: members.iter().map(|it| it.ports).collect(),
            options: "inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions",
        };
        let balancer = Balancer::start(&machines, &[primaries]);
        let client = http();
        let patroni = Self { members, etcd, balancer, client, _machines: machines };
        patroni.until_synchronous().await;
        patroni
    }

    /// The URL with both servers.
    pub fn url(&self) -> String {
        let [one, two] = [0, 1].map(|it| self.members[it].ports[0]);
        format!(
            "postgres://postgres@127.0.0.1:{one},127.0.0.1:{two}/postgres\
             ?target_session_attrs=primary"
        )
    }

    /// The URL of the balancer.
    pub fn balanced_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.balancer.ports[0])
    }

    /// The server that takes writes now, if there is one.
    pub async fn primary(&self) -> Option<Primary> {
        let [one, two] = tokio::join!(self.as_primary(0), self.as_primary(1)).into();
        one.or(two)
    }

    async fn as_primary(&self, member: usize) -> Option<Primary> {
        let status = self.ask(member, "primary").await?;
        // For a moment Patroni calls a server the primary that has just ended.
        let started = status["postmaster_start_time"].as_str()?.to_owned();
        Some(Primary { member, started })
    }

    /// The answer of a member's Patroni, if it is 200.
    async fn ask(&self, member: usize, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/{path}", self.members[member].ports[1]);
        let answer = self.client.get(url).timeout(ANSWER_WAIT).send().await.ok()?;
        if answer.status() != 200 {
            return None;
        }
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    /// Waits until Patroni says that another server takes writes, or the same one again.
    pub async fn until_other(&self, before: &Primary) -> Instant {
        let began = Instant::now();
        while self.primary().await.is_none_or(|it| it == *before) {
            self.require_time(began, "no other primary");
            tokio::time::sleep(LOOK).await;
        }
        Instant::now()
    }

    /// Waits until a commit ends on the primary: one that has just become it waits for the standby
    /// that is gone until Patroni says otherwise.
    pub async fn until_commits(&self) -> Instant {
        let began = Instant::now();
        loop {
            if let Some(primary) = self.primary().await
                && self.commits(primary.member).await.is_some()
            {
                return Instant::now();
            }
            self.require_time(began, "no commit");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn commits(&self, member: usize) -> Option<()> {
        let url =
            format!("postgres://postgres@127.0.0.1:{}/postgres", self.members[member].ports[0]);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.ok()?;
        tokio::spawn(connection);
        client.batch_execute(WRITE).await.ok()
    }

    /// Waits until there is a primary with a synchronous standby; returns the primary.
    pub async fn until_synchronous(&self) -> Primary {
        let began = Instant::now();
        loop {
            if let Some(primary) = self.primary().await
                && let Some(cluster) = self.ask(primary.member, "cluster").await
                && cluster["members"].as_array().unwrap().iter().any(is_synchronous)
            {
                return primary;
            }
            self.require_time(began, "no synchronous standby");
            tokio::time::sleep(LOOK).await;
        }
    }

    fn require_time(&self, began: Instant, what: &str) {
        let log = || {
            let [one, two] = [0, 1].map(|it| self.members[it].machine.log());
            format!("{}\n\none:\n{one}\n\ntwo:\n{two}", self.etcd.log())
        };
        assert!(began.elapsed() < WAIT, "{what}:\n{}", log());
    }

    /// Asks Patroni to make the standby the primary.
    pub async fn switch_over(&self, primary: &Primary) {
        let [leader, candidate] = [primary.member, 1 - primary.member];
        let url = format!("http://127.0.0.1:{}/switchover", self.members[leader].ports[1]);
        let body = json!({"leader": self.members[leader].name,
            "candidate": self.members[candidate].name});
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// `kill -9` of the server alone; its Patroni sees that.
    pub fn kill_server(&self, primary: &Primary) {
        let machine = &self.machine(primary);
        let lock = std::fs::read_to_string(machine.path("data/postmaster.pid")).unwrap();
        let server = lock.lines().next().unwrap().to_owned();
        crate::cluster::signal_those_there("KILL", &[server]);
    }

    /// The primary's machine.
    pub fn machine(&self, primary: &Primary) -> &Machine {
        &self.members[primary.member].machine
    }

    /// Starts a machine again that was killed.
    pub fn start_again(&self, primary: &Primary) {
        self.members[primary.member].start();
    }
}

fn is_synchronous(member: &Value) -> bool {
    member["role"] == "sync_standby" && member["state"] == "streaming"
}

impl Member {
    fn start(&self) {
        let python = given("CARDBRIDGE_TEST_PATRONI_PYTHON");
        let mut patroni = Command::new(python);
        patroni.args(["-m", "patroni"]).arg(self.machine.path("patroni.json"));
        self.machine.run(&mut patroni);
    }
}

/// Starts etcd and returns the port of its clients.
fn start_etcd(machine: &Machine) -> u16 {
    let [clients, peers] = [port(), port()];
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let mut etcd = Command::new(given("CARDBRIDGE_TEST_ETCD"));
    etcd.arg("--data-dir").arg(machine.path("data"));
    etcd.args(["--listen-client-urls", &url(clients), "--advertise-client-urls", &url(clients)]);
    etcd.args(["--listen-peer-urls", &url(peers), "--initial-advertise-peer-urls", &url(peers)]);
    etcd.args(["--initial-cluster", &format!("default={}", url(peers))]);
    machine.run(&mut etcd);
    clients
}

fn settings(name: &str, machine: &Machine, [server, own]: [u16; 2], etcd: u16) -> Value {
    let binaries: PathBuf = std::env::var_os(DIRECTORY_VARIABLE).unwrap().into();
    let address = |port: u16| format!("127.0.0.1:{port}");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let user = json!({"username": "postgres"});
    json!({
        "scope": "cardbridge",
        "name": name,
        "restapi": {"listen": address(own), "connect_address": address(own)},
        "etcd3": {"host": address(etcd)},
        "bootstrap": {
            "dcs": {
                "ttl": TTL_S, "loop_wait": LOOP_WAIT_S, "retry_timeout": RETRY_TIMEOUT_S,
                "synchronous_mode": true,
                "postgresql": {"use_pg_rewind": true},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth-local": "trust"},
                {"auth-host": "trust"}, "no-sync"],
        },
        "postgresql": {
            "listen": address(server),
            "connect_address": address(server),
            "data_dir": path(&machine.path("data")),
            "bin_dir": path(&binaries),
            "authentication": {"superuser": user, "replication": user, "rewind": user},
            // Processes end here, and never the machine.
            "parameters": {"unix_socket_directories": path(&machine.path("")), "fsync": "off"},
            "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust",
                "host replication all 127.0.0.1/32 trust"],
        },
    })
}
