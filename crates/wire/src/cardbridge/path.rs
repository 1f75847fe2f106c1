//! The tolerance that unchanged clients need in the path (cardbridge-open-api.md
//! sections 1 and 6.2.4).

use std::borrow::Cow;

/// What every operation's path begins with.
pub const PREFIX: &str = "/open-api/";
/// What the path of a key's extraction begins with.
const EXTRACTION_PREFIX: &str = "/internal/open-api/";

/// Brings a raw request path to the one that routes know: repeated slashes collapse,
/// and one leading `/%7D` or `/}` segment goes (a stray brace after the host variable
/// of the official collection). Only where the rest begins with [`PREFIX`]; repeated slashes
/// collapse before the extraction of keys too (section 4). Any other path comes back as it was. Nothing is decoded.
#[must_use]
pub fn normalise(raw_path: &str) -> Cow<'_, str> {
    if raw_path.starts_with(PREFIX) && !raw_path.contains("//") {
        return Cow::Borrowed(raw_path);
    }
    let collapsed = collapse_slashes(raw_path);
    if collapsed.starts_with(EXTRACTION_PREFIX) {
        return Cow::Owned(collapsed);
    }
    let rest = without_stray_brace(&collapsed);
    if rest.starts_with(PREFIX) { Cow::Owned(rest.to_owned()) } else { Cow::Borrowed(raw_path) }
}

fn collapse_slashes(path: &str) -> String {
    let mut collapsed = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !collapsed.ends_with('/') {
            collapsed.push(c);
        }
    }
    collapsed
}

fn without_stray_brace(path: &str) -> &str {
    ["/%7D", "/%7d", "/}"]
        .iter()
        .find_map(|brace| path.strip_prefix(brace))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn what_official_clients_send_reaches_the_route() {
        for sent in [
            "/open-api/card/v1/terminate",
            "//open-api/card/v1/terminate",
            "/open-api//card///v1/terminate",
            "/%7D/open-api/card/v1/terminate",
            "/%7d/open-api/card/v1/terminate",
            "/}/open-api/card/v1/terminate",
            "//%7D//open-api/card/v1/terminate",
        ] {
            assert_eq!(normalise(sent), "/open-api/card/v1/terminate", "{sent}");
        }
    }

    #[test]
    fn nothing_else_changes() {
        for path in [
            "/",
            "//",
            "",
            "//internal/v1/secret-extract/x",
            "/%7D/internal/open-api/v1/secret-extract/x",
            "/%7D/%7D/open-api/card/v1/detail",
            "/%257D/open-api/card/v1/detail",
            "/%7D/admin//v1",
            "/%7Dopen-api/card/v1/detail",
            "/%2Fopen-api/card/v1/detail",
            "/open-api",
        ] {
            assert_eq!(normalise(path), path);
        }
    }

    #[test]
    fn a_code_appended_with_a_slash_too_many_reaches_the_extraction() {
        let path = "//internal/open-api/v1/secret-extract//x";
        assert_eq!(normalise(path), "/internal/open-api/v1/secret-extract/x");
    }

    #[test]
    fn nothing_is_decoded() {
        assert_eq!(normalise("//open-api/card%2Fv1/x"), "/open-api/card%2Fv1/x");
    }
}
