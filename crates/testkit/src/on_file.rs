//! Documents generated from the code, kept as files for readers of the repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Set to rewrite the files instead of comparing them.
const UPDATE_VARIABLE: &str = "CARDBRIDGE_UPDATE_OPENAPI";

/// A file below `docs`.
pub fn path(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name)
}

/// Fails if the file below `docs` holds anything else than `text`.
pub fn require(name: &str, text: &str) {
    let path = path(name);
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let on_file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(on_file == text, "docs/{name} is out of date; {UPDATE_VARIABLE}=1 rewrites it");
}

/// The same for a document.
pub fn require_document(name: &str, document: &Value) {
    require(&format!("openapi/{name}"), &format!("{document:#}\n"));
}
