//! Card profiles.

use domain::{CardProfile, EnterpriseId, ProfileId};

use crate::listing::{Page, PageRequest};
use crate::{Store, StoreError};

impl Store {
    /// Creates a card profile.
    pub async fn create_profile(&self, profile: CardProfile) -> Result<CardProfile, StoreError> {
        self.insert_kept(profile).await
    }

    /// A page of the profiles of one enterprise, or of all.
    pub async fn profiles(
        &self,
        enterprise_id: Option<EnterpriseId>,
        requested: PageRequest<ProfileId>,
    ) -> Result<Vec<CardProfile>, StoreError> {
        let mut page = Page::new("profile_id", requested, ProfileId::as_i64);
        page.only("enterprise_id", enterprise_id);
        self.page(page).await
    }
}
