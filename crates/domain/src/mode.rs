//! Whether the platform plays or is in earnest.

/// Whether the platform plays or is in earnest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything on demand; the sandbox API exists.
    Sandbox,
    /// The sandbox API does not exist.
    Production,
}
