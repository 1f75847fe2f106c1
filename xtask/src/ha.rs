//! `cargo xtask test --ha`: the tests with several machines, and the programs that they start.
//! Their code is `crates/cardbridge/tests/it/ha`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::apt;
use crate::command::{Failure, cargo, command, root};
use crate::counts::Counts;
use crate::postgres::{self, Disk, Server};
use crate::python;
use crate::stage::{output, stage, succeed};
use crate::suites;

/// The groups of tests, by the end of their module's name, with what they show.
const GROUPS: [(&str, &str); 4] = [
    ("clocks", "clocks that differ"),
    ("pooler", "a pooler"),
    ("rolling", "rolling restarts"),
    ("failover", "fail-overs of PostgreSQL"),
];

/// Where programs are that only root has on the PATH.
const SYSTEM: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A program or library of the distribution.
struct Needed {
    /// Tells the tests its path, and overrides every other place.
    variable: &'static str,
    package: &'static str,
    find: fn() -> Option<PathBuf>,
}

const NEEDED: [Needed; 4] = [
    needed("CARDBRIDGE_TEST_ETCD", "etcd-server", || on_path("etcd")),
    needed("CARDBRIDGE_TEST_HAPROXY", "haproxy", || on_path("haproxy")),
    needed("CARDBRIDGE_TEST_PGBOUNCER", "pgbouncer", || on_path("pgbouncer")),
    needed("CARDBRIDGE_TEST_FAKETIME", "libfaketime", faketime),
];

const fn needed(
    variable: &'static str,
    package: &'static str,
    find: fn() -> Option<PathBuf>,
) -> Needed {
    Needed { variable, package, find }
}

/// Runs every group, also after one that failed.
pub fn run(counts: Counts) -> Result<(), Failure> {
    let programs = stage("ha: programs", programs)?;
    let tests = stage("ha: build of the tests", built)?;
    let server = stage("ha: postgres start", || postgres::start(Disk::Unsynced))?;
    let patroni = stage("ha: patroni", python::with_patroni);
    let tested = patroni.and_then(|patroni| {
        let machines = Machines { programs: &programs, patroni: &patroni, server: &server };
        let outcomes = GROUPS.map(|(module, name)| {
            stage(&format!("ha: {name}"), || succeed(&mut machines.group(&tests, module)?))
        });
        outcomes.into_iter().collect::<Result<(), Failure>>()
    });
    let [_, _, pgbouncer, _] = &programs;
    let conforms = suites::run_all(&server, pgbouncer, counts, &|name| tests_of(&tests, name));
    let stopped = stage("ha: postgres stop", || server.stop());
    tested.and(conforms).and(stopped)
}

/// Builds the tests as `cargo xtask test` does, so that nothing is built twice; returns what cargo
/// says of them, one JSON object a line.
fn built() -> Result<String, Failure> {
    let mut build = cargo();
    build.args(["test", "--workspace", "--locked", "--test", "it", "--no-run"]);
    output(build.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit()))
}

/// The tests of a crate, run where cargo runs them.
fn tests_of(built: &str, name: &str) -> Result<Command, Failure> {
    let place = root().join("crates").join(name);
    let manifest = place.join("Cargo.toml").to_string_lossy().into_owned();
    let program = built
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|it| it["manifest_path"] == *manifest && it["target"]["name"] == "it")
        .find_map(|it| it["executable"].as_str().map(str::to_owned));
    let mut tests = command(&program.ok_or_else(|| format!("{name} has no tests"))?);
    tests.current_dir(place);
    Ok(tests)
}

/// What the tests with several machines start.
struct Machines<'a> {
    programs: &'a [PathBuf; 4],
    patroni: &'a Path,
    server: &'a Server,
}

impl Machines<'_> {
    fn group(&self, built: &str, module: &str) -> Result<Command, Failure> {
        let mut group = tests_of(built, "cardbridge")?;
        // One at a time: each test loads several servers.
        group.args(["--ignored", "--nocapture", "--test-threads=1", &format!("ha::{module}::")]);
        group
            .env(postgres::URL_VARIABLE, self.server.url())
            .env(postgres::DIRECTORY_VARIABLE, self.server.binaries())
            .env(python::PATRONI_VARIABLE, self.patroni);
        group.envs(NEEDED.iter().map(|it| it.variable).zip(self.programs));
        Ok(group)
    }
}

/// Finds all of them, and installs those that are missing if possible.
fn programs() -> Result<[PathBuf; 4], Failure> {
    let missing: Vec<_> = NEEDED.iter().filter(|it| it.path().is_none()).collect();
    let names: Vec<_> = missing.iter().map(|it| it.package).collect();
    if !names.is_empty() {
        install(&names)?;
    }
    let [etcd, haproxy, pgbouncer, faketime] = NEEDED.map(|it| {
        it.path().ok_or_else(|| format!("{} is installed and still cannot be found", it.package))
    });
    Ok([etcd?, haproxy?, pgbouncer?, faketime?])
}

impl Needed {
    fn path(&self) -> Option<PathBuf> {
        std::env::var_os(self.variable)
            .map(PathBuf::from)
            .or_else(self.find)
            .filter(|it| it.is_file())
    }
}

fn install(packages: &[&str]) -> Result<(), Failure> {
    if !apt::is_usable()? {
        return Err(format!(
            "missing: {}. Install them (on Debian and Ubuntu with `apt-get install`)",
            packages.join(", ")
        ));
    }
    let _stopped = apt::NoServices::new()?;
    apt::update()?;
    packages.iter().try_for_each(|package| apt::install(package))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known: Vec<_> = std::env::split_paths(&path).chain(SYSTEM.map(PathBuf::from)).collect();
    known.into_iter().map(|directory| directory.join(program)).find(|it| it.is_file())
}

/// The library that gives a process another clock: `/usr/lib/ARCHITECTURE/faketime`.
fn faketime() -> Option<PathBuf> {
    let architectures = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|it| it.path());
    let places = architectures.map(|it| it.join("faketime/libfaketime.so.1"));
    places.into_iter().find(|it| it.is_file())
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, tests_of};
    use crate::command::root;

    #[test]
    fn every_module_with_ignored_tests_is_run() {
        let files = std::fs::read_dir(root().join("crates/cardbridge/tests/it/ha")).unwrap();
        let files = files.map(|it| it.unwrap().path());
        let ignoring = files
            .filter(|path| std::fs::read_to_string(path).unwrap().contains("\n#[ignore"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
        let mut ignoring: Vec<_> = ignoring.collect();
        let mut run = GROUPS.map(|(module, _)| module).to_vec();
        ignoring.sort_unstable();
        run.sort_unstable();
        assert_eq!(ignoring, run);
    }
    #[test]
    fn the_tests_are_those_of_the_crate() {
        let line = |name: &str, target: &str, path: &str| {
            let manifest = root().join("crates").join(name).join("Cargo.toml");
            serde_json::json!({"manifest_path": manifest, "target": {"name": target},
                "executable": path})
            .to_string()
        };
        let lines = [line("vm_api", "it", "/a"), line("sim", "sim", "/b"), line("sim", "it", "/c")];
        let built = format!("not JSON\n{}", lines.join("\n"));
        assert_eq!(tests_of(&built, "sim").unwrap().get_program(), "/c");
        assert!(tests_of(&built, "wire").is_err());
    }
}
