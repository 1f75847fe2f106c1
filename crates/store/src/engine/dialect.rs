//! The portable SQL text, as SQLite wants it.

/// The portable text as SQLite wants it: `?1` for `$1`, because SQLite takes `$1` for a name and
/// would number names by first appearance; and no row locks, because there is one writer.
pub(super) fn dialect(sql: &str) -> String {
    let sql = sql.strip_suffix(" SKIP LOCKED").unwrap_or(sql);
    let sql = sql.strip_suffix(" FOR UPDATE").unwrap_or(sql);
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let is_number = after[1..].starts_with(|c: char| c.is_ascii_digit());
        text.push(if is_number { '?' } else { '$' });
        rest = &after[1..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_locks_are_dropped() {
        for lock in ["", " FOR UPDATE", " FOR UPDATE SKIP LOCKED"] {
            let sql = format!("SELECT a FROM t WHERE b = $1{lock}");
            assert_eq!(dialect(&sql), "SELECT a FROM t WHERE b = ?1");
        }
    }
}
