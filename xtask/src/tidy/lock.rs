//! Dependencies that must not be added, not even indirectly.

use super::finding::Finding;

/// Name and reason.
const REFUSED: [(&str, &str); 7] = [
    ("rsa", "its timing reveals the key (RUSTSEC-2023-0071): RSA is openssl's, in `crypto`"),
    ("sea-orm", "SQL is written by hand in `store`, for two engines at once"),
    ("sqlx", "`Any` loses types: the drivers are rusqlite and tokio-postgres"),
    ("sqlx-core", "`Any` loses types: the drivers are rusqlite and tokio-postgres"),
    ("native-tls", "TLS out is rustls, TLS to PostgreSQL is openssl: there is no third"),
    ("aws-lc-rs", "openssl is built already: one cryptography library"),
    ("diesel", "SQL is written by hand in `store`, for two engines at once"),
];

/// Findings for refused packages in the text of `Cargo.lock`.
pub fn check(lock: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in lock.lines().enumerate() {
        let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'))
        else {
            continue;
        };
        if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            let text = format!("`{name}` must not be a dependency: {reason}");
            findings.push(Finding::new("Cargo.lock", index + 1, text));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{REFUSED, check};

    #[test]
    fn the_list_is_the_one_of_cargo_deny() {
        let deny = std::fs::read_to_string(crate::command::root().join("deny.toml")).unwrap();
        let entries = deny.lines().filter(|line| line.trim().starts_with("{ crate = ")).count();
        assert_eq!(entries, REFUSED.len());
        for (name, reason) in REFUSED {
            let entry = format!("{{ crate = \"{name}\", reason = \"{reason}\" }}");
            assert!(deny.contains(&entry), "{entry}");
        }
    }

    #[test]
    fn a_refused_package_is_found_and_its_namesakes_are_not() {
        let lock = "[[package]]\nname = \"rsa-keys\"\n\n[[package]]\nname = \"rsa\"\n\
                    dependencies = [\n \"sqlx\",\n]\n";
        let findings = check(lock);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().starts_with("Cargo.lock:5: `rsa`"));
    }
}
