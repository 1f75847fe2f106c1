//! Whether the platform simulates or runs for real.

/// Whether the platform simulates or runs for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything can be triggered on demand; the sandbox API exists.
    Sandbox,
    /// The sandbox API does not exist.
    Production,
}
