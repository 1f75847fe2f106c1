//! The imports that each crate may have.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::finding::Finding;
use crate::command::Failure;

/// The other crates that a crate may import.
enum May {
    Import(&'static [&'static str]),
    /// Any crate except the binary, which nobody imports.
    ImportAny,
}

use May::{Import, ImportAny};

/// The binary, which nobody imports, not even a test.
const BINARY: &str = "cardbridge";

/// The whole table. Development dependencies are unrestricted, so a test may use more.
const TABLE: [(&str, May); 31] = [
    ("domain", Import(&[])),
    ("crypto", Import(&["domain"])),
    ("ledger", Import(&["domain"])),
    ("outbound", Import(&["domain", "crypto"])),
    ("schedule", Import(&["domain", "store"])),
    ("wire", Import(&["domain", "crypto"])),
    ("iso8583", Import(&["domain", "crypto"])),
    ("vault", Import(&["domain", "crypto"])),
    ("store", Import(&["domain", "ledger"])),
    ("files", Import(&["domain", "vault"])),
    (
        "authorise",
        Import(&["domain", "ledger", "store", "vault", "wire", "outbound", "crypto", "schedule"]),
    ),
    ("cards", Import(&["domain", "ledger", "store", "vault", "wire", "crypto", "schedule"])),
    ("webhooks", Import(&["domain", "store", "vault", "wire", "outbound", "schedule"])),
    ("feed", Import(&["store"])),
    ("mail", Import(&["domain", "crypto"])),
    ("reconciliation", Import(&["domain", "store", "wire", "crypto", "schedule"])),
    ("retention", Import(&["domain", "store", "crypto", "schedule", "files", "outbound"])),
    ("scheme", Import(&["domain", "crypto", "vault", "authorise", "store", "wire", "iso8583"])),
    ("provision", Import(&["domain", "crypto", "store", "vault"])),
    ("listener", Import(&["domain", "store"])),
    ("described", Import(&["domain", "wire"])),
    (
        "admin_api",
        Import(&[
            "listener",
            "described",
            "provision",
            "domain",
            "crypto",
            "wire",
            "authorise",
            "cards",
            "files",
            "iso8583",
            "scheme",
            "store",
            "vault",
            "mail",
            "reconciliation",
            "schedule",
            "outbound",
            "ledger",
        ]),
    ),
    (
        "vm_api",
        Import(&["domain", "crypto", "wire", "store", "vault", "cards", "listener", "described"]),
    ),
    (
        "cardbridge_api",
        Import(&[
            "listener",
            "described",
            "provision",
            "domain",
            "crypto",
            "wire",
            "authorise",
            "cards",
            "files",
            "scheme",
            "store",
            "vault",
            "mail",
            "reconciliation",
        ]),
    ),
    (
        "platform",
        Import(&[
            "domain",
            "crypto",
            "wire",
            "vault",
            "files",
            "store",
            "outbound",
            "schedule",
            "authorise",
            "cards",
            "webhooks",
            "feed",
            "mail",
            "reconciliation",
            "retention",
            "scheme",
            "provision",
            "iso8583",
            "listener",
            "admin_api",
            "vm_api",
            "cardbridge_api",
        ]),
    ),
    ("sdk", Import(&["domain", "crypto", "wire"])),
    ("sim", Import(&["domain", "wire", "sdk", "scheme", "crypto", "iso8583"])),
    (BINARY, ImportAny),
    ("bench", ImportAny),
    ("testkit", ImportAny),
    ("xtask", Import(&[])),
];

/// One crate of the workspace.
pub struct Package {
    /// Name of the crate.
    pub name: String,
    /// Path of its manifest from the root.
    pub manifest: String,
    /// Text of its manifest.
    pub text: String,
    /// Its dependencies: the name, and true if only tests see it.
    dependencies: Vec<(String, bool)>,
}

/// The crates that `cargo metadata --no-deps` lists.
pub fn packages(metadata: &str, root: &Path) -> Result<Vec<Package>, Failure> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let listed = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    listed.iter().map(|package| parse(package, root)).collect()
}

fn parse(package: &Value, root: &Path) -> Result<Package, Failure> {
    let path = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let listed = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let dependencies = listed
        .iter()
        .filter_map(|dependency| {
            Some((dependency["name"].as_str()?.to_owned(), dependency["kind"] == "dev"))
        })
        .collect();
    Ok(Package {
        name: package["name"].as_str().unwrap_or_default().to_owned(),
        manifest: path.strip_prefix(root).unwrap_or(path).display().to_string(),
        text,
        dependencies,
    })
}

/// Findings for every import that the table does not list.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    packages.iter().flat_map(|package| check_one(package, &ours)).collect()
}

fn check_one(package: &Package, ours: &[&str]) -> Vec<Finding> {
    let name = package.name.as_str();
    let Some((_, may)) = TABLE.iter().find(|(listed, _)| *listed == name) else {
        let text = format!("crate `{name}` is not in the import table of xtask, add its row");
        return vec![Finding::new(&package.manifest, 1, text)];
    };
    let mut findings = Vec::new();
    for (imported, only_tests) in &package.dependencies {
        let imported = imported.as_str();
        let permitted = match may {
            _ if imported == BINARY => false,
            _ if *only_tests || !ours.contains(&imported) => true,
            ImportAny => true,
            Import(listed) => listed.contains(&imported),
        };
        if !permitted {
            let line = line_of(&package.text, imported);
            let text = format!("`{name}` imports `{imported}`, which its row does not list");
            findings.push(Finding::new(&package.manifest, line, text));
        }
    }
    findings
}

fn line_of(manifest: &str, dependency: &str) -> usize {
    let declares = |line: &str| {
        let name = line.split(['=', '.']).next().unwrap_or_default();
        name.trim() == dependency
    };
    manifest.lines().position(declares).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::{Package, check};

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let text: String = dependencies
            .iter()
            .map(|(name, _)| format!("{name} = {{ workspace = true }}\n"))
            .collect();
        Package {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            text: format!("[dependencies]\n{text}"),
            dependencies: dependencies.iter().map(|(n, dev)| ((*n).to_owned(), *dev)).collect(),
        }
    }

    fn findings(of: Package) -> Vec<String> {
        let others = ["domain", "store", "vm_api", "cardbridge"].map(|name| package(name, &[]));
        let mut packages = vec![of];
        packages.extend(others);
        check(&packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn listed_imports_foreign_crates_and_test_imports_are_free() {
        let good = package("webhooks", &[("domain", false), ("store", false), ("serde", false)]);
        assert_eq!(findings(good), Vec::<String>::new());
        assert_eq!(findings(package("ledger", &[("vm_api", true)])), Vec::<String>::new());
        assert_eq!(findings(package("bench", &[("vm_api", false)])), Vec::<String>::new());
    }

    #[test]
    fn an_unlisted_import_is_found_with_its_line() {
        let found = findings(package("ledger", &[("domain", false), ("store", false)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/ledger/Cargo.toml:3: `ledger` imports `store`"));
    }

    #[test]
    fn nobody_imports_the_binary_not_even_a_test() {
        assert_eq!(findings(package("bench", &[("cardbridge", false)])).len(), 1);
        assert_eq!(findings(package("vm_api", &[("cardbridge", true)])).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(findings(package("stranger", &[])).len(), 1);
    }
}
