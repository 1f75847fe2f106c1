//! Debian and Ubuntu packages, for programs that are not installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::command::{Failure, command};
use crate::stage::{output, succeed};

/// Seconds that `apt-get` waits for another instance to finish.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";

/// The program that is asked whether an installed service may start.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";
/// Its answer is no.
const NO_SERVICE: &str = "#!/bin/sh\nexit 101\n";

/// Keeps the services of packages from being started at their installation, until it is dropped. A
/// policy that the machine has already stays as it is.
pub struct NoServices {
    /// The policy, if it is ours.
    policy: Option<PathBuf>,
}

impl NoServices {
    pub fn new() -> Result<Self, Failure> {
        Self::by(Path::new(SERVICE_POLICY))
    }

    fn by(policy: &Path) -> Result<Self, Failure> {
        if policy.exists() {
            return Ok(Self { policy: None });
        }
        fs::write(policy, NO_SERVICE)
            .and_then(|()| fs::set_permissions(policy, fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{}: {error}", policy.display()))?;
        Ok(Self { policy: Some(policy.to_owned()) })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(policy) = &self.policy
            && let Err(error) = fs::remove_file(policy)
        {
            eprintln!("{} could not be removed: {error}", policy.display());
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::NoServices;

    #[test]
    fn no_service_starts_until_the_end_and_a_policy_of_the_machine_stays() {
        let policy = std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id()));
        let stopped = NoServices::by(&policy).unwrap();
        assert_eq!(Command::new(&policy).status().unwrap().code(), Some(101));
        drop(NoServices::by(&policy).unwrap());
        assert!(policy.exists(), "it was there before");
        drop(stopped);
        assert!(!policy.exists());
        fs::write(&policy, "theirs").unwrap();
        drop(NoServices::by(&policy).unwrap());
        assert_eq!(fs::read_to_string(&policy).unwrap(), "theirs");
        fs::remove_file(&policy).unwrap();
    }
}
