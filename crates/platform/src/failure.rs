//! Why the process ends early: one line on stderr and an exit code.

use std::fmt;
use std::process::ExitCode;

/// A failure that ends the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    line: String,
}

impl Failure {
    /// Exit code of a bad option or configuration (operator-and-sandbox.md section 1).
    pub const CONFIGURATION: u8 = 2;
    /// Exit code of any other failure.
    pub const RUN: u8 = 1;
    /// Exit code if the process should be restarted later: another process has its node number
    /// (`EX_TEMPFAIL` of sysexits.h).
    pub const TRY_LATER: u8 = 75;

    /// A bad option or configuration; the line names the key and what it should be.
    #[must_use]
    pub fn configuration(line: impl fmt::Display) -> Self {
        Self::new(Self::CONFIGURATION, &line)
    }

    /// Something that went wrong although the configuration is good.
    #[must_use]
    pub fn run(line: impl fmt::Display) -> Self {
        Self::new(Self::RUN, &line)
    }

    /// A temporary failure; the supervisor starts the process again.
    #[must_use]
    pub fn try_later(line: impl fmt::Display) -> Self {
        Self::new(Self::TRY_LATER, &line)
    }

    fn new(code: u8, line: &dyn fmt::Display) -> Self {
        Self { code, line: one_line(&line.to_string()) }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// The text with every run of white space, including line breaks, replaced by one blank.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_it_was_made_of() {
        let failure = Failure::configuration("listen:\n  bad\r\n\tvalue ");
        assert_eq!(failure.to_string(), "listen: bad value");
    }
}
