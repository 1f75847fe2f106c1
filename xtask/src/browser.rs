//! A Chromium for the tests of the hosted pages: found, or installed on Debian and Ubuntu.

use std::path::{Path, PathBuf};

use crate::apt;
use crate::command::Failure;
use crate::hidden::unless_hidden;

/// Environment variable with Chromium's path, for tests; it overrides every other place.
pub const PATH_VARIABLE: &str = "CARDBRIDGE_TEST_CHROMIUM";

/// Set to 1: the finder sees nothing before installation, so installing can be tested.
const HIDE_VARIABLE: &str = "CARDBRIDGE_XTASK_HIDE_CHROMIUM";

/// Names of the program, on the PATH.
const PROGRAMS: [&str; 6] = [
    "chrome-headless-shell",
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Locations that are not on the PATH.
const PLAIN: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Packages that contain it, the smaller first.
const PACKAGES: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// Finds Chromium, and installs it if possible.
pub fn chromium() -> Result<PathBuf, Failure> {
    if let Some(path) = find()? {
        return Ok(path);
    }
    install()?;
    look()?.ok_or_else(|| "Chromium was installed and still cannot be found".to_owned())
}

/// Chromium, if it is there and not hidden.
pub fn find() -> Result<Option<PathBuf>, Failure> {
    unless_hidden(HIDE_VARIABLE, look)
}

fn look() -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = std::env::var_os(PATH_VARIABLE).map(PathBuf::from) {
        let missing = || format!("{PATH_VARIABLE} names no file: {}", path.display());
        return if path.is_file() { Ok(Some(path)) } else { Err(missing()) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let plain = PLAIN.iter().map(PathBuf::from).find(|path| path.is_file());
    Ok(first_program(&directories).or(plain))
}

/// The first of the names that is in any directory; the order of names takes precedence over that
/// of directories.
fn first_program(directories: &[PathBuf]) -> Option<PathBuf> {
    let in_directories = |program: &&str| {
        directories.iter().map(|directory| directory.join(program)).find(|path| is_usable(path))
    };
    PROGRAMS.iter().find_map(in_directories)
}

/// Ubuntu's packages are scripts that start a snap, which a container cannot run.
fn is_usable(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    let leads_to_snap = std::fs::read(&real).is_ok_and(|bytes| {
        bytes.len() < 16_384 && String::from_utf8_lossy(&bytes).contains("/snap/")
    });
    real.is_file() && !leads_to_snap
}

fn install() -> Result<(), Failure> {
    let missing = || {
        format!(
            "Chromium is missing: install it (Debian: `apt-get install chromium`, macOS: `brew \
             install --cask chromium`) or set {PATH_VARIABLE} to the program"
        )
    };
    if !apt::is_usable()? {
        return Err(missing());
    }
    apt::update()?;
    let installed = PACKAGES.iter().any(|package| apt::install(package).is_ok());
    if installed { Ok(()) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{PROGRAMS, first_program};

    fn fresh(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("xtask-browser-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path.canonicalize().unwrap()
    }

    #[test]
    fn the_smallest_program_is_taken_from_any_directory() {
        let directories = [fresh("first"), fresh("second")];
        assert_eq!(first_program(&directories), None);
        fs::write(directories[0].join("chromium"), "a program").unwrap();
        assert_eq!(first_program(&directories), Some(directories[0].join("chromium")));
        let smallest = directories[1].join(PROGRAMS[0]);
        fs::write(&smallest, "a program").unwrap();
        assert_eq!(first_program(&directories), Some(smallest));
        for directory in directories {
            fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_script_that_starts_a_snap_is_not_usable() {
        let directory = fresh("snap");
        fs::write(directory.join("chromium-browser"), "#!/bin/sh\nexec /snap/bin/chromium\n")
            .unwrap();
        assert_eq!(first_program(std::slice::from_ref(&directory)), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
