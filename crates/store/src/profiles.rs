//! Card profiles.

use domain::{CardProfile, EnterpriseId, ProfileId};

use crate::{Store, StoreError};

impl Store {
    /// Creates a card profile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_profile(&self, profile: CardProfile) -> Result<(), StoreError> {
        let _ = profile;
        todo!()
    }

    /// A profile of an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profile(
        &self,
        enterprise_id: EnterpriseId,
        profile_id: ProfileId,
    ) -> Result<Option<CardProfile>, StoreError> {
        let _ = (enterprise_id, profile_id);
        todo!()
    }

    /// Profiles in order of id, of one enterprise or of all, after `cursor`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profiles(
        &self,
        enterprise_id: Option<EnterpriseId>,
        cursor: Option<ProfileId>,
        limit: u32,
    ) -> Result<Vec<CardProfile>, StoreError> {
        let _ = (enterprise_id, cursor, limit);
        todo!()
    }
}
