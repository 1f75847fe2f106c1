//! One-time extraction of API keys.

use std::net::IpAddr;

use domain::{ApiKey, EnterpriseId, ExtractionAttempt, ExtractionOutcome, KeyExtraction};

use crate::engine::{Tx, with};
use crate::listing::{Page, PageRequest};
use crate::{Claim, Store, StoreError};

/// The time for which a code is kept after its expiry, seconds of business time. An attempt to use
/// it can still be told from a guess, and is recorded.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
/// The most codes past that time that one new code sweeps.
const SWEEP_ROWS: i64 = 100;

impl Store {
    /// Keeps the digest of a new extraction code, and forgets codes whose time is long over.
    pub async fn add_key_extraction(&self, extraction: &KeyExtraction) -> Result<(), StoreError> {
        self.write_kept(with(extraction.clone(), async |tx, extraction| {
            let forget_before = extraction.created_at.plus_seconds(-KEPT_SECONDS);
            // The sweep scans all codes, of which there are few: operators order them one by one.
            tx.sweep(("key_extraction", "code_digest", "expires_at"), forget_before, SWEEP_ROWS)
                .await?;
            tx.insert(extraction).await
        }))
        .await
    }

    /// Takes back a code whose mail was not sent, with the key of the call that created it.
    pub async fn cancel_key_extraction(&self, code_digest: [u8; 32]) -> Result<(), StoreError> {
        self.write(with((Claim::current(), code_digest), async |tx, (claim, code_digest)| {
            if let Some(claim) = claim {
                claim.give_back(tx).await?;
            }
            let sql = "DELETE FROM key_extraction WHERE code_digest = $1";
            tx.execute(sql, &[code_digest.as_slice().into()]).await.map(drop)
        }))
        .await
    }

    /// Judges an attempt from `source_ip` and records it. If the code is good it is marked as used
    /// and `key` is added, all in one commit: of several attempts at once, one gets its key. None
    /// if there is no such code.
    pub async fn extract_api_key(
        &self,
        code_digest: [u8; 32],
        source_ip: IpAddr,
        key: ApiKey,
    ) -> Result<Option<ExtractionOutcome>, StoreError> {
        let request = (code_digest, source_ip, key, self.ids().next());
        self.write(with(request, extract)).await
    }

    /// A page of the attempts to fetch an enterprise's keys.
    pub async fn extraction_attempts(
        &self,
        enterprise_id: EnterpriseId,
        requested: PageRequest<i64>,
    ) -> Result<Vec<ExtractionAttempt>, StoreError> {
        let mut page = Page::new("attempt_id", requested, |id| id);
        page.only("enterprise_id", Some(enterprise_id));
        self.page(page).await
    }
}

/// A code's digest, the attempt's address, the key for the owner, and the attempt's id.
type Extraction = ([u8; 32], IpAddr, ApiKey, i64);

async fn extract(
    tx: &Tx,
    (code_digest, source_ip, key, attempt_id): &Extraction,
) -> Result<Option<ExtractionOutcome>, StoreError> {
    let found = tx.by_key_locked::<KeyExtraction>(*code_digest).await?;
    let Some(extraction) = found else { return Ok(None) };
    let now = key.created_at;
    let outcome = match extraction.judge(*source_ip, now) {
        // The key was sealed for the owner that was read before the commit.
        _ if extraction.enterprise_id != key.enterprise_id => return Ok(None),
        outcome => outcome,
    };
    let is_good = outcome == ExtractionOutcome::Extracted;
    if is_good {
        let used = "UPDATE key_extraction SET used_at = $1 WHERE code_digest = $2";
        tx.execute(used, &[now.into(), code_digest.as_slice().into()]).await?;
        tx.insert(key).await?;
    }
    let attempt = ExtractionAttempt {
        enterprise_id: extraction.enterprise_id,
        attempt_id: *attempt_id,
        outcome,
        source_ip: *source_ip,
        api_key: is_good.then(|| key.api_key.clone()),
        attempted_at: now,
    };
    tx.insert(&attempt).await?;
    Ok(Some(outcome))
}
