//! Reconciliations of acquirers, and the cut-overs between which they count
//! (network-iso8583.md section 3.7).

use std::sync::Arc;
use std::time::Duration;

use domain::{CutOver, ReconciliationResult, ReconciliationVerdict, ReconciliationWindow};
use store::{ComputedTotals, StoreError, TotalsRequest};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::shared::Link;
use crate::translate::{FieldText, Reconciliation, Refusal, Reply, Settled, fields_of};

/// Longest wait for what became of answers that were written just before.
const SETTLING: Duration = Duration::from_secs(2);
/// Pause between two looks at that.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for the store to keep a result. The answer is on its way before that.
const KEEP_DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for the store to note a cut-over.
const NOTE_DEADLINE: Duration = Duration::from_secs(4);

/// Why there are no totals.
#[derive(Debug, thiserror::Error)]
enum NoTotals {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("they were not computed in time")]
    Late,
    #[error("a sum does not fit, or too many messages count")]
    TooLarge,
}

impl Link {
    /// What a reconciliation is answered, by `answer_by` at the latest. It goes on in a task of its
    /// own, which holds its place until the result is kept: the answer does not wait for that.
    pub(crate) async fn reconcile(
        self: &Arc<Self>,
        asked: Reconciliation,
        answer_by: Instant,
        place: OwnedSemaphorePermit,
    ) -> Reply {
        let (answer, mut answered) = oneshot::channel();
        let link = Arc::clone(self);
        tokio::spawn(async move {
            link.reconcile_in_turn(&asked, answer_by, answer).await;
            drop(place);
        });
        let settled = match timeout_at(answer_by, &mut answered).await {
            Ok(settled) => settled.ok(),
            Err(_) => {
                // What was settled at the same moment is kept, so it is the answer.
                answered.close();
                answered.try_recv().ok()
            }
        };
        Reply::Reconciled(settled.unwrap_or(Settled::NotComputed))
    }

    /// Settles a reconciliation in its turn, says so, and keeps the result in the same turn, so
    /// that no older one replaces it.
    async fn reconcile_in_turn(
        &self,
        asked: &Reconciliation,
        answer_by: Instant,
        answer: oneshot::Sender<Settled>,
    ) {
        let _turn = self.reconciliation_turn.lock().await;
        let computed = match timeout_at(answer_by, self.computed(asked)).await {
            Ok(computed) => computed,
            Err(_) => Err(NoTotals::Late),
        };
        let (window, settled) = match computed {
            Ok((window, own)) => (window, settled(asked, own)),
            Err(error) => {
                let (link, stan) = (&self.settings().name, &asked.stan);
                tracing::error!(link, stan, %error, "the totals of a link could not be computed");
                (ReconciliationWindow::default(), Settled::NotComputed)
            }
        };
        let is_late = answer.send(settled.clone()).is_err() && Instant::now() >= answer_by;
        // Then it was answered that they are not computed.
        let settled = if is_late { Settled::NotComputed } else { settled };
        self.note_reconciliation(asked, window, &settled).await;
    }

    /// Our values of its fields, and the window to which they belong.
    async fn computed(
        &self,
        asked: &Reconciliation,
    ) -> Result<(ReconciliationWindow, Vec<FieldText>), NoTotals> {
        let window = self.intake.store.reconciliation_window(&self.settings().name).await?;
        let computed = self.settled_totals(asked, window).await?;
        let totals = computed.totals.ok_or(NoTotals::TooLarge)?;
        Ok((window, fields_of(&totals).ok_or(NoTotals::TooLarge)?))
    }

    /// The totals, once it is known what became of the answers before. What is not known by then
    /// does not count.
    async fn settled_totals(
        &self,
        asked: &Reconciliation,
        window: ReconciliationWindow,
    ) -> Result<ComputedTotals, StoreError> {
        let store = &self.intake.store;
        let until = Instant::now() + SETTLING;
        let (deliveries, of_notes) = (Arc::clone(&self.deliveries), store.clone());
        // Notes that are being written must not be lost if the totals are given up.
        let flushed = tokio::spawn(async move { deliveries.flush(&of_notes).await });
        if flushed.await.is_err() {
            tracing::error!(link = self.settings().name, "what became of answers is not noted yet");
        }
        let request = TotalsRequest {
            network: self.settings().network.clone(),
            acquirer: asked.acquirer.clone(),
            settlement_date: asked.settlement_date.clone(),
            window,
            currency: asked.currency,
        };
        loop {
            let computed = store.link_totals(&request).await?;
            if !computed.is_under_way || Instant::now() >= until {
                return Ok(computed);
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    /// Keeps the result for operators, and reports a difference once.
    async fn note_reconciliation(
        &self,
        asked: &Reconciliation,
        window: ReconciliationWindow,
        settled: &Settled,
    ) {
        let (verdict, differences) = match settled {
            Settled::Agreed => (ReconciliationVerdict::Agreed, Vec::new()),
            Settled::Different { differences, .. } => {
                (ReconciliationVerdict::Different, differences.clone())
            }
            Settled::NotComputed => (ReconciliationVerdict::NotComputed, Vec::new()),
        };
        let result = ReconciliationResult {
            link: self.settings().name.clone(),
            computed_at: self.real_now(),
            mti: asked.mti.clone(),
            acquirer: asked.acquirer.clone(),
            stan: asked.stan.clone(),
            stamp: asked.stamp.clone(),
            settlement_date: asked.settlement_date.clone(),
            currency: asked.currency,
            window,
            verdict,
            differences: differences.clone(),
        };
        let link = &self.settings().name;
        let kept = timeout(KEEP_DEADLINE, self.intake.store.keep_reconciliation(result)).await;
        let is_new = match kept {
            Ok(Ok(is_new)) => is_new,
            Ok(Err(error)) => {
                tracing::error!(link, %error, "the result of a reconciliation is not kept");
                true
            }
            Err(_) => {
                tracing::error!(link, "the result of a reconciliation was not kept in time");
                true
            }
        };
        if is_new && !differences.is_empty() {
            self.meters.reconciliation_out();
            let fields: Vec<_> = differences.iter().map(|it| it.field.to_string()).collect();
            let (fields, acquirer, stan) = (fields.join(" "), &asked.acquirer, &asked.stan);
            tracing::warn!(
                link,
                acquirer,
                stan,
                fields,
                "the totals of an acquirer differ from ours"
            );
        }
    }

    /// Closes the window of the link, unless that was announced before.
    ///
    /// # Errors
    /// What the message is answered: the store does not take it.
    pub(crate) async fn cut_over(&self, it: CutOver, is_repeat: bool) -> Result<(), Refusal> {
        let link = it.link.clone();
        let noted = async {
            let _turn = self.cut_over_turn.lock().await;
            self.intake.store.note_cut_over(it, is_repeat).await
        };
        match timeout(NOTE_DEADLINE, noted).await {
            Ok(Ok(true)) => tracing::info!(link, "the reconciliation window of a link was closed"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::error!(link, %error, "a cut-over could not be noted");
                return Err(Refusal::Fault);
            }
            Err(_) => {
                tracing::error!(link, "a cut-over could not be noted in time");
                return Err(Refusal::Fault);
            }
        }
        Ok(())
    }
}

/// How given values compare with ours.
fn settled(asked: &Reconciliation, own: Vec<FieldText>) -> Settled {
    let differences = asked.differences(&own);
    if differences.is_empty() { Settled::Agreed } else { Settled::Different { own, differences } }
}
