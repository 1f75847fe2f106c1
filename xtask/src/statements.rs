//! The statements that the tests made the platform send to PostgreSQL, held to what engines with
//! its wire can run when tables are spread by enterprise (docs/decisions/020-scale-out.md).
//!
//! The platform has a user of its own, so its statements are told from those of the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::Failure;
use crate::postgres::Server;
use crate::stage::output;

/// Names the platform's user for the tests.
pub const USER_VARIABLE: &str = "CARDBRIDGE_TEST_PLATFORM_USER";
/// That user.
pub const USER: &str = "platform";
/// Where the tables are declared.
const MIGRATIONS: &str = "crates/store/migrations/postgres";
/// The fewest statements that the tests leave; fewer mean that nothing was recorded.
const LEAST: usize = 100;

/// Parts of statements that lock rows without naming their enterprise, and why.
const LOCKED_BY_SECRET: [&str; 2] = [
    // The secret of a page names its link, whoever it belongs to.
    "FROM guidance_link WHERE token_hash = $",
    // The caller of the extraction has no key yet, so nobody knows the enterprise.
    "FROM key_extraction WHERE code_digest = $",
];
/// The most statements on rows of enterprises that name none: polls of workers,
/// sweeps, lists for operators, and what networks and operators name by an id alone.
const MOST_OF_ALL: usize = 130;

/// Prepares a fresh server; false if it cannot record statements.
pub fn record(server: &Server) -> Result<bool, Failure> {
    if !server.records_statements() {
        eprintln!(
            "statements and plans: left out, since this PostgreSQL has no pg_stat_statements"
        );
        return Ok(false);
    }
    let password = server.url().split([':', '@']).nth(2).unwrap_or_default().to_owned();
    psql(server, &format!("CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{password}'"))?;
    psql(server, "CREATE EXTENSION pg_stat_statements")?;
    Ok(true)
}

/// Checks every statement that was recorded.
pub fn check(server: &Server) -> Result<(), Failure> {
    let sql = format!(
        "SELECT DISTINCT regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements \
         JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = '{USER}'"
    );
    let recorded = psql(server, &sql)?;
    let statements: BTreeSet<&str> = recorded.lines().collect();
    if statements.len() < LEAST {
        return Err(format!("only {} statements were recorded", statements.len()));
    }
    let tables = tenant_tables(Path::new(MIGRATIONS))?;
    let findings: Vec<String> = statements
        .iter()
        .flat_map(|it| faults(it, &tables).into_iter().map(move |fault| format!("{fault}: {it}")))
        .collect();
    let of_all: Vec<&&str> = statements.iter().filter(|it| is_of_all(it, &tables)).collect();
    eprintln!("statements: {} checked, {} of all enterprises", statements.len(), of_all.len());
    if of_all.len() > MOST_OF_ALL {
        let listed = of_all.iter().map(|it| format!("\n{it}")).collect::<String>();
        return Err(format!("more than {MOST_OF_ALL} are of all enterprises:{listed}"));
    }
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

fn psql(server: &Server, sql: &str) -> Result<String, Failure> {
    let mut command = Command::new(server.binaries().join("psql"));
    output(command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, server.url()]))
}

/// The tables with a column `enterprise_id`.
fn tenant_tables(directory: &Path) -> Result<BTreeSet<String>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut tables = BTreeSet::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let text = fs::read_to_string(entry.map_err(failed)?.path()).map_err(failed)?;
        for declared in text.split("CREATE TABLE ").skip(1) {
            let (name, columns) = declared.split_once('(').unwrap_or((declared, ""));
            let columns = columns.split(";\n").next().unwrap_or_default();
            if columns.contains("enterprise_id ") {
                tables.insert(name.trim().to_owned());
            }
        }
    }
    Ok(tables)
}

/// What is wrong with a statement.
fn faults(statement: &str, tables: &BTreeSet<String>) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let words: Vec<&str> = statement.split([' ', ',', '(', ')']).collect();
    if words.iter().any(|it| it.starts_with('+') && it.len() > 1) {
        faults.push("a unary plus before a column");
    }
    if statement.starts_with("DELETE") && statement.contains("SKIP LOCKED") {
        faults.push("SKIP LOCKED in a DELETE");
    }
    let values = statement.split_once(" VALUES ").map_or("", |(_, values)| values);
    if values.contains("(SELECT") {
        faults.push("a subquery among values");
    }
    let is_locked = statement.contains("FOR UPDATE") && !statement.contains("SKIP LOCKED");
    let is_by_secret = LOCKED_BY_SECRET.iter().any(|it| statement.contains(it));
    if is_locked && is_of_all(statement, tables) && !is_by_secret {
        faults.push("FOR UPDATE without its enterprise");
    }
    faults
}

/// True for a statement on rows of enterprises that names none.
fn is_of_all(statement: &str, tables: &BTreeSet<String>) -> bool {
    let words: Vec<&str> = statement.split([' ', ',', '(', ')']).collect();
    let touches = words.windows(2).any(|pair| {
        ["FROM", "JOIN", "UPDATE", "INTO"].contains(&pair[0]) && tables.contains(pair[1])
    });
    let is_plain_insert = statement.starts_with("INSERT") && !statement.contains("SELECT");
    touches && !is_plain_insert && !statement.contains("enterprise_id = $")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{faults, is_of_all};

    fn found(statement: &str) -> Vec<&'static str> {
        faults(statement, &BTreeSet::from(["webhook".to_owned()]))
    }

    #[test]
    fn each_fault_is_found() {
        let of_one = "SELECT a FROM webhook WHERE enterprise_id = $1 AND b = $2 + 1 FOR UPDATE";
        assert!(found(of_one).is_empty());
        assert!(found("INSERT INTO webhook (enterprise_id, a) VALUES ($1, $2)").is_empty());
        assert!(found("SELECT a FROM setting WHERE b = $1 FOR UPDATE").is_empty());
        for statement in [
            "SELECT a FROM setting WHERE +b = $1",
            "DELETE FROM setting WHERE a IN (SELECT a FROM setting FOR UPDATE SKIP LOCKED)",
            "INSERT INTO setting (a, b) VALUES ($1, (SELECT b FROM setting))",
            "SELECT a FROM webhook WHERE webhook_id = $1 FOR UPDATE",
        ] {
            assert_eq!(found(statement).len(), 1, "{statement}");
        }
    }

    #[test]
    fn what_names_no_enterprise_is_of_all() {
        let tables = BTreeSet::from(["webhook".to_owned()]);
        assert!(is_of_all("UPDATE webhook SET a = $1 WHERE webhook_id = $2", &tables));
        assert!(!is_of_all("UPDATE webhook SET a = $1 WHERE enterprise_id = $2", &tables));
        assert!(!is_of_all("UPDATE setting SET a = $1", &tables));
    }
}
