//! The audit of openings of card data.

use domain::{CardId, EnterpriseId, Reveal};

use crate::rows::{REVEAL_COLUMNS, reveal_from, reveal_values};
use crate::{MAX_PAGE_ROWS, Store, StoreError};

impl Store {
    /// Writes that card data is about to be opened.
    ///
    /// # Errors
    /// [`StoreError`]: then nothing may be opened.
    pub async fn record_reveal(&self, reveal: Reveal) -> Result<(), StoreError> {
        self.write(move |tx| {
            let row = reveal_values(&reveal);
            Box::pin(async move { tx.insert_rows("card_reveal", REVEAL_COLUMNS, &[row]).await })
        })
        .await
    }

    /// The openings of a card, newest first, at most [`MAX_PAGE_ROWS`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reveals_of_card(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<Vec<Reveal>, StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {REVEAL_COLUMNS} FROM card_reveal \
                     WHERE enterprise_id = $1 AND card_id = $2 ORDER BY reveal_id DESC LIMIT $3"
                );
                let params = [enterprise_id.into(), card_id.into(), MAX_PAGE_ROWS.into()];
                tx.query(&sql, &params).await?.iter().map(reveal_from).collect()
            })
        })
        .await
    }
}
