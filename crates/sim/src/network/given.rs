//! What the caller adds to a script.

use zeroize::Zeroizing;

/// What a script is read with.
pub struct Given<'a> {
    /// The address that takes the place of the script's.
    pub target: Option<String>,
    /// Variables that take the place of the script's.
    pub vars: Vec<(String, Zeroizing<String>)>,
    /// The environment, for values that begin with `env:`.
    pub environment: &'a dyn Fn(&str) -> Option<Zeroizing<String>>,
    /// What the first STAN and RRN follow from.
    pub seed: u64,
}
