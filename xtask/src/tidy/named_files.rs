//! Pages name files that exist.

use super::finding::Finding;

/// Pages that may name planned or removed files.
const FREE: [&str; 2] = ["CHANGELOG.md", "docs/spec/network-iso8583.md"];

/// Findings for source files that a page names and `exists` does not know. Paths are relative to
/// the root or to `crates`; a part in capitals, as in `NAME.rs`, stands for any name.
pub fn check(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    if FREE.contains(&path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for named in source_files(line) {
            let is_placeholder = named.split(['/', '.']).any(|part| {
                part.len() > 1 && part.bytes().all(|it| it.is_ascii_uppercase() || it == b'_')
            });
            if !is_placeholder && !exists(named) && !exists(&format!("crates/{named}")) {
                let text = format!("`{named}` does not exist: name the file as it is called now");
                findings.push(Finding::new(path, index + 1, text));
            }
        }
    }
    findings
}

/// The paths in a line that go through `src` or `tests` to a file.
fn source_files(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '/' | '.' | '-' | '*');
    line.split(move |it| !is_part(it)).map(|it| it.trim_matches('.')).filter(|it| {
        !it.contains('*')
            && (it.contains("/src/") || it.contains("/tests/"))
            && it.rsplit('/').next().is_some_and(|name| name.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn missing_files_are_found() {
        let exists = |path: &str| path == "crates/a/src/b.rs";
        let found = |text: &str| check("ARCHITECTURE.md", text, exists).len();
        assert_eq!(found("see `a/src/b.rs`, `crates/a/src/b.rs`."), 0);
        assert_eq!(found("see `a/src/c.rs`."), 1);
        assert_eq!(found("a new `crates/a/src/NAME.rs`, and all of `a/src/c/`"), 0);
    }
}
