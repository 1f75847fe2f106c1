//! Requirements on every crate: the workspace's lints, and an entry on the map.

use super::finding::Finding;

/// A finding if the manifest does not inherit the workspace's lints.
pub fn lints_inherited(path: &str, manifest: &str) -> Option<Finding> {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let inherited = lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.replace(' ', "") == "workspace=true");
    (!inherited).then(|| {
        Finding::new(path, 1, "no `[lints] workspace = true`: the lints are one law for all")
    })
}

/// Findings for crates that ARCHITECTURE.md does not name.
pub fn named_in_map(crates: &[&str], map: &str) -> Vec<Finding> {
    crates
        .iter()
        .filter(|name| !map.contains(&format!("`{name}`")))
        .map(|name| {
            let text = format!("crate `{name}` is not named, the map must be whole");
            Finding::new("ARCHITECTURE.md", 1, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{lints_inherited, named_in_map};

    #[test]
    fn lints_must_be_inherited() {
        let good = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(lints_inherited("a", good), None);
        for bad in ["[package]\nworkspace = true\n", "[lints]\n[dependencies]\nworkspace = true\n"]
        {
            assert!(lints_inherited("a", bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn every_crate_is_on_the_map() {
        let findings = named_in_map(&["store", "wire"], "| `store` | the only SQL |");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.contains("`wire`"));
    }
}
