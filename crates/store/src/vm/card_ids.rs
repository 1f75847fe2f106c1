//! The ids of dialect 2's cards: internal ones, and those on the wire.

use std::collections::HashMap;

use domain::{CardId, EnterpriseId};

use crate::engine::Value;
use crate::{Store, StoreError};

impl Store {
    /// The card with this UUID, whoever owns it.
    pub async fn card_id_of_uuid(&self, card_uuid: &str) -> Result<Option<CardId>, StoreError> {
        let sql = "SELECT card_id FROM vm_card_uuid WHERE card_uuid = $1";
        self.one(sql, [card_uuid.into()]).await
    }

    /// The ids on the wire of the given cards, as far as they are of dialect 2. `cards` must be
    /// sorted and hold at most a page.
    pub async fn vm_card_uuids(
        &self,
        cards: Vec<(EnterpriseId, CardId)>,
    ) -> Result<HashMap<CardId, String>, StoreError> {
        let mut uuids = HashMap::new();
        for cards in cards.chunk_by(|one, next| one.0 == next.0) {
            let places: Vec<_> = (2..cards.len() + 2).map(|it| format!("${it}")).collect();
            let sql = format!(
                "SELECT card_id, card_uuid FROM vm_card WHERE enterprise_id = $1 \
                 AND card_id IN ({})",
                places.join(", ")
            );
            let owner = cards.first().map(|it| Value::from(it.0));
            let ids = cards.iter().map(|it| Value::from(it.1));
            let params: Vec<_> = owner.into_iter().chain(ids).collect();
            uuids.extend(self.all::<(CardId, String)>(sql, params).await?);
        }
        Ok(uuids)
    }
}
