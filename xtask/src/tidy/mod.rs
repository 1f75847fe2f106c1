//! `cargo xtask tidy`: the rules of this repository that no other tool checks.
//!
//! Each rule is one file with a pure function from its input to its findings.

mod circles;
mod citations;
mod finding;
mod imports;
mod lock;
mod manifest;
mod mask;
mod named_files;
mod names;
mod paths;
mod size;
mod source;
mod spelling;
mod sql;
mod unfinished;
mod width;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::command::{Failure, cargo, root};
use crate::stage::output;

use citations::Specification;
use finding::Finding;
use mask::Masked;
use source::read;

/// Checks the repository and prints every finding.
pub fn run() -> Result<(), Failure> {
    let mut findings = check(&root())?;
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("tidy: {count} findings")),
    }
}

fn check(root: &Path) -> Result<Vec<Finding>, Failure> {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let packages = imports::packages(&metadata, root)?;
    let mut findings = imports::check(&packages);
    for package in &packages {
        findings.extend(manifest::lints_inherited(&package.manifest, &package.text));
    }
    if let Ok(map) = fs::read_to_string(root.join("ARCHITECTURE.md")) {
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        findings.extend(manifest::named_in_map(&names, &map));
    }
    findings.extend(lock::check(&read(root, "Cargo.lock")?));
    let prose = source::prose_files(root)?;
    let specification = Specification::read(root, &prose)?;
    let mut crates: BTreeMap<String, circles::Crate> = BTreeMap::new();
    for path in source::rust_files(root)? {
        let text = read(root, &path)?;
        let masked = Masked::of(&text);
        findings.extend(size::check(&path, &text));
        findings.extend(width::check(&path, &text, &masked));
        findings.extend(names::check(&path, &masked));
        findings.extend(sql::check(&path, &masked));
        findings.extend(unfinished::check(&path, &masked));
        findings.extend(spelling::rust(&path, &masked));
        findings.extend(specification.rust(&path, &masked));
        if let Some((name, below)) = path.split_once("/src/") {
            let named = paths::Named::of(&masked);
            crates.entry(name.to_owned()).or_default().add(&path, below, named);
        }
    }
    findings.extend(crates.values().flat_map(circles::Crate::check));
    for path in prose {
        let text = read(root, &path)?;
        findings.extend(spelling::prose(&path, &text));
        findings.extend(specification.text(&path, &text));
        findings.extend(named_files::check(&path, &text, |it| root.join(it).exists()));
    }
    for path in source::settings_files(root)? {
        findings.extend(specification.text(&path, &read(root, &path)?));
    }
    Ok(findings)
}
