//! The road of one authorisation.

use std::sync::Arc;

use crypto::RsaPool;
use domain::Random;
use outbound::Outbound;
use store::Store;
use vault::Vault;

use crate::request::{AuthorisationAnswer, AuthorisationRequest, AuthoriseError};

/// What an [`Authoriser`] works with.
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
}

/// Decides authorisations. One for the whole process.
pub struct Authoriser {
    pub(crate) parts: AuthoriserParts,
}

impl Authoriser {
    /// An authoriser over these parts.
    #[must_use]
    pub fn new(parts: AuthoriserParts) -> Arc<Self> {
        Arc::new(Self { parts })
    }

    /// Decides one authorisation. It is carried through even if the caller goes away.
    ///
    /// # Errors
    /// [`AuthoriseError`]; a decline is no error.
    pub async fn authorise(
        self: &Arc<Self>,
        request: AuthorisationRequest,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        let _ = (&self.parts, request);
        todo!()
    }

    /// Declines every authorisation that a crash left undecided and gives its hold back
    /// (operator-and-sandbox.md section 5). To be called at start, before the first
    /// request; returns how many there were.
    ///
    /// # Errors
    /// [`AuthoriseError`].
    pub async fn recover(&self) -> Result<usize, AuthoriseError> {
        todo!()
    }

    /// Waits until no authorisation is under way; the reading of late answers goes on.
    pub async fn settled(&self) {
        todo!()
    }
}
