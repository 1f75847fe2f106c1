//! 3DS challenges: created with their job and webhook, and changed in one commit for each event.

use std::sync::Arc;

use domain::{
    ChallengeEvent, ChallengeId, ChallengeOverError, ChallengeStatus, EnterpriseId, JobId,
    ThreeDsChallenge, Timestamp, WebhookEvent,
};
use thiserror::Error;

use crate::engine::{Tx, with};
use crate::outbox::insert_events;
use crate::{Job, JobKind, Store, StoreError};

/// Makes the webhook that reports a challenge as it was stored.
pub type TellOfChallenge = Arc<dyn Fn(&ThreeDsChallenge) -> WebhookEvent + Send + Sync>;

/// An event that happens to a challenge.
#[derive(Clone)]
pub struct ChallengeChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The event.
    pub event: ChallengeEvent,
    /// Business time.
    pub now: Timestamp,
    /// Called once for each state that the challenge passes through.
    pub tell: TellOfChallenge,
}

/// An error of [`Store::change_challenge`].
#[derive(Debug, Clone, Error)]
pub enum ChallengeChangeError {
    /// No such challenge of this enterprise.
    #[error("challenge not found")]
    NotFound,
    /// It already ended in another way.
    #[error(transparent)]
    Over(#[from] ChallengeOverError),
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes a new challenge, the webhook that asks for the verdict, and the job that ends
    /// it, in one commit.
    pub async fn create_challenge(
        &self,
        challenge: &ThreeDsChallenge,
        event: WebhookEvent,
    ) -> Result<(), StoreError> {
        self.write_kept(with((challenge.clone(), event), async |tx, (challenge, event)| {
            insert(tx, challenge, event).await?;
            Ok::<_, StoreError>(challenge.clone())
        }))
        .await?;
        self.wake_outbox_and(&[JobKind::ChallengeExpiry]);
        Ok(())
    }

    /// Applies `ThreeDsChallenge::transition` and writes the challenge and a webhook for each state
    /// passed through, in one commit. The job of a challenge that is over ends too.
    pub async fn change_challenge(
        &self,
        change: ChallengeChange,
    ) -> Result<ThreeDsChallenge, ChallengeChangeError> {
        let challenge = self.write(with(change, apply)).await?;
        self.inner.outbox_changed.notify_one();
        Ok(challenge)
    }
}

/// The job's id is the challenge's, so the commit that ends the challenge can find it.
fn expiry_job(challenge: &ThreeDsChallenge) -> Job {
    Job::new(
        challenge.enterprise_id,
        JobId::from_i64(challenge.challenge_id.as_i64()),
        JobKind::ChallengeExpiry,
        challenge.challenge_id.as_i64(),
        challenge.expires_at,
    )
}

async fn apply(
    tx: &Tx,
    change: &ChallengeChange,
) -> Result<ThreeDsChallenge, ChallengeChangeError> {
    let found: Option<ThreeDsChallenge> =
        tx.by_key_locked((change.enterprise_id, change.challenge_id)).await?;
    let mut challenge = found.ok_or(ChallengeChangeError::NotFound)?;
    let is_of_app = is_of_app(tx, &challenge).await?;
    if is_of_app && matches!(change.event, ChallengeEvent::Verdict(_)) {
        // The cardholder answers it with a code; no enterprise was asked.
        return Err(ChallengeChangeError::NotFound);
    }
    let mut events = Vec::new();
    pass(tx, &mut challenge, change.event, change.now, |it| events.push((change.tell)(it))).await?;
    if is_of_app {
        forget_code(tx, &challenge).await?;
    } else {
        insert_events(tx, &events).await?;
    }
    Ok(challenge)
}

/// Writes a new challenge, the job that ends it and the webhook that reports it.
pub(crate) async fn insert(
    tx: &Tx,
    challenge: &ThreeDsChallenge,
    event: &WebhookEvent,
) -> Result<(), StoreError> {
    tx.insert(challenge).await?;
    tx.insert(&expiry_job(challenge)).await?;
    insert_events(tx, std::slice::from_ref(event)).await
}

/// Takes a challenge through the states that an event leads to, calls `each` in each, and writes
/// the last one. The job of a challenge that is over ends too.
pub(crate) async fn pass(
    tx: &Tx,
    challenge: &mut ThreeDsChallenge,
    event: ChallengeEvent,
    now: Timestamp,
    mut each: impl FnMut(&ThreeDsChallenge),
) -> Result<(), ChallengeChangeError> {
    let steps = challenge.transition(event, now)?;
    for status in steps {
        challenge.status = *status;
        challenge.modified_at = now;
        each(challenge);
    }
    if !steps.is_empty() {
        tx.update(challenge).await?;
    }
    if is_over(challenge) {
        let sql = "DELETE FROM job WHERE enterprise_id = $1 AND job_id = $2";
        tx.execute(sql, &[challenge.enterprise_id.into(), challenge.challenge_id.into()]).await?;
    }
    Ok(())
}

/// True if no event can change the challenge.
pub(crate) const fn is_over(challenge: &ThreeDsChallenge) -> bool {
    !matches!(challenge.status, ChallengeStatus::Init | ChallengeStatus::Noticed)
}

/// True if the challenge is for a card of an app.
async fn is_of_app(tx: &Tx, challenge: &ThreeDsChallenge) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM vm_challenge WHERE enterprise_id = $1 AND challenge_id = $2";
    let params = [challenge.enterprise_id.into(), challenge.challenge_id.into()];
    tx.finds(sql, &params).await
}

/// Wipes the hash of a challenge's code once the challenge is over.
pub(crate) async fn forget_code(tx: &Tx, challenge: &ThreeDsChallenge) -> Result<(), StoreError> {
    if !is_over(challenge) {
        return Ok(());
    }
    let sql = "UPDATE vm_challenge SET otp_hash = NULL \
        WHERE enterprise_id = $1 AND challenge_id = $2";
    let params = [challenge.enterprise_id.into(), challenge.challenge_id.into()];
    tx.execute(sql, &params).await.map(drop)
}

/// The acknowledgement of a challenge's first webhook, part of the commit that records it. It sends
/// no webhook: the enterprise knows.
pub(crate) async fn acknowledge(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    challenge_id: ChallengeId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = (enterprise_id, challenge_id);
    let Some(mut challenge) = tx.by_key_locked::<ThreeDsChallenge>(key).await? else {
        return Ok(());
    };
    let steps = challenge.transition(ChallengeEvent::Acknowledged, now);
    let Ok([.., status]) = steps else { return Ok(()) };
    challenge.status = *status;
    challenge.modified_at = now;
    tx.update(&challenge).await
}
