//! Countries by ISO 3166: alpha-2, alpha-3 and numeric codes.

use std::sync::LazyLock;

/// The 249 rows of ISO 3166-1 that dialect 1 publishes, tab-separated, with a header.
const TABLE: &str = include_str!("../../../docs/spec/data/countries.tsv");

/// One country's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// Two letters, `SG`.
    pub alpha2: &'static str,
    /// Three letters, `SGP`.
    pub alpha3: &'static str,
    /// Three digits, `702`.
    pub numeric: &'static str,
}

/// Its rows. Every purchase names a country, so they are read once.
static ROWS: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (alpha2, rest) = line.split_once('\t')?;
        let (alpha3, numeric) = rest.split_once('\t')?;
        Some(Country { alpha2, alpha3, numeric: numeric.trim_end() })
    };
    TABLE.lines().skip(1).filter_map(row).collect()
});

/// Every country, in the order of the published table.
pub fn all() -> impl Iterator<Item = Country> {
    ROWS.iter().copied()
}

/// The country that an alpha-2 or alpha-3 code names, in either case
/// (cardbridge-open-api.md section 1, server rules).
#[must_use]
pub fn parse(code: &str) -> Option<Country> {
    all().find(|c| c.alpha2.eq_ignore_ascii_case(code) || c.alpha3.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_249_well_formed_rows() {
        let rows: Vec<_> = all().collect();
        assert_eq!(rows.len(), 249);
        for row in rows {
            let lengths = (row.alpha2.len(), row.alpha3.len(), row.numeric.len());
            assert_eq!(lengths, (2, 3, 3), "{row:?}");
        }
    }

    #[test]
    fn both_codes_name_one_country() {
        assert_eq!(parse("MYS"), parse("MY"));
        assert_eq!(parse("sg").map(|c| c.alpha2), Some("SG"));
        for bad in ["", "S", "86", "702", "XX", "SGPX", "S G"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
