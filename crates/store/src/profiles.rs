//! Card profiles.

use domain::{CardProfile, EnterpriseId, ProfileId};

use crate::listing::{Page, PageWish};
use crate::rows::{PROFILE_COLUMNS, profile_from, profile_values};
use crate::{Store, StoreError};

impl Store {
    /// Creates a card profile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_profile(&self, profile: CardProfile) -> Result<CardProfile, StoreError> {
        self.write_kept(move |tx| {
            let profile = profile.clone();
            Box::pin(async move {
                let row = profile_values(&profile);
                tx.insert_rows("card_profile", PROFILE_COLUMNS, &[row]).await?;
                Ok(profile)
            })
        })
        .await
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
        self.read(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {PROFILE_COLUMNS} FROM card_profile \
                     WHERE enterprise_id = $1 AND profile_id = $2"
                );
                let row = tx.query_opt(&sql, &[enterprise_id.into(), profile_id.into()]).await?;
                row.as_ref().map(profile_from).transpose()
            })
        })
        .await
    }

    /// A page of the profiles of one enterprise, or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profiles(
        &self,
        enterprise_id: Option<EnterpriseId>,
        wish: PageWish<ProfileId>,
    ) -> Result<Vec<CardProfile>, StoreError> {
        let mut page = Page::new("profile_id", wish, ProfileId::as_i64);
        page.only("enterprise_id", enterprise_id);
        self.page("card_profile", PROFILE_COLUMNS, page, profile_from).await
    }
}
