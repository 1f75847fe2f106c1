//! SQL is allowed only in `store`.

use super::finding::Finding;
use super::mask::Masked;

/// The other places where SQL is allowed. This program contains samples of it and no database. The
/// bench measures the store against callers that write the same rows without it. The tests of
/// reconciliation, stuck holds, jobs, references, sent passwords and kept keys change rows behind
/// the store's back, and those of the binary set up their own servers and look at their sessions.
const FREE: [&str; 29] = [
    "crates/store/",
    "crates/admin_api/tests/it/keyed_calls",
    "crates/authorise/tests/it/own_money",
    "crates/authorise/tests/it/stuck_hold",
    "crates/bench/src/growth.rs",
    "crates/bench/src/hot_deposit/",
    "crates/bench/src/recon/",
    "crates/bench/src/scale/",
    "crates/cardbridge_api/tests/it/authentication",
    "crates/cardbridge_api/tests/it/parked_jobs",
    "crates/cardbridge_api/tests/it/recon",
    "crates/cardbridge_api/tests/it/references",
    "crates/cardbridge_api/tests/it/send_otp",
    "crates/cardbridge_api/tests/it/shared_limits",
    "crates/cardbridge/tests/it/cluster",
    "crates/cardbridge/tests/it/ha/",
    "crates/cardbridge/tests/it/hanging_commit",
    "crates/cardbridge/tests/it/keyed_calls",
    "crates/cardbridge/tests/it/left_behind",
    "crates/cardbridge/tests/it/node_numbers",
    "crates/cardbridge/tests/it/plans",
    "crates/cardbridge/tests/it/read_standby",
    "crates/cardbridge/tests/it/schema_versions",
    "crates/cardbridge/tests/it/shared_clock",
    "crates/cardbridge/tests/it/shared_limits",
    "crates/cardbridge/tests/it/store_away",
    "crates/schedule/tests/it/",
    "crates/testkit/src/database",
    "xtask/",
];

/// Beginnings of statements, as we write them.
const STATEMENTS: [&str; 4] = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "UPDATE "];

/// Findings for strings that contain SQL outside `store`.
pub fn check(path: &str, masked: &Masked) -> Vec<Finding> {
    if FREE.iter().any(|free| path.starts_with(free)) {
        return Vec::new();
    }
    masked
        .strings()
        .filter_map(|(line, text)| {
            let statement = STATEMENTS.into_iter().find(|statement| holds(text, statement))?;
            let text = format!("SQL (`{}`) stands only in `store`", statement.trim_end());
            Some(Finding::new(path, line, text))
        })
        .collect()
}

fn holds(text: &str, statement: &str) -> bool {
    text.match_indices(statement).any(|(at, _)| {
        let whole_word = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let mut rest = text[at + statement.len()..].split_whitespace();
        // `UPDATE` is also an ordinary word of ours: only `UPDATE table SET`, or a line broken
        // there, counts.
        let statement_goes_on = statement != "UPDATE "
            || matches!((rest.next(), rest.next()), (Some(_), Some("SET") | None));
        whole_word && statement_goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::mask::Masked;

    fn count(path: &str, source: &str) -> usize {
        check(path, &Masked::of(source)).len()
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        for sql in [
            "f(\"SELECT id FROM card\")",
            "f(\"INSERT INTO card VALUES ($1)\")",
            "f(\"DELETE FROM card\")",
            "f(\"UPDATE card SET status = $1\")",
            "f(r#\"\n  UPDATE card\n  SET status = $1\"#)",
        ] {
            assert_eq!(count("crates/vm_api/src/a.rs", sql), 1, "{sql}");
            assert_eq!(count("crates/store/src/a.rs", sql), 0, "{sql}");
        }
    }

    #[test]
    fn other_words_are_not_sql() {
        for other in [
            "f(\"DELETE /admin/v1/cards\")",
            "f(\"CARD_UPDATE done\")",
            "f(\"UPDATE of the card failed\")",
            "// SELECT id FROM card",
            "f(\"PRESELECT x\")",
        ] {
            assert_eq!(count("crates/vm_api/src/a.rs", other), 0, "{other}");
        }
    }
}
