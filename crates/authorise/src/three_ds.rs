//! 3DS challenges: the merchant asks, and the enterprise answers or time runs out
//! (cardbridge-open-api.md sections 6.4 and 7.4).

use std::sync::Arc;

use domain::{
    Card, CardStatus, ChallengeEvent, ChallengeId, ChallengeVerdict, EnterpriseId, Merchant, Money,
    ThreeDsChallenge, Timestamp, VmCard, WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use schedule::LeasedJobs;
use store::{
    ChallengeChange, ChallengeChangeError, ChallengeCode, Job, JobKind, Store, StoreError,
    TellOfChallenge, TypedCode,
};
use thiserror::Error;
use vault::Vault;
use wire::cardbridge::webhook::challenge_event;
use wire::vm::amount::Amount;
use wire::vm::webhook;

/// Most challenges that are ended at a time.
const MAX_UNDER_WAY: u32 = 16;

/// Why a challenge was not made.
#[derive(Debug, Error)]
pub enum ChallengeError {
    /// A terminated card can no longer be enrolled.
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
    vault: Arc<Vault>,
}

impl Challenges {
    /// Challenges in this store, their codes sealed by this vault.
    #[must_use]
    pub const fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault }
    }

    /// Makes a challenge. Its webhook, either the request to the enterprise or the code for the app
    /// that owns the card, is in the outbox when this returns. A frozen or blocked card is
    /// challenged too: its purchase is declined later, by the authorisation.
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
        let vm_card = self.store.find::<VmCard>((card.enterprise_id, card.card_id)).await?;
        if let Some(vm_card) = vm_card {
            let (code, webhook) = self.code(&challenge, &vm_card, webhook_id);
            self.store.create_vm_challenge(&challenge, code, webhook).await?;
        } else {
            let event = challenge_event(&challenge, webhook_id, WebhookSubType::Create, now);
            self.store.create_challenge(&challenge, event).await?;
        }
        Ok(challenge)
    }

    /// Draws the code of a challenge: its stored hash, and the sealed webhook that carries it.
    fn code(
        &self,
        challenge: &ThreeDsChallenge,
        card: &VmCard,
        webhook_id: WebhookId,
    ) -> (ChallengeCode, WebhookEvent) {
        let otp = self.vault.new_one_time_password();
        let body = webhook::challenge(&webhook::Challenge {
            card_id: &card.card_uuid,
            currency: challenge.amount.currency().alpha(),
            amount: Amount(challenge.amount),
            otp: otp.expose(),
            detail: challenge.merchant.name.as_deref().unwrap_or_default(),
        });
        let hash = self.vault.challenge_code_hash(challenge.challenge_id, otp.expose());
        let event = WebhookEvent {
            enterprise_id: challenge.enterprise_id,
            vm_app_id: Some(card.vm_app_id),
            webhook_id,
            webhook_type: WebhookType::VmCard3ds,
            sub_type: WebhookSubType::Create,
            business_id: challenge.challenge_id.as_i64(),
            body: self.vault.seal_challenge_notice(challenge.enterprise_id, webhook_id, &body),
            created_at: challenge.created_at,
        };
        (ChallengeCode { vm_app_id: card.vm_app_id, hash }, event)
    }

    /// Takes the code that the cardholder of an app's card typed; the result is in the challenge's
    /// state.
    ///
    /// # Errors
    /// No such challenge of an app's card, it is over, or the store failed.
    pub async fn verify(
        &self,
        challenge_id: ChallengeId,
        code: &str,
    ) -> Result<ThreeDsChallenge, ChallengeChangeError> {
        let challenge = self.store.find_of_anyone::<ThreeDsChallenge>(challenge_id).await?;
        let enterprise_id = challenge.ok_or(ChallengeChangeError::NotFound)?.enterprise_id;
        let hash = self.vault.challenge_code_hash(challenge_id, code);
        let now = self.store.clock().now();
        let typed = TypedCode { enterprise_id, challenge_id, hash, now };
        self.store.verify_challenge_code(typed).await
    }

    /// Takes an enterprise's verdict; repeating it changes nothing.
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

/// Webhooks of changes. Ids are drawn within the commit, so they are in the order of the changes.
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
