//! Reads the OpenAPI documents as outsiders do: a public validator checks them, and a public client
//! generator must make a complete client from each. Tests check that the documents on file are
//! those that are served.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt;
use crate::command::{Failure, command, root};
use crate::stage::{output, succeed};

/// Environment variable that names a Python other than the one on the PATH.
const PYTHON_VARIABLE: &str = "CARDBRIDGE_TEST_PYTHON";
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

/// The directory of the tools, which are installed once for each list of versions.
fn tools() -> Result<PathBuf, Failure> {
    let place = root().join("target/tools").join(format!("openapi-{:08x}", checksum(TOOLS)));
    let complete = place.join("complete");
    if complete.is_file() {
        return Ok(place);
    }
    environment(&place)?;
    succeed(
        command(&place.join("bin/python").to_string_lossy())
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--requirement", TOOLS_FILE]),
    )?;
    fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
    Ok(place)
}

/// A separate Python environment; Debian and Ubuntu package the module that makes one separately.
fn environment(place: &Path) -> Result<(), Failure> {
    let program = std::env::var(PYTHON_VARIABLE).unwrap_or_else(|_| "python3".to_owned());
    let create =
        || output(command(&program).args(["-m", "venv", "--clear"]).arg(place)).map(|_| ());
    let Err(first) = create() else { return Ok(()) };
    let missing = format!(
        "Python 3 with its module venv is missing ({first}): install it (Debian and Ubuntu: \
         `apt-get install python3-venv`, macOS: `brew install python`) or set \
         {PYTHON_VARIABLE} to the program"
    );
    if !apt::is_usable()? {
        return Err(missing);
    }
    apt::update()?;
    apt::install("python3-venv")?;
    create().map_err(|_| missing)
}

/// FNV-1a: short, and different for a different list.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, checksum};

    #[test]
    fn another_list_of_versions_has_another_place() {
        assert_eq!(checksum(""), 0x811c_9dc5);
        assert_ne!(checksum(TOOLS), checksum(&TOOLS.replace("0.9.0", "0.9.1")));
    }

    #[test]
    fn every_package_has_one_version() {
        for line in TOOLS.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(line.split("==").count(), 2, "{line}");
        }
    }
}
