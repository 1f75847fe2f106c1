//! The platform's mode: sandbox or production.

/// The platform's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything can be triggered on demand; the sandbox API exists.
    Sandbox,
    /// The sandbox API does not exist.
    Production,
}
