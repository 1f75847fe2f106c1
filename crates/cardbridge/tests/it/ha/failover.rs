//! PostgreSQL fails over while the network buys: nothing is lost or booked twice, and purchases are
//! approved again soon after there is a primary.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::network::{Door, Network};
use super::patroni::{Patroni, Primary};
use crate::crash::{authorisations, every_result_arrives};
use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::Server;
use crate::world::{World, text};

/// Longest time from Patroni's new primary to the first approvals, on an idle machine.
const APPROVALS_AGAIN: Duration = Duration::from_secs(2);
/// How much slower a machine may be that has other work.
const SLOWNESS: u32 = 5;
/// How long a frozen machine stays so: twice the time after which another takes its place.
const FREEZE: Duration = Duration::from_secs(40);
/// Time for purchases before and after.
const USUAL: Duration = Duration::from_secs(2);
/// After so long nothing is undecided, on an idle machine.
const UNDECIDED: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);
/// The authorisations that are not decided.
const PENDING: &str = "SELECT COUNT(*) FROM authorisation WHERE status = 'PENDING'";

/// Two processes with one database, one of which reaches it with both addresses and the other
/// through the balancer, and a network that buys at both.
struct Bed {
    patroni: Patroni,
    world: World,
    _balanced: Server,
    network: Network,
    directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let patroni = Patroni::start().await;
        let engine = Engine::embedded();
        let world = World::new(&engine, &["--database-url", &patroni.url()]).await;
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("data");
        let options = ["--database-url", &patroni.balanced_url()];
        let balanced = spawn(another(&engine, &world, &own, &options), &own);
        let token = text(&world.sandbox(), "admin_token");
        let urls = [text(&world.sandbox(), "admin_url"), balanced.admin_url.clone()];
        let doors = urls.map(|admin_url| Door { admin_url, token: token.clone() });
        let network = Network::new(doors.into(), &world).await;
        Self { patroni, world, _balanced: balanced, network, directory }
    }

    /// Waits until nothing is undecided.
    async fn decided(&self, name: &str) {
        let began = Instant::now();
        let url = self.patroni.balanced_url();
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        while client.query_one(PENDING, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(began.elapsed() < UNDECIDED * SLOWNESS, "{name}: undecided");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the processes logged of errors.
    fn errors(&self) -> String {
        let logs = [self.world.data_dir(), self.directory.path().join("data")];
        let logs = logs.map(|it| std::fs::read_to_string(it.with_extension("log")).unwrap());
        let lines = logs.iter().flat_map(|log| log.lines());
        lines.filter(|it| it.contains("ERROR")).collect::<Vec<_>>().join("\n")
    }

    /// What was moved is what was answered, to the cent.
    async fn adds_up(&self, name: &str) {
        let wrong = self.network.wrong();
        assert!(wrong.is_empty(), "{name}: {wrong:?}\n{}", self.errors());
        let answers = self.network.answers();
        let approved = answers.values().filter(|(_, approved)| *approved).count();
        assert_eq!(self.world.available().await, format!("{}.00", 100_000 - approved), "{name}");
        self.world.verify_ledger().await;
    }
}

/// Lets PostgreSQL fail under load. What `fail` begins, `mend` ends; both get the primary before,
/// and `mend` also when it failed.
async fn scenario(
    bed: &mut Bed,
    name: &str,
    fail: impl AsyncFnOnce(&Patroni, &Primary),
    mend: impl AsyncFnOnce(&Patroni, &Primary, Instant),
) {
    let began = Instant::now();
    let before = bed.patroni.until_synchronous().await;
    bed.network.run();
    tokio::time::sleep(USUAL).await;
    bed.network.until_approved_since(began).await;
    let failed = Instant::now();
    fail(&bed.patroni, &before).await;
    let primary = bed.patroni.until_other(&before).await;
    let (commits, took) =
        tokio::join!(bed.patroni.until_commits(), bed.network.until_approved_since(primary));
    mend(&bed.patroni, &before, failed).await;
    bed.patroni.until_synchronous().await;
    tokio::time::sleep(USUAL).await;
    bed.network.stop().await;
    bed.decided(name).await;
    bed.adds_up(name).await;
    eprintln!(
        "{name}: primary after {:.1?}, its commits {:.1?} later, approvals {took:.1?} later, to be \
         repeated {:?}; {:.0?}",
        primary - failed,
        commits - primary,
        bed.network.later(),
        began.elapsed()
    );
    let bound = APPROVALS_AGAIN * SLOWNESS;
    assert!(took.iter().all(|it| *it < bound), "{name}: {took:?}");
}

/// Each answer is stored once and as it was given, and its result is told.
async fn each_is_stored_once(bed: &Bed) {
    let answers = bed.network.answers();
    let mut stored = HashMap::new();
    for card_id in bed.network.cards() {
        stored.extend(authorisations(&bed.world.operator, card_id).await);
    }
    assert_eq!(stored.len(), answers.len(), "one authorisation for each key");
    for (auth_id, approved) in answers.values() {
        let status = text(&stored[auth_id], "status");
        assert_eq!(status, if *approved { "APPROVED" } else { "DECLINED" }, "{auth_id}");
    }
    every_result_arrives(&bed.world, &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn nothing_is_lost_or_doubled_when_postgresql_fails_over() {
    let bed = &mut Bed::new().await;
    let nothing = async |_: &Patroni, _: &Primary, _: Instant| ();
    let switch = async |patroni: &Patroni, it: &Primary| patroni.switch_over(it).await;
    scenario(bed, "switchover", switch, nothing).await;
    let kill = async |patroni: &Patroni, it: &Primary| patroni.kill_server(it);
    scenario(bed, "kill of postgres", kill, nothing).await;
    let kill = async |patroni: &Patroni, it: &Primary| patroni.machine(it).kill();
    let start = async |patroni: &Patroni, it: &Primary, _: Instant| patroni.start_again(it);
    scenario(bed, "kill of the machine", kill, start).await;
    let freeze = async |patroni: &Patroni, it: &Primary| patroni.machine(it).freeze();
    let resume = async |patroni: &Patroni, it: &Primary, frozen: Instant| {
        tokio::time::sleep_until((frozen + FREEZE).into()).await;
        patroni.machine(it).resume();
    };
    scenario(bed, "freeze", freeze, resume).await;
    each_is_stored_once(bed).await;
}
