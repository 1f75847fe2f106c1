//! The limit on a file's length.

use super::finding::Finding;

/// Most lines of a file under `src`.
const SOURCE_LINES: usize = 500;

/// Most lines of a file under `tests` or `benches`.
const TEST_LINES: usize = 800;

/// A finding if the file is too long.
pub fn check(path: &str, text: &str) -> Option<Finding> {
    let test = path.split('/').any(|part| part == "tests" || part == "benches");
    let limit = if test { TEST_LINES } else { SOURCE_LINES };
    let lines = text.lines().count();
    (lines > limit).then(|| {
        let text = format!("{lines} lines, at most {limit}: one file holds one concept");
        Finding::new(path, limit + 1, text)
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn long_files_are_found() {
        let lines = |count| "x\n".repeat(count);
        assert!(check("crates/a/src/b.rs", &lines(500)).is_none());
        assert!(check("crates/a/src/b.rs", &lines(501)).is_some());
        assert!(check("crates/a/tests/it/b.rs", &lines(800)).is_none());
        assert!(check("crates/a/tests/it/b.rs", &lines(801)).is_some());
    }
}
