//! Packages of Debian and Ubuntu, for what is not installed.

use crate::command::{Failure, command};
use crate::stage::{output, succeed};

/// Seconds that `apt-get` waits for another one to finish.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";

/// Whether packages can be installed here: as root, with `apt-get`.
pub fn is_usable() -> Result<bool, Failure> {
    let is_root = output(command("id").arg("-u"))?.trim() == "0";
    Ok(is_root && output(command("apt-get").arg("--version")).is_ok())
}

/// Fetches the lists of packages.
pub fn update() -> Result<(), Failure> {
    run(&["update"])
}

/// Installs a package and no more than it needs.
pub fn install(package: &str) -> Result<(), Failure> {
    run(&["install", "-y", "--no-install-recommends", package])
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    let mut apt = command("apt-get");
    apt.args(["-o", LOCK_TIMEOUT]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    succeed(&mut apt)
}
