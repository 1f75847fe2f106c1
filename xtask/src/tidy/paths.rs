//! The paths that a Rust file mentions, and the names that it defines.

use super::mask::Masked;

/// The names of a crate that one file defines and uses.
#[derive(Debug, Default)]
pub struct Named {
    /// Items that it defines.
    pub defined: Vec<String>,
    /// Names that it imports with `use`: the name here, the path, and whether it only re-exports it
    /// (`pub use`).
    pub imports: Vec<Import>,
    /// Paths of two or more segments in its code, outside `use`.
    pub inline: Vec<Vec<String>>,
    /// Child modules that exist for tests only.
    pub test_modules: Vec<String>,
}

/// One name of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name here.
    pub name: String,
    /// The path that it comes from.
    pub path: Vec<String>,
    /// True if others may import it from here.
    pub is_handed_on: bool,
}

/// Keywords that an item's name follows.
const ITEMS: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];

impl Named {
    /// Reads a file, without its test-only parts.
    pub fn of(masked: &Masked) -> Self {
        let code: String = masked.code().map(|(_, line)| format!("{line}\n")).collect();
        let tokens = tokens(&code);
        let mut named = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            at = named.read(&tokens, at);
        }
        named
    }

    /// Reads the item that begins at a token; returns where the next begins.
    fn read(&mut self, tokens: &[&str], at: usize) -> usize {
        let word = tokens[at];
        if is_test_only(&tokens[at..]) {
            return self.skip_test_item(tokens, at);
        }
        if word == "use" {
            let end = end_of(tokens, at);
            let is_handed_on = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
            self.import(&tokens[at + 1..end], &[], is_handed_on);
            return end + 1;
        }
        if ITEMS.contains(&word)
            && let Some(name) = tokens[at + 1..].iter().find(|it| **it != "!")
        {
            self.defined.push((*name).to_owned());
            return at + 1;
        }
        let path = path_at(&tokens[at..]);
        if path.len() > 1 && (at == 0 || tokens[at - 1] != "::") {
            self.inline.push(path.iter().map(|it| (*it).to_owned()).collect());
            return at + 2 * path.len() - 1;
        }
        at + 1
    }

    /// Skips the item after `#[cfg(test)]`, and records a module's name.
    fn skip_test_item(&mut self, tokens: &[&str], at: usize) -> usize {
        let end = end_of(tokens, at + TEST_ONLY.len());
        let item = &tokens[at..end];
        if let Some(place) = item.iter().position(|it| *it == "mod")
            && let Some(name) = tokens.get(at + place + 1)
        {
            self.test_modules.push((*name).to_owned());
        }
        end + 1
    }

    /// Reads the names of one `use`, whose tokens may contain a group.
    fn import(&mut self, tokens: &[&str], before: &[&str], is_handed_on: bool) {
        let path: Vec<&str> = before.iter().copied().chain(path_at(tokens)).collect();
        let rest = &tokens[(2 * (path.len() - before.len())).saturating_sub(1).min(tokens.len())..];
        match rest {
            ["::", "{", inside @ .., "}"] => {
                for part in parts(inside) {
                    self.import(part, &path, is_handed_on);
                }
            }
            ["{", inside @ .., "}"] if path.is_empty() => {
                for part in parts(inside) {
                    self.import(part, &path, is_handed_on);
                }
            }
            ["::", "*", ..] => {}
            ["as", name, ..] => self.take(name, &path, is_handed_on),
            _ => {
                if let Some((last, module)) = path.split_last() {
                    // `use a::{self}` names the module itself.
                    let (name, whole) = if *last == "self" {
                        (module.last(), module)
                    } else {
                        (Some(last), &*path)
                    };
                    if let Some(name) = name {
                        self.take(name, whole, is_handed_on);
                    }
                }
            }
        }
    }

    fn take(&mut self, name: &str, path: &[&str], is_handed_on: bool) {
        let path = path.iter().map(|it| (*it).to_owned()).collect();
        self.imports.push(Import { name: name.to_owned(), path, is_handed_on });
    }
}

const TEST_ONLY: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn is_test_only(tokens: &[&str]) -> bool {
    tokens.starts_with(&TEST_ONLY)
}

/// The end of the item that begins at a token: its `;`, or the brace that closes it.
fn end_of(tokens: &[&str], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *token == "}" && tokens.get(at + 1) != Some(&";") {
                    return at;
                }
            }
            ";" if depth == 0 => return at,
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// The parts of a group, split at the commas of its own level.
fn parts<'a, 'b>(tokens: &'a [&'b str]) -> Vec<&'a [&'b str]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            match *token {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == ","
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// The segments of the path that begins here.
fn path_at<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut path = Vec::new();
    for pair in tokens.chunks(2) {
        if !is_name(pair[0]) || pair[0] == "as" {
            break;
        }
        path.push(pair[0]);
        if pair.get(1) != Some(&"::") {
            break;
        }
    }
    path
}

fn is_name(token: &str) -> bool {
    token.starts_with(|it: char| it.is_alphabetic() || it == '_')
}

/// Names, `::` and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let length = if is_word(first) {
            rest.find(|it| !is_word(it)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> Named {
        Named::of(&Masked::of(source))
    }

    fn imports(source: &str) -> Vec<(String, String, bool)> {
        let taken = named(source).imports.into_iter();
        taken.map(|it| (it.name, it.path.join("::"), it.is_handed_on)).collect()
    }

    #[test]
    fn groups_renames_and_hand_ons_are_read() {
        let source = "use a::{b, c::{self, D as E}};\npub(crate) use super::f::G;\nuse h::*;";
        let expected = [
            ("b", "a::b", false),
            ("c", "a::c", false),
            ("E", "a::c::D", false),
            ("G", "super::f::G", true),
        ];
        let expected = expected.map(|(name, path, on)| (name.to_owned(), path.to_owned(), on));
        assert_eq!(imports(source), expected);
    }

    #[test]
    fn items_and_inline_paths_are_read_and_tests_are_not() {
        let named = named(
            "struct A { b: u8 }\nfn c() { crate::d::e(f::g, h) }\n\
             #[cfg(test)]\nmod tests { use super::*; fn i() { j::k() } }\n\
             #[cfg(test)]\nmod samples;\nconst L: u8 = 1;",
        );
        assert_eq!(named.defined, ["A", "c", "L"]);
        assert_eq!(named.inline, [vec!["crate", "d", "e"], vec!["f", "g"]]);
        assert_eq!(named.test_modules, ["tests", "samples"]);
        assert_eq!(named.imports, []);
    }
}
