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

/// Findings in code; strings and comments may mention it.
pub fn check(path: &str, masked: &Masked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, code) in masked.code() {
        let code: String = code.split_whitespace().collect();
        for (refused, reason) in REFUSED {
            if code.contains(refused) {
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
    fn comments_and_strings_may_mention_it() {
        assert_eq!(count("// todo!()\nlet a = \"#[ignore]\"; ignore(); #[allow(unused)]"), 0);
    }
}
