//! The parts of an authoriser.

use std::sync::Arc;

use crypto::RsaPool;
use domain::Random;
use outbound::Outbound;
use store::Store;
use vault::Vault;
use wire::vm::VmSettings;

/// The parts of an [`Authoriser`](crate::Authoriser).
pub struct AuthoriserParts {
    /// The store.
    pub store: Store,
    /// Opens platform keys and API secrets.
    pub vault: Arc<Vault>,
    /// Threads for RSA.
    pub pool: Arc<RsaPool>,
    /// The guarded HTTP client.
    pub outbound: Outbound,
    /// Draws authorisation codes.
    pub random: Arc<dyn Random>,
    /// Settings of dialect 2, for the days of its limits and the notices of its cards'
    /// transactions; `None` = days in UTC and no notices.
    pub vm_settings: Option<VmSettings>,
    /// True if an unusable answer is diagnosed, which decrypts unsigned data: only in the sandbox.
    pub diagnoses_answers: bool,
    /// Number of concurrent exchanges with enterprises, each holding a file handle, beyond which no
    /// reply is read after its deadline.
    pub max_exchanges: usize,
}
