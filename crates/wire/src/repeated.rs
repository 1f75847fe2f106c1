//! Fields that a JSON text holds more than once. Readers of both dialects take the last one, as
//! the real services do; the strict API refuses such a text, the others log it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, Visitor};

/// Most fields that are named.
const MAX_NAMED: usize = 8;
/// Longest part of a name that is reported.
const MAX_NAME_CHARS: usize = 64;
/// The digits of a name are masked if it has at least this many: a CVV2 has three.
const LEAST_MASKED_DIGITS: usize = 3;
/// Deepest level of nested objects and lists that is searched; no reader goes deeper.
const MAX_DEPTH: usize = 128;

/// The fields that a JSON text has more than once, as paths without list positions
/// (`kycInfo.country`), at most eight. Names are shortened and lose their control characters,
/// because they are the caller's own text. The scan looks only for the end of each value, so a
/// value that no reader accepts does not hide a field. A text that is not JSON is scanned all the
/// same.
#[must_use]
pub fn repeated_fields(json: &[u8]) -> Vec<String> {
    let mut scan = Scan::default();
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'{' => scan.open(Some(Object::default())),
            b'[' => scan.open(None),
            b'}' | b']' => scan.close(),
            b',' => scan.expect_name(),
            b'"' => {
                let (text, after) = split_text(after);
                rest = after;
                scan.text(text);
            }
            _ => {}
        }
        if scan.found.len() == MAX_NAMED {
            break;
        }
    }
    scan.found
}

/// The text before the closing quote, and the rest after that quote.
fn split_text(after_quote: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    for (index, byte) in after_quote.iter().enumerate() {
        match byte {
            b'"' if !is_escaped => return (&after_quote[..index], &after_quote[index + 1..]),
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    (after_quote, &[])
}

/// An object whose end is not reached yet.
struct Object<'a> {
    seen: HashSet<Cow<'a, [u8]>>,
    /// The field that is being read.
    name: Cow<'a, [u8]>,
    is_name_next: bool,
}

impl Default for Object<'_> {
    fn default() -> Self {
        Self { seen: HashSet::new(), name: Cow::default(), is_name_next: true }
    }
}

/// The place that the scan has reached, and the repeated fields found so far.
#[derive(Default)]
struct Scan<'a> {
    /// The objects (`None` for a list) around the place.
    outer: Vec<Option<Object<'a>>>,
    /// The number of open objects and lists inside them that are too deep to be searched.
    depth_beyond: usize,
    found: Vec<String>,
}

impl<'a> Scan<'a> {
    fn open(&mut self, object: Option<Object<'a>>) {
        if self.outer.len() < MAX_DEPTH {
            self.outer.push(object);
        } else {
            self.depth_beyond += 1;
        }
    }

    fn close(&mut self) {
        if self.depth_beyond > 0 {
            self.depth_beyond -= 1;
        } else {
            self.outer.pop();
        }
    }

    /// The object around the place; `None` in a list or too deep.
    fn object(&mut self) -> Option<&mut Object<'a>> {
        self.outer.last_mut().filter(|_| self.depth_beyond == 0)?.as_mut()
    }

    fn expect_name(&mut self) {
        if let Some(object) = self.object() {
            object.is_name_next = true;
        }
    }

    fn text(&mut self, text: &'a [u8]) {
        let Some(object) = self.object().filter(|object| object.is_name_next) else { return };
        object.is_name_next = false;
        object.name = unescaped(text);
        if !object.seen.insert(object.name.clone()) {
            let path = self.path();
            if !self.found.contains(&path) {
                self.found.push(path);
            }
        }
    }

    /// The names of the fields that lead to the place.
    fn path(&self) -> String {
        let names = self.outer.iter().flatten().map(|object| shown(&object.name));
        names.collect::<Vec<_>>().join(".")
    }
}

/// A name in a form that may be reported: digits could be a card number or a code.
fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let mut shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    if shown.chars().filter(char::is_ascii_digit).count() >= LEAST_MASKED_DIGITS {
        shown = shown.replace(|c: char| c.is_ascii_digit(), "*");
    }
    shown
}

