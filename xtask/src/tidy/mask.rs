//! Rust source split into code, strings and comments, line by line.

use std::iter::Peekable;
use std::str::Chars;

/// The same text four times; in each, the parts that belong to the others are blank. The contents
/// of raw strings are also among those of all strings.
#[derive(Default)]
pub struct Masked {
    code: String,
    strings: String,
    raw_strings: String,
    comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Text,
    RawText,
    Comment,
}

impl Masked {
    /// Splits `source`. It need not compile; an unclosed string runs to the end.
    pub fn of(source: &str) -> Self {
        let mut masked = Self::default();
        let mut rest = source.chars().peekable();
        let mut word = String::new();
        while let Some(character) = rest.next() {
            let next = rest.peek().copied();
            match character {
                '/' if next == Some('/') => masked.line_comment(&mut rest),
                '/' if next == Some('*') => masked.block_comment(&mut rest),
                '"' => masked.text(&mut rest, raw_marks(&word)),
                '\'' => masked.quote(&mut rest),
                _ => masked.push(character, Kind::Code),
            }
            // The prefix of a string: `r`, `br`, `r##` and so on.
            if character.is_alphanumeric() || matches!(character, '_' | '#') {
                word.push(character);
            } else {
                word.clear();
            }
        }
        masked
    }

    /// Code, with its line numbers from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code)
    }

    /// The contents of strings and characters, with their line numbers from 1.
    pub fn strings(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.strings)
    }

    /// The contents of raw strings, with their line numbers from 1.
    pub fn raw_strings(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.raw_strings)
    }

    /// Comments, with their line numbers from 1.
    pub fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.comments)
    }

    fn push(&mut self, character: char, kind: Kind) {
        let masks = [
            (kind == Kind::Code, &mut self.code),
            (matches!(kind, Kind::Text | Kind::RawText), &mut self.strings),
            (kind == Kind::RawText, &mut self.raw_strings),
            (kind == Kind::Comment, &mut self.comments),
        ];
        for (is_own, mask) in masks {
            mask.push(if is_own || character == '\n' { character } else { ' ' });
        }
    }

    fn line_comment(&mut self, rest: &mut Peekable<Chars<'_>>) {
        self.push('/', Kind::Comment);
        while let Some(character) = rest.next_if(|character| *character != '\n') {
            self.push(character, Kind::Comment);
        }
    }

    fn block_comment(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let mut depth = 1;
        self.push('/', Kind::Comment);
        rest.next();
        self.push('*', Kind::Comment);
        while depth > 0
            && let Some(character) = rest.next()
        {
            self.push(character, Kind::Comment);
            match (character, rest.peek()) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => continue,
            }
            if let Some(second) = rest.next() {
                self.push(second, Kind::Comment);
            }
        }
    }

    /// A string, from after its opening quote; `raw` is the number of `#` that close a raw one.
    fn text(&mut self, rest: &mut Peekable<Chars<'_>>, raw: Option<usize>) {
        let kind = if raw.is_some() { Kind::RawText } else { Kind::Text };
        self.push('"', Kind::Code);
        while let Some(character) = rest.next() {
            if character == '"' && raw.is_none_or(|marks| closes(rest.clone(), marks)) {
                self.push('"', Kind::Code);
                return;
            }
            self.push(character, kind);
            if character == '\\'
                && raw.is_none()
                && let Some(escaped) = rest.next()
            {
                self.push(escaped, kind);
            }
        }
    }

    /// A character literal, or the mark of a lifetime.
    fn quote(&mut self, rest: &mut Peekable<Chars<'_>>) {
        self.push('\'', Kind::Code);
        let mut ahead = rest.clone();
        let escaped = ahead.next() == Some('\\');
        if !escaped && ahead.next() != Some('\'') {
            return;
        }
        let mut first = true;
        while let Some(character) = rest.next() {
            if character == '\'' && !first {
                self.push('\'', Kind::Code);
                return;
            }
            first = false;
            self.push(character, Kind::Text);
            if character == '\\'
                && let Some(second) = rest.next()
            {
                self.push(second, Kind::Text);
            }
        }
    }
}

fn numbered(mask: &str) -> impl Iterator<Item = (usize, &str)> {
    mask.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The number of `#` of a raw string whose prefix is `word`.
fn raw_marks(word: &str) -> Option<usize> {
    let marks = word.chars().rev().take_while(|character| *character == '#').count();
    matches!(&word[..word.len() - marks], "r" | "br" | "cr").then_some(marks)
}

fn closes(rest: Peekable<Chars<'_>>, marks: usize) -> bool {
    rest.take(marks).filter(|character| *character == '#').count() == marks
}

#[cfg(test)]
mod tests {
    use super::Masked;

    fn split(source: &str) -> [String; 3] {
        let masked = Masked::of(source);
        assert_eq!(masked.code.chars().count(), source.chars().count(), "shape is kept");
        [&masked.code, &masked.strings, &masked.comments]
            .map(|mask| mask.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn code_strings_and_comments_are_separated() {
        let [code, strings, comments] = split("let a = \"in // it\"; // out \"x\"\nlet b;");
        assert_eq!(code, "let a = \" \"; let b;");
        assert_eq!(strings, "in // it");
        assert_eq!(comments, "// out \"x\"");
    }

    #[test]
    fn escapes_raw_strings_and_nested_comments_end_where_they_should() {
        assert_eq!(split(r#"f("a\"b", c)"#)[0], "f(\" \", c)");
        assert_eq!(split(r##"f(r#"a"b\"#, c)"##)[0], "f(r#\" \"#, c)");
        assert_eq!(split(r#"f(br"\", c)"#)[0], "f(br\" \", c)");
        assert_eq!(split("a /* b /* c */ d */ e")[0], "a e");
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(split("fn f<'a>(x: &'a str) {}")[0], "fn f<'a>(x: &'a str) {}");
        assert_eq!(split(r#"['"', '\'', 'x'] y"#)[0], "[' ', ' ', ' '] y");
    }

    #[test]
    fn lines_are_numbered_from_one() {
        let masked = Masked::of("a\n\"b\nc\" d");
        let lines: Vec<_> = masked.strings().map(|(line, text)| (line, text.trim())).collect();
        assert_eq!(lines, [(1, ""), (2, "b"), (3, "c")]);
    }
}
