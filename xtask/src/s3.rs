//! An S3 server for the upload tests: a published one, built once into the target directory and
//! found there afterwards.

use std::path::PathBuf;

use crate::command::{Failure, cargo, root};
use crate::stage::succeed;

/// Environment variable with the path of the server's program, for tests; it overrides every other
/// place.
pub const PATH_VARIABLE: &str = "CARDBRIDGE_TEST_S3_SERVER";

const PACKAGE: &str = "s3s-fs";
/// Its dependencies are those of its own lock file.
const VERSION: &str = "0.14.1";

/// Finds the server, or builds it if it is missing.
pub fn server() -> Result<PathBuf, Failure> {
    if let Some(path) = find()? {
        return Ok(path);
    }
    install()?;
    find()?.ok_or_else(|| format!("{PACKAGE} was installed and still cannot be found"))
}

/// The server, if it is there.
pub fn find() -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = std::env::var_os(PATH_VARIABLE).map(PathBuf::from) {
        let missing = || format!("{PATH_VARIABLE} names no file: {}", path.display());
        return if path.is_file() { Ok(Some(path)) } else { Err(missing()) };
    }
    Ok(Some(directory().join("bin").join(PACKAGE)).filter(|path| path.is_file()))
}

/// The version is in the path, so a new one is built when it changes.
fn directory() -> PathBuf {
    root().join("target/tools").join(format!("{PACKAGE}-{VERSION}"))
}

/// Without optimisation and debug information, which builds fastest.
fn install() -> Result<(), Failure> {
    let mut install = cargo();
    install
        .args(["install", PACKAGE, "--version", VERSION, "--features", "binary"])
        .args(["--locked", "--debug", "--root"])
        .arg(directory())
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    succeed(&mut install)
}
