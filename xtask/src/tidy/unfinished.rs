//! Code that is unfinished, not run, or not used.

use super::finding::Finding;
use super::mask::Masked;

/// The refused code, and the reason. Compared without spaces.
const REFUSED: [(&str, &str); 6] = [
    ("todo!", "unfinished work is not kept"),
    ("unimplemented!", "unfinished work is not kept"),
    ("#[ignore]", "a test that does not run proves nothing"),
    ("#[ignore=", "a test that does not run proves nothing"),
    ("allow(dead_code", "unused code is removed"),
    ("expect(dead_code", "unused code is removed"),
];

/// `cargo xtask test --ha` runs each ignored test that is here; `ha.rs` checks that it does.
const RUN_APART: &str = "crates/cardbridge/tests/it/ha/";

/// Findings in code; strings and comments may mention it.
pub fn check(path: &str, masked: &Masked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in masked.code() {
        let code: String = code.split_whitespace().collect();
        for (refused, reason) in REFUSED {
            let is_run_apart = refused.starts_with("#[ignore") && path.starts_with(RUN_APART);
            if code.contains(refused) && !is_run_apart {
                findings.push(Finding::new(path, line, format!("`{refused}`: {reason}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::mask::Masked;

    fn count(source: &str) -> usize {
        check("a.rs", &Masked::of(source)).len()
    }

    #[test]
    fn unfinished_and_unused_code_is_found() {
        let source = "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n#[ignore]\n\
                      #[ignore = \"slow\"]\n#[allow(dead_code)]\n#![allow( dead_code )]";
        assert_eq!(count(source), 6);
    }

    #[test]
    fn tests_that_are_run_apart_may_be_ignored() {
        let source = Masked::of("#[ignore = \"cargo xtask test --ha\"]\nfn a() { todo!() }");
        assert_eq!(check("crates/cardbridge/tests/it/ha/a.rs", &source).len(), 1);
        assert_eq!(check("crates/cardbridge/tests/it/a.rs", &source).len(), 2);
    }

    #[test]
    fn comments_and_strings_may_mention_it() {
        assert_eq!(count("// todo!()\nlet a = \"#[ignore]\"; ignore(); #[allow(unused)]"), 0);
    }
}
