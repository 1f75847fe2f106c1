//! haproxy, which passes connections on without looking into them.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::given;
use super::machines::{Machine, Machines, port};
use crate::server::http;
use crate::world::WAIT;

/// Nothing is tried again, and who fails a check loses its connections.
const SETTINGS: &str = "
global
    maxconn 1000
defaults
    mode tcp
    retries 0
    timeout connect 2s
    timeout client 1h
    timeout server 1h
";

/// The column of the balancer's own page that says whether a server is up.
const STATUS: usize = 17;
const LOOK: Duration = Duration::from_millis(100);

/// The servers of one port.
pub struct Service {
    /// A line that says how a server is asked whether it takes connections.
    pub check: &'static str,
    /// The ports of connections and of checks of each server.
    pub servers: Vec<[u16; 2]>,
    /// Options of all servers.
    pub options: &'static str,
}

/// A running balancer.
pub struct Balancer {
    machine: Machine,
    /// One for each service.
    pub ports: Vec<u16>,
    page: u16,
}

impl Balancer {
    pub fn start(machines: &Machines, services: &[Service]) -> Self {
        let machine = machines.add("balancer");
        let (mut text, mut ports) = (SETTINGS.to_owned(), Vec::new());
        for service in services {
            let own = port();
            ports.push(own);
            write!(text, "listen p{own}\n    bind 127.0.0.1:{own}\n").unwrap();
            write!(text, "    {}\n    http-check expect status 200\n", service.check).unwrap();
            for [server, checked] in &service.servers {
                let options = service.options;
                writeln!(
                    text,
                    "    server s{server} 127.0.0.1:{server} check port {checked} {options}"
                )
                .unwrap();
            }
        }
        let page = port();
        let listen = "listen page\n    mode http\n    stats enable\n    stats uri /";
        writeln!(text, "{listen}\n    bind 127.0.0.1:{page}").unwrap();
        let file = machine.write("haproxy.cfg", &text);
        machine.run(Command::new(given("CARDBRIDGE_TEST_HAPROXY")).arg("-db").arg("-f").arg(file));
        Self { machine, ports, page }
    }

    /// Waits until it passes connections on to every server.
    pub async fn until_all_up(&self) {
        let (began, url) = (Instant::now(), format!("http://127.0.0.1:{}/;csv", self.page));
        loop {
            let page = async { http().get(&url).send().await.ok()?.text().await.ok() }.await;
            let page = page.unwrap_or_default();
            let rows = page.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
            let servers: Vec<_> =
                rows.filter(|row| row.len() > STATUS && row[1].starts_with('s')).collect();
            if !servers.is_empty() && servers.iter().all(|row| row[STATUS] == "UP") {
                return;
            }
            assert!(began.elapsed() < WAIT, "{page}\n{}", self.machine.log());
            tokio::time::sleep(LOOK).await;
        }
    }
}
