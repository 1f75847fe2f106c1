//! What authorisations are decided with.

use std::sync::Arc;

use crypto::RsaPool;
use domain::Random;
use outbound::Outbound;
use store::Store;
use vault::Vault;
use wire::vm::VmSettings;

/// What an [`Authoriser`](crate::Authoriser) works with.
pub struct AuthoriserParts {
    /// The store.
    pub store: Store,
    /// Opens platform keys and API secrets.
    pub vault: Arc<Vault>,
    /// Threads for RSA.
    pub pool: Arc<RsaPool>,
    /// The door out.
    pub outbound: Outbound,
    /// Draws authorisation codes.
    pub random: Arc<dyn Random>,
    /// Where the days of dialect 2's limits begin, and how its apps are told of their cards'
    /// transactions; none = in UTC, and they are not told.
    pub vm_settings: Option<VmSettings>,
    /// Whether an unusable answer is looked into, which decrypts what nobody signed: for the
    /// sandbox only.
    pub diagnoses_answers: bool,
    /// Exchanges with enterprises at once, of which each holds a file handle, beyond which
    /// no reply is read after its deadline.
    pub max_exchanges: usize,
}
