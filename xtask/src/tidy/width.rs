//! The limit on a line's length.

use super::finding::Finding;
use super::mask::Masked;

/// Most characters of a line.
const COLUMNS: usize = 100;

/// Findings for lines that are too long. A line of a raw string is exempt: it cannot be broken
/// without changing the text.
pub fn check(path: &str, text: &str, masked: &Masked) -> Vec<Finding> {
    let lines = text.lines().zip(masked.raw_strings());
    let long =
        lines.filter(|(line, (_, raw))| line.chars().count() > COLUMNS && raw.trim().is_empty());
    long.map(|(line, (number, _))| {
        let text = format!("{} characters, at most {COLUMNS}", line.chars().count());
        Finding::new(path, number, text)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::mask::Masked;

    fn found(source: &str) -> Vec<usize> {
        check("a.rs", source, &Masked::of(source)).iter().map(|it| it.line).collect()
    }

    #[test]
    fn long_lines_are_found() {
        let line = |count| "é".repeat(count);
        assert_eq!(found(&format!("// {}\n// {}\n", line(97), line(98))), [2]);
        assert_eq!(found(&format!("f(\"{}\");\n", line(95))), [1]);
    }

    #[test]
    fn raw_strings_are_exempt() {
        let long = "x".repeat(100);
        let source = format!("f(r#\"{long}\n{long}\"#);\nf(\"{long}\");\n");
        assert_eq!(found(&source), [3]);
    }
}
