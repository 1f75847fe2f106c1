//! The programs that run the examples and the README's commands in the tests: found on the PATH, or
//! installed on Debian and Ubuntu.

use crate::apt;
use crate::command::{Failure, command};
use crate::stage::output;

/// A program on the PATH and the package that contains it.
struct Needed {
    program: &'static str,
    /// Arguments of a run that ends by itself.
    arguments: &'static [&'static str],
    /// The output that the run must print for the program to be suitable.
    writes: &'static str,
    /// The lowest number that may follow that output; 0 = no number is needed.
    least_version: u32,
    package: &'static str,
}

/// A Java with a compiler can run a source file directly; the language features of the examples
/// exist since 17.
const NEEDED: [Needed; 5] = [
    needed("python3", &["--version"], "Python 3", "python3"),
    needed("node", &["--version"], "v", "nodejs"),
    Needed {
        least_version: 17,
        ..needed("java", &["--list-modules"], "jdk.compiler@", "default-jdk-headless")
    },
    needed("openssl", &["version"], "OpenSSL", "openssl"),
    needed("curl", &["--version"], "curl", "curl"),
];

const fn needed(
    program: &'static str,
    arguments: &'static [&'static str],
    writes: &'static str,
    package: &'static str,
) -> Needed {
    Needed { program, arguments, writes, least_version: 0, package }
}

/// Finds them all, and installs missing ones if possible.
pub fn all() -> Result<(), Failure> {
    let packages: Vec<&str> = missing().map(|it| it.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    install(&packages)?;
    let still: Vec<&str> = missing().map(|it| it.program).collect();
    if still.is_empty() { Ok(()) } else { Err(advice(&still)) }
}

fn missing() -> impl Iterator<Item = &'static Needed> {
    NEEDED.iter().filter(|it| !it.is_there())
}

impl Needed {
    fn is_there(&self) -> bool {
        output(command(self.program).args(self.arguments))
            .is_ok_and(|written| self.is_enough(&written))
    }

    fn is_enough(&self, written: &str) -> bool {
        let Some((_, version)) = written.split_once(self.writes) else { return false };
        let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
        self.least_version == 0
            || version[..end].parse().is_ok_and(|it: u32| it >= self.least_version)
    }
}

fn advice(missing: &[&str]) -> Failure {
    format!(
        "{} missing: install them (Python 3, Node.js, a JDK of 17 or newer, openssl and curl; \
         Debian: `apt-get install python3 nodejs default-jdk-headless openssl curl`)",
        missing.join(", ")
    )
}

fn install(packages: &[&str]) -> Result<(), Failure> {
    if !apt::is_usable()? {
        return Err(advice(packages));
    }
    apt::update()?;
    packages.iter().try_for_each(|package| apt::install(package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_counts_if_it_runs_and_is_suitable() {
        assert!(needed("sh", &["-c", "echo word"], "word", "dash").is_there());
        assert!(!needed("sh", &["-c", "echo word"], "another", "dash").is_there());
        assert!(!needed("sh", &["-c", "echo word; exit 1"], "word", "dash").is_there());
        assert!(!needed("no-such-program", &[], "", "none").is_there());
    }

    #[test]
    fn a_java_is_suitable_from_17_on_and_with_a_compiler() {
        let java = NEEDED.iter().find(|it| it.program == "java").unwrap();
        for (written, expected) in [
            ("java.base@21.0.2\njdk.compiler@21.0.2\njdk.jartool@21.0.2\n", true),
            ("java.base@17\njdk.compiler@17\n", true),
            ("jdk.compiler@25-ea\n", true),
            ("java.base@16.0.2\njdk.compiler@16.0.2\n", false),
            ("java.base@11.0.30\njdk.compiler@11.0.30\n", false),
            ("java.base@21.0.2\n", false),
            ("jdk.compiler@\n", false),
        ] {
            assert_eq!(java.is_enough(written), expected, "{written}");
        }
    }
}
