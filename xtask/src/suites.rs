//! The tests of endpoints and of the store, run on servers that are not plain PostgreSQL: behind a
//! pooler in transaction mode, and on stand-ins for engines with its wire that spread data.

use std::process::Command;

use crate::command::Failure;
use crate::counts::Counts;
use crate::postgres::{self, Pooler, Server};
use crate::stage::{output, stage, succeed};

/// The part of names by which the tests on PostgreSQL are known.
const ON_POSTGRESQL: &str = "postgres";
/// The crates whose tests go through every endpoint: of the dialects, and of operators.
const DIALECTS: [&str; 2] = ["cardbridge_api", "vm_api"];
const OPERATORS: &str = "admin_api";
/// The crate whose tests go through every operation of the store.
const STORE: &str = "store";
/// It counts rows by the names of tables.
const NOT_SPREAD: &str = "backlog::";

/// What PostgreSQL-compatible engines that spread data over servers demand, with the variable that
/// `testkit` reads: the isolations of engines that know no weaker one, and tables that are spread.
const STAND_INS: [(&str, &str, &str); 3] = [
    ("repeatable read", "CARDBRIDGE_TEST_ISOLATION", "repeatable read"),
    ("serializable", "CARDBRIDGE_TEST_ISOLATION", "serializable"),
    ("spread tables", "CARDBRIDGE_TEST_PARTITIONED", "1"),
];

/// Unless all are asked for, one test of so many is run: behind the pooler, with dialect 1 going
/// through all of its endpoints there; of the dialects on each stand-in; and of the store under
/// repeatable read, which refuses less than serializable, and on spread tables.
const BEHIND_POOLER: [usize; 3] = [1, 3, 3];
const ON_STAND_IN: usize = 12;
const STORE_ON_STAND_IN: [usize; 3] = [3, 1, 2];

/// Every n-th of a suite's tests, in the order of their names.
#[derive(Clone, Copy)]
struct Share {
    first: usize,
    one_of: usize,
}

impl Share {
    fn of(counts: Counts, first: usize, one_of: usize) -> Self {
        match counts {
            Counts::Usual => Self { first, one_of },
            Counts::Full => Self { first: 0, one_of: 1 },
        }
    }

    fn chosen(self, listed: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
        names.retain(|name| !name.starts_with(NOT_SPREAD));
        names.sort_unstable();
        names.into_iter().skip(self.first).step_by(self.one_of).collect()
    }
}

/// Runs a share of a suite's tests on the server.
fn run(
    tests: &dyn Fn() -> Result<Command, Failure>,
    server: &Server,
    share: Share,
    variable: (&str, &str),
) -> Result<(), Failure> {
    let listed = output(tests()?.args(["--list", "--format", "terse", ON_POSTGRESQL]))?;
    let chosen = share.chosen(&listed);
    if chosen.is_empty() {
        return Err("no test on PostgreSQL".to_owned());
    }
    let mut chosen_tests = tests()?;
    chosen_tests.arg("--exact").args(&chosen);
    chosen_tests.env(postgres::URL_VARIABLE, server.url()).env(variable.0, variable.1);
    succeed(&mut chosen_tests)
}

/// Runs all suites, also after one that failed; `tests_of` gives the tests of a crate.
pub fn run_all(
    server: &Server,
    pgbouncer: &std::path::Path,
    counts: Counts,
    tests_of: &dyn Fn(&str) -> Result<Command, Failure>,
) -> Result<(), Failure> {
    let mut outcomes = Vec::new();
    let pooler = stage("ha: a pooler in transaction mode", || Pooler::start(pgbouncer, server))?;
    for (name, one_of) in DIALECTS.iter().chain([&OPERATORS]).zip(BEHIND_POOLER) {
        outcomes.push(stage(&format!("ha: {name} behind a pooler"), || {
            let share = Share::of(counts, 0, one_of);
            let variable = (postgres::POOLER_VARIABLE, pooler.address());
            run(&|| tests_of(name), server, share, variable)
        }));
    }
    drop(pooler);
    for (place, (stand_in, variable, value)) in STAND_INS.into_iter().enumerate() {
        for name in DIALECTS.iter().chain([&STORE]) {
            outcomes.push(stage(&format!("ha: {name} on {stand_in}"), || {
                let one_of = if *name == STORE { STORE_ON_STAND_IN[place] } else { ON_STAND_IN };
                let share = Share::of(counts, place.min(one_of - 1), one_of);
                run(&|| tests_of(name), server, share, (variable, value))
            }));
        }
    }
    outcomes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::Share;
    use crate::counts::Counts;

    #[test]
    fn a_share_is_the_same_every_time_and_all_shares_are_all_tests() {
        let listed = "b::postgres: test\na::postgres: test\nc::postgres: test\nd: benchmark\n";
        let chosen = |first| Share::of(Counts::Usual, first, 2).chosen(listed);
        assert_eq!(chosen(0), ["a::postgres", "c::postgres"]);
        assert_eq!(chosen(1), ["b::postgres"]);
        assert_eq!(Share::of(Counts::Full, 1, 2).chosen(listed).len(), 3);
    }
}
