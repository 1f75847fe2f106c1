//! The demonstration's output: one aligned line per step, with the step's time.

#![expect(clippy::print_stdout, reason = "the demonstration reports to stdout")]

use std::io::stdout;

use tokio::time::Instant;

use crate::log::is_coloured;

/// Width in characters of the column for the step.
const STEP_WIDTH: usize = 39;
/// Width in characters of the column for the outcome.
const OUTCOME_WIDTH: usize = 28;
/// Width in characters of the column for the balances after the step.
const DEPOSIT_WIDTH: usize = 40;
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Numbers, times and prints the steps.
pub struct Screen {
    number: u32,
    last: Instant,
    is_coloured: bool,
}

impl Screen {
    /// Starts the clock of the first step.
    pub fn new() -> Self {
        Self { number: 0, last: Instant::now(), is_coloured: is_coloured(&stdout()) }
    }

    /// Prints an unnumbered heading.
    pub fn headline(&self, text: &str) {
        println!("{}", self.styled(BOLD, text));
    }

    /// Prints what was done, the outcome, and the time since the previous step. The
    /// outcome may be as wide as the outcome and balance columns together.
    pub fn step(&mut self, what: &str, outcome: &str) {
        self.line(what, outcome);
    }

    /// Like [`Self::step`], and also prints the balance after the step.
    pub fn step_with_deposit(&mut self, what: &str, outcome: &str, deposit: &str) {
        self.line(what, &format!("{outcome:<OUTCOME_WIDTH$}{deposit}"));
    }

    fn line(&mut self, what: &str, outcome: &str) {
        self.number += 1;
        let took_ms = self.last.elapsed().as_millis();
        self.last = Instant::now();
        let time = self.styled(DIM, &format!("{took_ms:>5} ms"));
        let width = OUTCOME_WIDTH + DEPOSIT_WIDTH;
        println!("{:>3}  {what:<STEP_WIDTH$}  {outcome:<width$} {time}", self.number);
    }

    /// Prints an unnumbered, indented line.
    pub fn note(&self, text: &str) {
        println!("     {text}");
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.is_coloured { format!("{style}{text}{PLAIN}") } else { text.to_owned() }
    }
}
