//! 3DS challenges: the merchant asks, the enterprise answers or time does
//! (cardbridge-open-api.md sections 6.4 and 7.4).

use std::sync::Arc;

use domain::{
    Card, CardStatus, ChallengeEvent, ChallengeId, ChallengeVerdict, EnterpriseId, Merchant, Money,
    ThreeDsChallenge, Timestamp, WebhookId, WebhookSubType,
};
use schedule::LeasedJobs;
use store::{
    ChallengeChange, ChallengeChangeError, Job, JobKind, Store, StoreError, TellOfChallenge,
};
use thiserror::Error;
use wire::cardbridge::webhook::challenge_event;

/// Most challenges that end at once.
const MAX_UNDER_WAY: u32 = 16;

/// Why a challenge was not made.
#[derive(Debug, Error)]
pub enum ChallengeError {
    /// A card that is over is enrolled no more.
    #[error("the card is INVALID")]
    CardInvalid,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes challenges and takes verdicts.
#[derive(Clone)]
pub struct Challenges {
    store: Store,
}

impl Challenges {
    /// Challenges in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes a challenge. Its webhook, the request to the enterprise, is in the outbox when
    /// this returns. A frozen or blocked card is challenged too: its purchase is declined
    /// later, by the authorisation.
    ///
    /// # Errors
    /// [`ChallengeError`].
    pub async fn create(
        &self,
        card: &Card,
        amount: Money,
        merchant: Merchant,
    ) -> Result<ThreeDsChallenge, ChallengeError> {
        if card.status == CardStatus::Invalid {
            return Err(ChallengeError::CardInvalid);
        }
        let now = self.store.clock().now();
        let challenge = ThreeDsChallenge {
            enterprise_id: card.enterprise_id,
            challenge_id: ChallengeId::from_i64(self.store.ids().next()),
            card_id: card.card_id,
            status: domain::ChallengeStatus::Init,
            amount,
            merchant,
            expires_at: now.plus_seconds(ThreeDsChallenge::VALIDITY_S),
            created_at: now,
            modified_at: now,
        };
        let webhook_id = WebhookId::from_i64(self.store.ids().next());
        let event = challenge_event(&challenge, webhook_id, WebhookSubType::Create, now);
        self.store.create_challenge(&challenge, event).await?;
        Ok(challenge)
    }

    /// Takes an enterprise's verdict; the same one again changes nothing.
    ///
    /// # Errors
    /// No such challenge of this enterprise, it is over, or the store failed.
    pub async fn authenticate(
        &self,
        enterprise_id: EnterpriseId,
        challenge_id: &str,
        verdict: ChallengeVerdict,
    ) -> Result<ThreeDsChallenge, ChallengeChangeError> {
        let challenge_id = challenge_id.parse().map_err(|_| ChallengeChangeError::NotFound)?;
        let now = self.store.clock().now();
        let event = ChallengeEvent::Verdict(verdict);
        let tell = tell(&self.store, now);
        let change = ChallengeChange { enterprise_id, challenge_id, event, now, tell };
        self.store.change_challenge(change).await
    }
}

/// Webhooks of changes. Ids are drawn within the commit: their order is that of the changes.
fn tell(store: &Store, now: Timestamp) -> TellOfChallenge {
    let store = store.clone();
    Arc::new(move |challenge| {
        let webhook_id = WebhookId::from_i64(store.ids().next());
        challenge_event(challenge, webhook_id, WebhookSubType::Update, now)
    })
}

/// Ends challenges for which no verdict came in time.
#[must_use]
pub fn challenge_expiry_worker(store: Store) -> LeasedJobs {
    let kind = ("challenge-expiry", JobKind::ChallengeExpiry);
    LeasedJobs::new(store.clone(), kind, MAX_UNDER_WAY, move |job| {
        let store = store.clone();
        Box::pin(async move { Ok(expire(&store, &job).await?) })
    })
}

async fn expire(store: &Store, job: &Job) -> Result<(), ChallengeChangeError> {
    let challenge_id = ChallengeId::from_i64(job.subject_id);
    let now = store.clock().now();
    let change = ChallengeChange {
        enterprise_id: job.enterprise_id,
        challenge_id,
        event: ChallengeEvent::Expired,
        now,
        tell: tell(store, now),
    };
    let challenge = store.change_challenge(change).await?;
    tracing::debug!(%challenge_id, status = %challenge.status, "a challenge is over");
    Ok(())
}
