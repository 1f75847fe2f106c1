//! Python packages of pinned versions, each list in an environment of its own below `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt;
use crate::command::{Failure, command, root};
use crate::postgres::as_account;
use crate::stage::{output, succeed};

/// Environment variable that names a Python other than the one on the PATH.
const PYTHON_VARIABLE: &str = "CARDBRIDGE_TEST_PYTHON";
/// Environment variable that tells the tests which Python has a codec of ISO 8583.
pub const ISO8583_VARIABLE: &str = "CARDBRIDGE_TEST_ISO_PYTHON";
/// That codec and its version, in pip's format.
const ISO8583: &str = include_str!("../data/iso8583-tools.txt");
const ISO8583_FILE: &str = "xtask/data/iso8583-tools.txt";
/// Environment variable that tells the tests which Python has Patroni.
pub const PATRONI_VARIABLE: &str = "CARDBRIDGE_TEST_PATRONI_PYTHON";
/// Patroni and its version, in pip's format.
const PATRONI: &str = include_str!("../data/patroni-tools.txt");
const PATRONI_FILE: &str = "xtask/data/patroni-tools.txt";
/// Prints the path of the Python that runs it.
const OWN_PATH: &str = "import sys; print(sys.executable)";

/// The Python that has a codec of ISO 8583, which is installed in a few seconds.
pub fn with_iso8583() -> Result<PathBuf, Failure> {
    tools("iso8583", ISO8583, ISO8583_FILE).map(|place| place.join("bin/python"))
}

/// The Python that has Patroni, run by the account that runs PostgreSQL. The Python of this account
/// may be one that the other cannot read.
pub fn with_patroni() -> Result<PathBuf, Failure> {
    let find = || output(&mut as_account(&["python3", "-c", OWN_PATH])?);
    let program = match find() {
        Ok(program) => program,
        Err(_) => {
            apt::update()?;
            apt::install("python3")?;
            find()?
        }
    };
    let place = tools_of(program.trim(), "patroni", PATRONI, PATRONI_FILE)?;
    let python = place.join("bin/python");
    let version =
        output(&mut as_account(&[&python.to_string_lossy(), "-m", "patroni", "--version"])?);
    version.map(|_| python).map_err(|failure| {
        format!("the account that runs PostgreSQL cannot run Patroni: {failure}")
    })
}

/// The directory of the packages of a list, which are installed once for each list of versions.
/// `file` is where the list stands, for pip.
pub fn tools(name: &str, list: &str, file: &str) -> Result<PathBuf, Failure> {
    let program = std::env::var(PYTHON_VARIABLE).unwrap_or_else(|_| "python3".to_owned());
    tools_of(&program, name, list, file)
}

/// As [`tools`], with this Python.
fn tools_of(program: &str, name: &str, list: &str, file: &str) -> Result<PathBuf, Failure> {
    let place = root().join("target/tools").join(format!("{name}-{:08x}", checksum(list)));
    let complete = place.join("complete");
    if complete.is_file() {
        return Ok(place);
    }
    environment(program, &place)?;
    succeed(
        command(&place.join("bin/python").to_string_lossy())
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--requirement", file]),
    )?;
    fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
    Ok(place)
}

/// A separate Python environment; Debian and Ubuntu package the module that makes one separately.
fn environment(program: &str, place: &Path) -> Result<(), Failure> {
    let create = || output(command(program).args(["-m", "venv", "--clear"]).arg(place)).map(|_| ());
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
    use super::{ISO8583, PATRONI, checksum};

    const LISTS: [&str; 3] = [include_str!("../data/openapi-tools.txt"), ISO8583, PATRONI];

    #[test]
    fn another_list_of_versions_has_another_place() {
        assert_eq!(checksum(""), 0x811c_9dc5);
        let [openapi, iso8583, patroni] = LISTS;
        assert_ne!(checksum(openapi), checksum(&openapi.replace("0.9.0", "0.9.1")));
        assert_ne!(checksum(openapi), checksum(iso8583));
        assert_ne!(checksum(patroni), checksum(iso8583));
    }

    #[test]
    fn every_package_has_one_version() {
        for line in LISTS.iter().flat_map(|list| list.lines()) {
            assert!(line.starts_with('#') || line.split("==").count() == 2, "{line}");
        }
    }
}