/// The bytes that a text stands for; unchanged if it is not a text. Bytes and not characters,
/// since an escape may stand for half of a surrogate pair.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let quoted = [b"\"", text, b"\""].concat();
    let mut reader = serde_json::Deserializer::from_slice(&quoted);
    reader.deserialize_bytes(Bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_found_at_every_depth_and_values_are_not_told() {
        for (json, found) in [
            (r#"{"a":1,"b":{"a":1.5,"c":[{"a":true},{"a":null}]}}"#, &[][..]),
            (r#"{"a":1,"a":"secret"}"#, &["a"]),
            (r#"{"a":1,"\u0061":2}"#, &["a"]),
            (r#"{"a":{"b":1,"b":2},"c":[{"d":1,"d":2}],"a":3,"a":4}"#, &["a.b", "c.d", "a"]),
            (r#"{"a":1,"a":2"#, &["a"]),
            ("[1,-2]", &[]),
            ("no JSON", &[]),
            ("\"a\\", &[]),
            ("}]\"", &[]),
        ] {
            assert_eq!(repeated_fields(json.as_bytes()), found, "{json}");
        }
    }

    #[test]
    fn what_stands_in_a_text_is_no_field() {
        for json in [
            r#"{"a":"{\"a\":1,","b":"a"}"#,
            r#"{"a":"\\","b":",\"a\":1"}"#,
            r#"{"a":["a","a",{"a":"a"}],"b":["b"]}"#,
            r#"["a","a"]"#,
            r#"{"\\":1,"\"":2,"a\\":3,"a\"":4}"#,
        ] {
            assert_eq!(repeated_fields(json.as_bytes()), [""; 0], "{json}");
        }
        assert_eq!(repeated_fields(br#"{"a":"\\","b":"\"","a":1}"#), ["a"]);
    }

    #[test]
    fn a_name_that_may_be_a_number_is_masked() {
        for (name, told) in [
            ("4000970032737344", "****************"),
            ("x4000-9700", "x****-****"),
            ("042", "***"),
            ("address_line_1", "address_line_1"),
        ] {
            let json = format!(r#"{{"{name}":1,"{name}":2}}"#);
            assert_eq!(repeated_fields(json.as_bytes()), [told], "{name}");
        }
    }

    #[test]
    fn no_value_hides_a_field_that_is_given_twice() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        for value in ["1e999", "-1e-999", r#""\ud800""#, &deep] {
            let json = format!(r#"{{"a":{value},"b":{{"c":{value},"c":1}},"a":"50.00"}}"#);
            assert_eq!(repeated_fields(json.as_bytes()), ["b.c", "a"], "{value}");
        }
        assert_eq!(
            repeated_fields(br#"{"\ud800":1,"\uD800":2,"\ud801":3}"#),
            ["\u{fffd}".repeat(3)]
        );
    }

    #[test]
    fn the_cost_is_bounded_by_the_length_of_the_text() {
        // A scan that went through the rest once for each level, or wrote a path for each field,
        // would take hours.
        let levels = 1_000_000;
        let deep = format!("{}{}", r#"{"a":["#.repeat(levels), "]}".repeat(levels));
        assert_eq!(repeated_fields(deep.as_bytes()), [""; 0]);
        let long = "n".repeat(10_000);
        let outer = format!(r#"{{"{long}":"#).repeat(100);
        let fields: String = (0..1_000_000).map(|index| format!(r#""{index}":1,"#)).collect();
        let wide = format!(r#"{outer}{{{fields}"0":2}}{}"#, "}".repeat(100));
        assert_eq!(repeated_fields(wide.as_bytes()).len(), 1);
        let all_twice: String =
            (0..1_000).map(|index| format!(r#""{index}":1,"{index}":2,"#)).collect();
        assert_eq!(repeated_fields(format!("{{{all_twice}").as_bytes()).len(), MAX_NAMED);
        let of_names = format!(r#"{{"{long}":1,"{long}":2}}"#);
        assert_eq!(repeated_fields(of_names.as_bytes()), ["n".repeat(MAX_NAME_CHARS)]);
    }
}
