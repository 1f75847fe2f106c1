//! Names that say nothing.

use super::finding::Finding;
use super::mask::Masked;

/// Words that fit everything and therefore say nothing.
const EMPTY_WORDS: [&str; 7] =
    ["manager", "helper", "helpers", "util", "utils", "utilities", "common"];

/// Keywords that a declared name follows.
const DECLARATIONS: [&str; 7] = ["mod", "struct", "enum", "trait", "type", "fn", "union"];

/// Findings for paths and declared names that contain an empty word.
pub fn check(path: &str, masked: &Masked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in path.trim_end_matches(".rs").split('/') {
        if let Some(word) = empty_word(part) {
            findings.push(Finding::new(path, 1, describe(part, word)));
        }
    }
    for (line, code) in masked.code() {
        let tokens: Vec<&str> = code
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|t| !t.is_empty())
            .collect();
        for pair in tokens.windows(2) {
            if DECLARATIONS.contains(&pair[0])
                && let Some(word) = empty_word(pair[1])
            {
                findings.push(Finding::new(path, line, describe(pair[1], word)));
            }
        }
    }
    findings
}

fn describe(name: &str, word: &str) -> String {
    format!("the name `{name}` contains `{word}`, which says nothing: name what it does")
}

fn empty_word(name: &str) -> Option<&'static str> {
    let words = words(name);
    EMPTY_WORDS.into_iter().find(|empty| words.iter().any(|word| word == empty))
}

/// The words of a snake-case or camel-case name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        let starts = character.is_uppercase() || matches!(character, '_' | '-');
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::mask::Masked;

    fn count(path: &str, code: &str) -> usize {
        check(path, &Masked::of(code)).len()
    }

    #[test]
    fn empty_words_in_paths_are_found() {
        assert_eq!(count("crates/store/src/util.rs", ""), 1);
        assert_eq!(count("crates/store/tests/common/mod.rs", ""), 1);
        assert_eq!(count("crates/store/src/utility_bill.rs", ""), 0);
    }

    #[test]
    fn empty_words_in_declared_names_are_found() {
        assert_eq!(count("a.rs", "mod helpers;\nstruct KeyManager;\nfn parse_util() {}"), 3);
        assert_eq!(count("a.rs", "struct Management; fn commonly() {} // mod util"), 0);
        assert_eq!(count("a.rs", "use other::Manager; let helper = 1;"), 0);
    }
}
