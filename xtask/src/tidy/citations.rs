//! Citations of the specification must resolve.
//!
//! A citation names a page of `docs/spec`; for a part of a page also the section, and for one line
//! of that also the line's mark, always in this form:
//!
//! ```text
//! vm-api.md
//! vm-api.md section 4.2
//! cardbridge-open-api.md sections 6.1.2, 6.2.6 and 6.2.8
//! cardbridge-open-api.md section 14, U16 and U18     rows of a table, by their code
//! vm-api.md section 16, row 22                       a row of a table, by its number
//! cardbridge-open-api.md section 3.3, rule 7         an item of a numbered list
//! operator-and-sandbox.md section 5, Limits          a paragraph that begins so in bold
//! ```
//!
//! Other pages are cited by their path from the root: `docs/security.md`.

use std::collections::BTreeMap;
use std::path::Path;

use super::finding::Finding;
use super::mask::Masked;
use crate::command::Failure;

/// The directory of the specification's pages, from the root.
const PAGES: &str = "docs/spec/";

/// The pages that may be cited.
pub struct Specification {
    /// Each page's sections by file name: number and text, from one heading to the next.
    pages: BTreeMap<String, Vec<(String, String)>>,
    /// Paths of all pages of prose, from the root.
    pages_of_prose: Vec<String>,
}

impl Specification {
    /// Reads the pages among `prose`, which are paths from the root.
    pub fn read(root: &Path, prose: &[String]) -> Result<Self, Failure> {
        let mut pages = BTreeMap::new();
        for path in prose {
            if let Some(name) = path.strip_prefix(PAGES) {
                pages.insert(name.to_owned(), sections(&super::source::read(root, path)?));
            }
        }
        Ok(Self { pages, pages_of_prose: prose.to_vec() })
    }

    /// Findings in the comments of a Rust file; strings contain the words of others.
    pub fn rust(&self, path: &str, masked: &Masked) -> Vec<Finding> {
        self.find(path, None, &words(masked.comments()))
    }

    /// Findings in a page of prose or a settings file. If a page of the specification names a
    /// section alone, it means its own.
    pub fn text(&self, path: &str, text: &str) -> Vec<Finding> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        self.find(path, path.strip_prefix(PAGES), &words(lines))
    }

    fn find(&self, path: &str, own: Option<&str>, words: &[Word<'_>]) -> Vec<Finding> {
        let mut reader = Reader { specification: self, path, own, words, findings: Vec::new() };
        let mut at = 0;
        while at < words.len() {
            at = reader.step(at);
        }
        reader.findings
    }

    /// The text of a section including its subsections; `None` if the page has no such heading.
    fn section(&self, page: &str, number: &str) -> Option<String> {
        let below = format!("{number}.");
        let parts = self.pages.get(page)?;
        parts.iter().find(|(it, _)| it == number)?;
        let inside = parts.iter().filter(|(it, _)| it == number || it.starts_with(&below));
        Some(inside.map(|(_, text)| text.as_str()).collect())
    }
}

/// One word and the line that it is on.
struct Word<'a> {
    line: usize,
    text: &'a str,
}

/// Words of a text, without the markers of comments and tables.
fn words<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Word<'a>> {
    let is_mark = |word: &&str| !word.chars().all(|it| "/!#|-*".contains(it));
    lines
        .flat_map(|(line, text)| {
            text.split_whitespace().filter(is_mark).map(move |text| Word { line, text })
        })
        .collect()
}

/// A page's sections, by their headings. Text before the first heading is skipped.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let heading = line.trim_start_matches('#').strip_prefix(' ');
        let number = heading.filter(|_| line.starts_with('#')).and_then(number_before_title);
        if let Some(number) = number {
            found.push((number, String::new()));
        } else if let Some((_, section)) = found.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    found
}

fn number_before_title(heading: &str) -> Option<String> {
    let number = heading.split(' ').next()?.trim_end_matches('.');
    is_number(number).then(|| number.to_owned())
}

/// True for a section number: `6`, `6.1`, `6.1.1`.
fn is_number(text: &str) -> bool {
    let digits =
        |part: &str| matches!(part.len(), 1..=2) && part.bytes().all(|it| it.is_ascii_digit());
    text.split('.').all(digits)
}

