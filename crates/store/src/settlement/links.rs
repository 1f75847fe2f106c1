//! Links to files: a token in a URL, kept only as its hash.

use domain::{BusinessDay, EnterpriseId, SettlementFileType, Timestamp};

use crate::engine::Tx;
use crate::rows::Fields;
use crate::{Store, StoreError};

/// Expired links that each new one removes at most.
const SWEEP_ROWS: i64 = 10;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementLink {
    /// Whose file.
    pub enterprise_id: EnterpriseId,
    /// Of which day.
    pub day: BusinessDay,
    /// Which of the two.
    pub file_type: SettlementFileType,
    /// From when on (real time) it opens nothing.
    pub expires_at: Timestamp,
}

impl Store {
    /// Keeps a link by the hash of its token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_settlement_link(
        &self,
        token_hash: [u8; 32],
        link: SettlementLink,
    ) -> Result<(), StoreError> {
        let now = self.clock().real_now();
        self.write(move |tx| Box::pin(keep(tx, token_hash, link, now))).await
    }

    /// What a token opens; none if it was never given out or its time is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlement_link(
        &self,
        token_hash: [u8; 32],
    ) -> Result<Option<SettlementLink>, StoreError> {
        let now = self.clock().real_now();
        let link = self.read_one(move |tx| Box::pin(find(tx, token_hash))).await?;
        Ok(link.filter(|link| now < link.expires_at))
    }
}

async fn keep(
    tx: &Tx,
    token_hash: [u8; 32],
    link: SettlementLink,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sweep = "DELETE FROM settlement_link WHERE token_hash IN (SELECT token_hash \
        FROM settlement_link WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    tx.execute(sweep, &[now.into(), SWEEP_ROWS.into()]).await?;
    let row = vec![
        token_hash.as_slice().into(),
        link.enterprise_id.into(),
        link.day.as_i64().into(),
        link.file_type.as_str().into(),
        link.expires_at.into(),
    ];
    let columns = "token_hash, enterprise_id, file_day, file_type, expires_at";
    tx.insert_rows("settlement_link", columns, &[row]).await
}

async fn find(tx: &Tx, token_hash: [u8; 32]) -> Result<Option<SettlementLink>, StoreError> {
    let sql = "SELECT enterprise_id, file_day, file_type, expires_at FROM settlement_link \
        WHERE token_hash = $1";
    let row = tx.query_opt(sql, &[token_hash.as_slice().into()]).await?;
    row.map(|row| {
        let mut f = Fields::of(&row);
        Ok(SettlementLink {
            enterprise_id: f.id(EnterpriseId::from_i64)?,
            day: f.id(BusinessDay::from_i64)?,
            file_type: f.parsed("settlement_link.file_type")?,
            expires_at: f.time()?,
        })
    })
    .transpose()
}
