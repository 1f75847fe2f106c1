//! Debian and Ubuntu packages, for programs that are not installed.

use crate::command::{Failure, command};
use crate::stage::{output, succeed};

/// Seconds that `apt-get` waits for another instance to finish.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";

/// True if packages can be installed here: as root, with `apt-get`.
pub fn is_usable() -> Result<bool, Failure> {
    let is_root = output(command("id").arg("-u"))?.trim() == "0";
    Ok(is_root && output(command("apt-get").arg("--version")).is_ok())
}

/// Fetches the package lists.
pub fn update() -> Result<(), Failure> {
    run(&["update"])
}

/// Installs a package with only the dependencies it needs.
pub fn install(package: &str) -> Result<(), Failure> {
    run(&["install", "-y", "--no-install-recommends", package])
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    let mut apt = command("apt-get");
    apt.args(["-o", LOCK_TIMEOUT]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    succeed(&mut apt)
}
