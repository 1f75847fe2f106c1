//! British spelling of the one word that is everywhere here.

use super::finding::Finding;
use super::mask::Masked;

/// Names that we did not choose: the HTTP header and the HTTP status.
const FOREIGN: [&str; 7] = [
    "AUTHORIZATION",
    "Authorization",
    "AuthorizationHeader",
    "PROXY_AUTHORIZATION",
    "UNAUTHORIZED",
    "Unauthorized",
    "authorization_header",
];

/// Findings in code and comments; strings contain the words of others.
pub fn rust(path: &str, masked: &Masked) -> Vec<Finding> {
    masked
        .code()
        .chain(masked.comments())
        .flat_map(|(line, text)| find(path, line, &without_quoted(text)))
        .collect()
}

/// Findings in a page of prose; code in it contains the words of others.
pub fn prose(path: &str, text: &str) -> Vec<Finding> {
    let mut fenced = false;
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            findings.extend(find(path, index + 1, &without_quoted(line)));
        }
    }
    findings
}

fn find(path: &str, line: usize, text: &str) -> Vec<Finding> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.to_ascii_lowercase().contains("authoriz") && !FOREIGN.contains(word))
        .map(|word| {
            Finding::new(path, line, format!("`{word}`: we spell it authorise, authorisation"))
        })
        .collect()
}

/// The line without the text between backticks.
fn without_quoted(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{prose, rust};
    use crate::tidy::mask::Masked;

    fn in_rust(source: &str) -> usize {
        rust("a.rs", &Masked::of(source)).len()
    }

    #[test]
    fn american_spelling_is_found_in_names_and_comments() {
        assert_eq!(in_rust("fn authorize() {} // an authorization"), 2);
        assert_eq!(in_rust("struct AuthorizationNotice;"), 1);
        assert_eq!(in_rust("fn authorise() {} // an authorisation"), 0);
    }

    #[test]
    fn the_http_header_and_the_wire_keep_their_spelling() {
        assert_eq!(in_rust("headers.get(header::AUTHORIZATION); StatusCode::UNAUTHORIZED;"), 0);
        assert_eq!(in_rust("// the Authorization header, or `authorizationCode`"), 0);
        assert_eq!(in_rust("f(\"authorization\")"), 0);
    }

    #[test]
    fn prose_is_read_and_code_in_it_is_not() {
        let page = "We authorize.\n```\nauthorize\n```\nThe `authorize` field, authorised.\n";
        let lines: Vec<_> = prose("README.md", page).iter().map(|found| found.line).collect();
        assert_eq!(lines, [1]);
    }
}
