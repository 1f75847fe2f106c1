//! Signers of requests that were served lately. Nothing is trusted because it is here: a request is
//! judged by the signer as the store has it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{ApiKey, Enterprise, ErrorCode};
use store::KeyOwner;

use super::reply::Failure;

/// The most signers that are known at once; one more forgets all.
const MAX_KNOWN: usize = 4_096;

/// An API key that is not revoked, and its owner.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key: ApiKey,
    pub(crate) enterprise: Enterprise,
}

impl Signer {
    /// The signer that was found by its API key.
    pub(crate) fn of(found: Option<KeyOwner>) -> Result<Self, Failure> {
        let (key, enterprise) =
            found.filter(|(key, _)| key.revoked_at.is_none()).ok_or(ErrorCode::InvalidApiKey)?;
        let enterprise = enterprise.ok_or(ErrorCode::EnterpriseNotFound)?;
        Ok(Self { key, enterprise })
    }
}

/// The signers that are known.
#[derive(Default)]
pub struct Signers(Mutex<HashMap<String, Signer>>);

impl Signers {
    pub(crate) fn find(&self, api_key: &str) -> Option<Signer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(api_key).cloned()
    }

    pub(crate) fn forget(&self, api_key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(api_key);
    }

    pub(crate) fn keep(&self, signer: Signer) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN && !known.contains_key(&signer.key.api_key) {
            known.clear();
        }
        known.insert(signer.key.api_key.clone(), signer);
    }
}
