//! The baseline's INSERT: a row that the store wrote, with fresh ids.

/// An INSERT of a row with the given SQL literals, in which the `fresh` columns are
/// numbered parameters, in their order. `mark` is the engine's sign of a parameter.
pub fn insert(table: &str, row: &[(String, String)], fresh: &[&str], mark: char) -> String {
    let names: Vec<&str> = row.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<String> = row
        .iter()
        .map(|(name, literal)| match fresh.iter().position(|it| it == name) {
            Some(index) => format!("{mark}{}", index + 1),
            None => literal.clone(),
        })
        .collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::insert;

    #[test]
    fn fresh_columns_become_parameters() {
        let row = [("a", "1"), ("b", "'x'"), ("c", "NULL")]
            .map(|(name, literal)| (name.to_owned(), literal.to_owned()));
        let text = insert("t", &row, &["c", "a"], '$');
        assert_eq!(text, "INSERT INTO t (a, b, c) VALUES ($2, 'x', $1)");
    }
}
