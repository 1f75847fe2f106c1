//! The tolerance that unchanged clients need in the path (cardbridge-open-api.md
//! sections 1 and 6.2.4).

use std::borrow::Cow;

/// The prefix of every operation's path.
pub const PREFIX: &str = "/open-api/";

/// Brings a raw request path into the form that routes know. Repeated slashes collapse, since
/// clients of both dialects put a base address with a trailing slash before a path with a leading
/// one. One leading `/%7D` or `/}` segment is dropped if the rest begins with [`PREFIX`]: a stray
/// brace after the host variable of the official collection. Nothing is decoded.
#[must_use]
pub fn normalise(raw_path: &str) -> Cow<'_, str> {
    let collapsed = if raw_path.contains("//") {
        Cow::Owned(collapse_slashes(raw_path))
    } else {
        Cow::Borrowed(raw_path)
    };
    let rest = without_stray_brace(&collapsed);
    let is_stray = rest.len() < collapsed.len() && rest.starts_with(PREFIX);
    if is_stray { Cow::Owned(rest.to_owned()) } else { collapsed }
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
            "",
            "/%7D/internal/open-api/v1/secret-extract/x",
            "/%7D/%7D/open-api/card/v1/detail",
            "/%257D/open-api/card/v1/detail",
            "/%7D/admin/v1",
            "/%7Dopen-api/card/v1/detail",
            "/%2Fopen-api/card/v1/detail",
            "/open-api",
        ] {
            assert_eq!(normalise(path), path);
        }
    }

    #[test]
    fn repeated_slashes_count_as_one_on_every_path() {
        for (sent, path) in [
            ("//", "/"),
            ("//getAccessToken", "/getAccessToken"),
            ("///createCard", "/createCard"),
            ("//internal/open-api/v1/secret-extract//x", "/internal/open-api/v1/secret-extract/x"),
        ] {
            assert_eq!(normalise(sent), path, "{sent}");
        }
    }

    #[test]
    fn nothing_is_decoded() {
        assert_eq!(normalise("//open-api/card%2Fv1/x"), "/open-api/card%2Fv1/x");
    }
}
