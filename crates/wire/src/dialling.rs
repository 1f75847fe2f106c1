//! The telephone codes of countries (ITU-T E.164).

use crate::country::{self, Country};

/// One row for each country of docs/spec/data/countries.tsv, tab-separated, with a header.
/// Countries that share a numbering plan share its code: with `1` and `7` the area code is part of
/// the number.
const TABLE: &str = include_str!("../../../docs/spec/data/dialling.tsv");

/// The digits that a country's numbers begin with after the `+`, `65`.
#[must_use]
pub fn code_of(country: Country) -> Option<&'static str> {
    let mut rows = TABLE.lines().skip(1).filter_map(|line| line.split_once('\t'));
    rows.find(|(alpha2, _)| *alpha2 == country.alpha2).map(|(_, code)| code.trim_end())
}

/// The digits before a national number, given a country's alpha-2 or alpha-3 code in either
/// case, or its dialling code with or without a `+` (cardbridge-open-api.md section 13, C11).
#[must_use]
pub fn parse(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(country) = country::parse(text) {
        return code_of(country);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    is_code(digits).then_some(digits)
}

/// Most digits of a dialling code (ITU-T E.164: 3, and 4 for `1` with an area code).
const MAX_CODE_DIGITS: usize = 4;

fn is_code(text: &str) -> bool {
    (1..=MAX_CODE_DIGITS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_code() {
        for country in country::all() {
            let code = code_of(country).unwrap();
            assert!(is_code(code) && code.len() <= 3, "{country:?} {code}");
        }
        assert_eq!(TABLE.lines().count(), 1 + country::all().count());
    }

    #[test]
    fn a_country_or_a_code_is_understood() {
        for (text, code) in [
            ("MY", "60"),
            ("mys", "60"),
            ("SG", "65"),
            ("CN", "86"),
            ("US", "1"),
            ("KZ", "7"),
            ("86", "86"),
            (" +86 ", "86"),
            ("1876", "1876"),
        ] {
            assert_eq!(parse(text), Some(code), "{text}");
        }
        for bad in ["", "+", "0", "086", "12345", "XX", "+MY", "8 6"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
