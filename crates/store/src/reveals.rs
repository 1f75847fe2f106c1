//! The audit of openings of card data.

use domain::{CardId, EnterpriseId, Reveal};

use crate::records::{select, sql};
use crate::{MAX_PAGE_ROWS, Store, StoreError};

impl Store {
    /// Records that card data is about to be opened.
    ///
    /// # Errors
    /// [`StoreError`]: card data must not be opened then.
    pub async fn record_reveal(&self, reveal: Reveal) -> Result<(), StoreError> {
        self.insert(reveal).await
    }

    /// The openings of a card, newest first, at most [`MAX_PAGE_ROWS`].
    pub async fn reveals_of_card(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<Vec<Reveal>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND card_id = $2 ORDER BY reveal_id DESC LIMIT $3",
            select::<Reveal>()
        );
        let params = [enterprise_id.into(), card_id.into(), MAX_PAGE_ROWS.into()];
        self.all(sql, params).await
    }
}
