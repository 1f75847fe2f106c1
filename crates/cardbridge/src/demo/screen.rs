//! The demonstration's output: one aligned line per step, with the step's time.

#![expect(clippy::print_stdout, reason = "stdout is what a demonstration is for")]

use std::io::stdout;

use tokio::time::Instant;

use crate::log::is_coloured;

/// Width of the column for what was done.
const STEP_WIDTH: usize = 39;
/// Width of the column for the outcome.
const OUTCOME_WIDTH: usize = 28;
/// Width of the column with the deposit's balance.
const DEPOSIT_WIDTH: usize = 40;
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// The lines printed so far.
pub struct Screen {
    number: u32,
    last: Instant,
    is_coloured: bool,
}

impl Screen {
    /// An empty screen; the first step's time begins now.
    pub fn new() -> Self {
        Self { number: 0, last: Instant::now(), is_coloured: is_coloured(&stdout()) }
    }

    /// A line above the steps.
    pub fn headline(&self, text: &str) {
        println!("{}", self.styled(BOLD, text));
    }

    /// Prints what was done, the outcome, and the time since the previous step. A long outcome runs
    /// on into the deposit's column.
    pub fn step(&mut self, what: &str, outcome: &str) {
        self.line(what, outcome);
    }

    /// Prints a step and the deposit after it.
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

    /// A line below the steps.
    pub fn note(&self, text: &str) {
        println!("     {text}");
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.is_coloured { format!("{style}{text}{PLAIN}") } else { text.to_owned() }
    }
}
