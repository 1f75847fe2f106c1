//! Finds and reads the files that the tidy rules check.

use std::fs;
use std::path::Path;

use crate::command::Failure;

/// How many levels below a starting directory are searched; anything deeper is skipped without an
/// error.
const MAX_DEPTH: usize = 12;

/// Every Rust file of this repository, as paths from the root.
pub fn rust_files(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for directory in ["crates", "xtask"] {
        collect(root, directory, "rs", 0, &mut found)?;
    }
    Ok(found)
}

/// Every Markdown file in the root and under `crates`, `xtask` and `docs`, as paths from the root.
pub fn prose_files(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let entries = fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            found.push(name);
        }
    }
    for directory in ["crates", "xtask", "docs"] {
        collect(root, directory, "md", 0, &mut found)?;
    }
    Ok(found)
}

/// Every TOML file under `crates` and `xtask`, as paths from the root.
pub fn settings_files(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for directory in ["crates", "xtask"] {
        collect(root, directory, "toml", 0, &mut found)?;
    }
    Ok(found)
}

/// The text of a file, by its path from the root.
pub fn read(root: &Path, path: &str) -> Result<String, Failure> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
}

fn collect(
    root: &Path,
    directory: &str,
    extension: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), Failure> {
    let path = root.join(directory);
    if depth > MAX_DEPTH || !path.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(&path).map_err(|error| format!("{directory}: {error}"))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let below = format!("{directory}/{name}");
        if entry.path().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &below, extension, depth + 1, found)?;
            }
        } else if name.rsplit_once('.').is_some_and(|(_, ending)| ending == extension) {
            found.push(below);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{prose_files, rust_files};

    #[test]
    fn our_own_files_are_found_by_their_path_from_the_root() {
        let root = crate::command::root();
        let rust = rust_files(&root).unwrap();
        assert!(rust.contains(&"xtask/src/tidy/source.rs".to_owned()), "{rust:?}");
        assert!(rust.iter().any(|path| path.starts_with("crates/domain/src/")));
        assert!(prose_files(&root).unwrap().iter().all(|path| path.ends_with(".md")));
    }
}
