//! Reads the OpenAPI documents as outsiders do: a public validator checks them, and a public client
//! generator must make a complete client from each. Tests check that the documents on file are
//! those that are served.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, command, root};
use crate::python;
use crate::stage::succeed;

/// Packages and their versions, in pip's format.
const TOOLS: &str = include_str!("../data/openapi-tools.txt");
const TOOLS_FILE: &str = "xtask/data/openapi-tools.txt";
const DOCUMENTS: &str = "docs/openapi";
/// Imports every module of the package in the working directory; together they use everything in
/// the document.
const IMPORT_ALL: &str = "import importlib, pkgutil, client\n\
    for module in pkgutil.walk_packages(client.__path__, 'client.'):\n    \
    importlib.import_module(module.name)";

/// Checks every document on file, and makes and loads a client for each.
pub fn check() -> Result<(), Failure> {
    let tools = tools()?;
    let mut documents: Vec<PathBuf> = fs::read_dir(root().join(DOCUMENTS))
        .map_err(|error| format!("{DOCUMENTS} cannot be read: {error}"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    documents.sort_unstable();
    if documents.is_empty() {
        return Err(format!("{DOCUMENTS} holds no document"));
    }
    documents.iter().try_for_each(|document| {
        judge(&tools, document).map_err(|failure| format!("{}: {failure}", document.display()))
    })
}

fn judge(tools: &Path, document: &Path) -> Result<(), Failure> {
    let python = tools.join("bin/python");
    let python = python.to_string_lossy();
    succeed(command(&python).args(["-m", "openapi_spec_validator"]).arg(document))?;
    let place = tools.join("clients").join(document.file_stem().unwrap_or_default());
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    // The generator formats with a program that is in the same directory.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([tools.join("bin")].into_iter().chain(std::env::split_paths(&path)));
    let path = path.map_err(|error| format!("the PATH cannot be extended: {error}"))?;
    let maker = tools.join("bin/openapi-python-client");
    succeed(
        command(&maker.to_string_lossy())
            .args(["generate", "--meta", "none", "--overwrite", "--fail-on-warning", "--path"])
            .arg(document)
            .arg("--output-path")
            .arg(place.join("client"))
            .env("PATH", path),
    )?;
    succeed(command(&python).current_dir(&place).args(["-c", IMPORT_ALL]))
}

/// The directory of the tools.
fn tools() -> Result<PathBuf, Failure> {
    python::tools("openapi", TOOLS, TOOLS_FILE)
}
