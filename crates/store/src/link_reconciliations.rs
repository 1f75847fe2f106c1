//! The cut-overs and the last reconciliation of each link (network-iso8583.md section 3.7).

use domain::{CutOver, ReconciliationResult, ReconciliationWindow, Timestamp};

use crate::engine::{Tx, with};
use crate::records::record;
use crate::{Store, StoreError};

/// The last two cut-overs of a link.
#[derive(Debug, Clone)]
pub(crate) struct CutOvers {
    last: CutOver,
    previous_at: Option<Timestamp>,
}

record! {
    CutOvers in "link_cut_over" key (link) {
        last: [link, cut_over_at, stan, transmitted_at, origin],
        previous_at,
    }
}

record! {
    ReconciliationResult in "link_reconciliation" key (link) {
        link,
        computed_at,
        mti,
        acquirer,
        stan,
        stamp,
        settlement_date,
        currency,
        window: [window_from, window_to],
        verdict,
        differences,
    }
}

async fn note(tx: &Tx, (it, is_repeat): &(CutOver, bool)) -> Result<bool, StoreError> {
    let last: Option<CutOvers> = tx.by_key_locked(it.link.clone()).await?;
    if last.as_ref().is_some_and(|last| it.is_same(&last.last, *is_repeat)) {
        return Ok(false);
    }
    let previous_at = last.as_ref().map(|last| last.last.at);
    let noted = CutOvers { last: it.clone(), previous_at };
    match last {
        // Two processes may note the first one of a link at the same moment: one is refused.
        None => tx.insert(&noted).await?,
        Some(_) => tx.update(&noted).await?,
    }
    Ok(true)
}

impl Store {
    /// Notes a cut-over: the window of its link ends, and the next one begins. Returns false if it
    /// was noted before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_cut_over(&self, it: CutOver, is_repeat: bool) -> Result<bool, StoreError> {
        let noted: Option<CutOvers> = self.by_key(it.link.clone()).await?;
        // Who repeats it costs no write.
        if noted.is_some_and(|noted| it.is_same(&noted.last, is_repeat)) {
            return Ok(false);
        }
        self.write_past_races(with((it, is_repeat), note)).await
    }

    /// The window of a link that its last cut-over closed. Before its second cut-over it has no
    /// beginning, before the first no end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reconciliation_window(
        &self,
        link: &str,
    ) -> Result<ReconciliationWindow, StoreError> {
        let noted: Option<CutOvers> = self.by_key(link.to_owned()).await?;
        let window = |noted: CutOvers| ReconciliationWindow {
            from: noted.previous_at,
            to: Some(noted.last.at),
        };
        Ok(noted.map(window).unwrap_or_default())
    }

    /// The last reconciliation of a link.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_reconciliation(
        &self,
        link: &str,
    ) -> Result<Option<ReconciliationResult>, StoreError> {
        self.by_key(link.to_owned()).await
    }

    /// Keeps the last reconciliation of a link; returns false if the one before it was of the same
    /// message and ended alike.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_reconciliation(&self, it: ReconciliationResult) -> Result<bool, StoreError> {
        self.write_past_races(with(it, async |tx: &Tx, it: &ReconciliationResult| {
            let last: Option<ReconciliationResult> = tx.by_key_locked(it.link.clone()).await?;
            tx.put(it).await?;
            Ok::<_, StoreError>(!last.is_some_and(|last| it.is_same(&last)))
        }))
        .await
    }
}
