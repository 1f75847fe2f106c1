//! Links to files: a token in a URL, kept only as its hash.

use domain::{BusinessDay, EnterpriseId, SettlementFileType, Timestamp};

use crate::engine::Tx;
use crate::records::record;
use crate::{Store, StoreError};

/// The most expired links that each new one removes.
const SWEEP_ROWS: i64 = 10;

/// The file that a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementLink {
    /// Owner of the file.
    pub enterprise_id: EnterpriseId,
    /// The day of the file.
    pub day: BusinessDay,
    /// The type of the file.
    pub file_type: SettlementFileType,
    /// The moment (real time) from which it opens nothing.
    pub expires_at: Timestamp,
}

record! {
    SettlementLink in "settlement_link" key (token_hash) {
        enterprise_id,
        day: [file_day],
        file_type,
        expires_at,
    }
}

impl Store {
    /// Keeps a link by the hash of its token.
    pub async fn keep_settlement_link(
        &self,
        token_hash: [u8; 32],
        link: SettlementLink,
    ) -> Result<(), StoreError> {
        let now = self.clock().real_now();
        self.write(move |tx| Box::pin(keep(tx, token_hash, link, now))).await
    }

    /// The file that a token opens; None if the token was never given out or its time is over.
    pub async fn settlement_link(
        &self,
        token_hash: [u8; 32],
    ) -> Result<Option<SettlementLink>, StoreError> {
        let now = self.clock().real_now();
        let link: Option<SettlementLink> = self.by_key(token_hash).await?;
        Ok(link.filter(|link| now < link.expires_at))
    }
}

async fn keep(
    tx: &Tx,
    token_hash: [u8; 32],
    link: SettlementLink,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.sweep(("settlement_link", "token_hash", "expires_at"), now, SWEEP_ROWS).await?;
    tx.insert_with(&link, &[("token_hash", token_hash.as_slice().into())]).await
}
