//! How much of the tests is run.

/// The counts of tests that can try more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Counts that fit into everyday work.
    Usual,
    /// All of it.
    Full,
}
