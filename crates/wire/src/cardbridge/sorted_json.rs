//! JSON with its keys in alphabetical order at every level, compact: the form of
//! webhook bodies (cardbridge-open-api.md section 9).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Writes `value` with sorted keys. Numbers keep their digits, because they do not pass through a
/// float.
///
/// # Errors
/// `value` cannot be written as JSON.
pub(crate) fn to_vec<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let sorted = sorted(&to_raw_value(value)?)?;
    Ok(sorted.get().as_bytes().to_vec())
}

fn sorted(json: &RawValue) -> serde_json::Result<Box<RawValue>> {
    match json.get().as_bytes().first() {
        Some(b'{') => {
            let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json.get())?;
            for value in fields.values_mut() {
                *value = sorted(value)?;
            }
            to_raw_value(&fields)
        }
        Some(b'[') => {
            let mut entries: Vec<Box<RawValue>> = serde_json::from_str(json.get())?;
            for value in &mut entries {
                *value = sorted(value)?;
            }
            to_raw_value(&entries)
        }
        _ => Ok(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_level_and_numbers_keep_their_digits() {
        let json = r#"{ "b": [ {"z":1.50, "y":null} ], "a": {"d":"{\"k\":1}", "c":true} }"#;
        let value: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(
            String::from_utf8(to_vec(&value).unwrap()).unwrap(),
            r#"{"a":{"c":true,"d":"{\"k\":1}"},"b":[{"y":null,"z":1.50}]}"#
        );
    }
}