/// True for the code of a row: C, F or U and a number.
fn is_code(text: &str) -> bool {
    text.strip_prefix(['C', 'F', 'U']).is_some_and(|rest| !rest.contains('.') && is_number(rest))
}

/// The word without its punctuation.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(['(', '[', '`', '"', '*']);
    word.trim_end_matches(['.', ',', ';', ':', ')', ']', '`', '"', '*', '?'])
}

struct Reader<'a> {
    specification: &'a Specification,
    path: &'a str,
    own: Option<&'a str>,
    words: &'a [Word<'a>],
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    /// Reads the word at `at` and the words that belong to it; returns where to continue.
    fn step(&mut self, at: usize) -> usize {
        let word = bare(self.words[at].text);
        if matches!(word, "section" | "sections") && self.number(at + 1).is_some() {
            let own = self.own.filter(|_| !self.is_foreign(at));
            match own {
                Some(own) => return self.numbers(own, at + 1),
                None if self.is_foreign(at) => {}
                None => self.say(at, "a section without its page: write `PAGE.md section N`"),
            }
        } else if is_code(word) && self.own.is_none() {
            self.say(at, &format!("`{word}` of which page? Write `PAGE.md section N, {word}`"));
        } else if word.ends_with(".md") && word != ".md" {
            return self.page(at, word);
        }
        at + 1
    }

    /// True if the word `section` at `at` refers to somebody else's text: RFC 9110 section 15.
    fn is_foreign(&self, at: usize) -> bool {
        at > 1 && self.words[at - 2].text.trim_start_matches('(') == "RFC"
    }

    /// Reads the name of a page at `at` and the sections after it.
    fn page(&mut self, at: usize, word: &'a str) -> usize {
        let Some(path) = self.resolved(word) else {
            self.say(at, &format!("`{word}`: there is no such page"));
            return at + 1;
        };
        let (Some(page), Some(next)) = (path.strip_prefix(PAGES), self.words.get(at + 1)) else {
            return at + 1;
        };
        let next = bare(next.text);
        if self.words[at].text.ends_with(word) && (is_number(next) || is_code(next)) {
            self.say(at, &format!("name the section: `{page} section N`"));
            return at + 2;
        }
        if matches!(next, "section" | "sections") && self.number(at + 2).is_some() {
            return self.numbers(page, at + 2);
        }
        at + 1
    }

    /// The path from the root of the page that a word names: a page of the specification, a path
    /// from the root, or a link relative to its own page.
    fn resolved(&self, word: &str) -> Option<&'a str> {
        let link = word.rsplit_once('(').map_or(word, |(_, link)| link);
        let mut directory = self.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let mut below = link;
        while let Some(rest) = below.strip_prefix("../") {
            directory = directory.rsplit_once('/').map_or("", |(directory, _)| directory);
            below = rest;
        }
        let from_here = format!("{directory}/{below}");
        let candidates = [format!("{PAGES}{link}"), link.to_owned(), from_here];
        let candidates = candidates.map(|path| path.trim_start_matches('/').to_owned());
        self.specification
            .pages_of_prose
            .iter()
            .find(|it| candidates.contains(it))
            .map(String::as_str)
    }

    /// Reads section numbers of a page from `at` on, each followed by the marks of its lines. After
    /// `section` there must be one.
    fn numbers(&mut self, page: &str, mut at: usize) -> usize {
        let many = self.words[at - 1].text.ends_with("sections");
        while let Some(number) = self.number(at) {
            match self.specification.section(page, number) {
                Some(text) => at = self.marks(&format!("{page} section {number}"), &text, at + 1),
                None => {
                    self.say(at, &format!("{page} has no section {number}"));
                    at += 1;
                }
            }
            if !self.goes_on(at) {
                break;
            }
            at += usize::from(matches!(self.words[at].text, "and" | "to"));
            if !many && self.number(at).is_some() {
                self.say(
                    at,
                    "one line of a section is a `row N` or a `rule N`, two are `sections`",
                );
                break;
            }
        }
        at
    }

    /// Reads the marks of lines in one section from `at` on.
    fn marks(&mut self, section: &str, text: &str, mut at: usize) -> usize {
        while self.goes_on(at) {
            let first = at + usize::from(matches!(self.words[at].text, "and" | "to"));
            let word = |at: usize| self.words.get(at).map_or("", |word| bare(word.text));
            let (mark, second) = (word(first), word(first + 1));
            let (line, next) = match mark {
                code if is_code(code) => (format!("| {code} |"), first + 1),
                "row" if is_number(second) => (format!("| {second} |"), first + 2),
                "rule" if is_number(second) => (format!("{second}. "), first + 2),
                _ if self.words[at].text.starts_with(char::is_uppercase) => {
                    (format!("**{mark}"), first + 1)
                }
                _ => return at,
            };
            if !text.lines().any(|it| it.starts_with(&line)) {
                self.say(at, &format!("{section} has no line that begins with `{line}`"));
            }
            at = next;
        }
        at
    }

    /// True if the word at `at` may belong to the list before it.
    fn goes_on(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return false };
        at > 0 && (self.words[at - 1].text.ends_with(',') || matches!(word.text, "and" | "to"))
    }

    fn number(&self, at: usize) -> Option<&'a str> {
        let word = bare(self.words.get(at)?.text);
        is_number(word).then_some(word)
    }

    fn say(&mut self, at: usize, text: &str) {
        self.findings.push(Finding::new(self.path, self.words[at].line, text));
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Masked, Specification, sections};

    const PAGE: &str = "# A page\n## 1. First\n1. one\n2. two\n## 2. Second\n### 2.1 Below\n\
                        **Limits.** None.\n| U16 | a row |\n| 7 | another |\nsection 9\n";

    fn specification() -> Specification {
        Specification {
            pages: BTreeMap::from([("a-page.md".to_owned(), sections(PAGE))]),
            pages_of_prose: ["README.md", "docs/security.md", "docs/spec/a-page.md"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    fn found(comment: &str) -> Vec<String> {
        let source = format!("// {}\n", comment.replace('\n', "\n/// "));
        let findings = specification().rust("crates/a/src/b.rs", &Masked::of(&source));
        findings.into_iter().map(|it| format!("{}: {}", it.line, it.text)).collect()
    }

    #[test]
    fn resolvable_citations_give_no_finding() {
        for comment in [
            "(a-page.md)",
            "As a-page.md section 2.1 says, all of it (README.md, docs/security.md).",
            "A citation over two lines (a-page.md\nsection 2.1): as it says.",
            "Of several (a-page.md sections 1, 2 and 2.1; a-page.md section 2.1, Limits).",
            "Lines of one (a-page.md section 2, U16 and row 7; a-page.md section 1, rule 2).",
            "[Security](../../../docs/security.md), and docs/spec/a-page.md section 2.1, U16.",
            "What is quoted (a-page.md section 1, \"One\") and a-page.md section 1 and Others.",
            "Somebody else's (RFC 9110 section 15.5.9), `section` and %C3.",
        ] {
            assert_eq!(found(comment), Vec::<String>::new(), "{comment}");
        }
    }

    #[test]
    fn unresolvable_citations_are_found() {
        for (comment, expected) in [
            (
                "a-page.md section 2, Mail",
                "1: a-page.md section 2 has no line that begins with `**Mail`",
            ),
            ("(b-page.md)", "1: `b-page.md`: there is no such page"),
            ("a-page.md\nsection 3", "2: a-page.md has no section 3"),
            ("a-page.md sections 1 and 2.2", "1: a-page.md has no section 2.2"),
            (
                "a-page.md section 2.1, U17",
                "1: a-page.md section 2.1 has no line that begins with `| U17 |`",
            ),
            (
                "a-page.md section 1, rule 3",
                "1: a-page.md section 1 has no line that begins with `3. `",
            ),
            (
                "a-page.md section 1, row 1",
                "1: a-page.md section 1 has no line that begins with `| 1 |`",
            ),
        ] {
            assert_eq!(found(comment), [expected]);
        }
    }

    #[test]
    fn every_citation_names_its_page_and_section() {
        for comment in [
            "see section 2",
            "(U16)",
            "(a-page.md U16)",
            "(a-page.md 2.1)",
            "(a-page.md section 2, 7)",
            "(a-page.md section 1 and 2)",
        ] {
            assert_eq!(found(comment).len(), 1, "{comment}");
        }
    }

    #[test]
    fn a_page_of_the_specification_means_itself() {
        let findings = specification().text("docs/spec/a-page.md", PAGE);
        let texts: Vec<_> = findings.iter().map(|it| (it.line, it.text.as_str())).collect();
        assert_eq!(texts, [(10, "a-page.md has no section 9")]);
    }
}
