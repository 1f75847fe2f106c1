//! Fields that a JSON text holds more than once. Readers of both dialects take the last one, as
//! the real services do; whoever is strict refuses such a text, and everybody else logs it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Most fields that are named.
const MAX_NAMED: usize = 8;
/// Longest part of a name that is told.
const MAX_NAME_CHARS: usize = 64;

/// The fields that a JSON text has more than once, as paths without list positions
/// (`kycInfo.country`), at most eight. Names only, shortened and without control characters:
/// they are the caller's own text. What is no JSON has those that were met before that was seen.
#[must_use]
pub fn repeated_fields(json: &[u8]) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let mut text = serde_json::Deserializer::from_slice(json);
    // Whether it is JSON at all is for its reader to say.
    let _ = Scan { path: "", found: &found }.deserialize(&mut text);
    found.into_inner()
}

/// Goes through one value.
#[derive(Clone, Copy)]
struct Scan<'a> {
    path: &'a str,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let shown: String =
                name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
            let path = match self.path {
                "" => shown,
                outer => format!("{outer}.{shown}"),
            };
            map.next_value_seed(Scan { path: &path, ..self })?;
            if !seen.insert(name) {
                let mut found = self.found.borrow_mut();
                if found.len() < MAX_NAMED && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
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
        ] {
            assert_eq!(repeated_fields(json.as_bytes()), found, "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(repeated_fields(deep.as_bytes()).is_empty());
    }
}
