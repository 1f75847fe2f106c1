//! 3DS challenges of cards of dialect 2: the app is sent a code, and the cardholder types it
//! (vm-api.md section 10.2).

use domain::{
    ChallengeEvent, ChallengeId, ChallengeOverError, ChallengeVerdict, EnterpriseId,
    ThreeDsChallenge, Timestamp, VmAppId, WebhookEvent,
};

use crate::engine::{Tx, Value, with};
use crate::three_ds::{forget_code, insert, is_over, pass};
use crate::{ChallengeChangeError, JobKind, Store, StoreError};

/// Wrong codes that end a challenge.
const MAX_WRONG_TRIES: i64 = 5;

/// The code of a challenge, known here only by its keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengeCode {
    /// The app that gets the code.
    pub vm_app_id: VmAppId,
    /// The vault's hash of it.
    pub hash: [u8; 32],
}

/// A code that a cardholder typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypedCode {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The challenge that is answered.
    pub challenge_id: ChallengeId,
    /// The vault's hash of the typed code.
    pub hash: [u8; 32],
    /// Business time.
    pub now: Timestamp,
}

impl Store {
    /// Writes a new challenge of an app's card, its code's hash, the notice that carries the
    /// code, and the job that ends it, in one commit.
    pub async fn create_vm_challenge(
        &self,
        challenge: &ThreeDsChallenge,
        code: ChallengeCode,
        notice: WebhookEvent,
    ) -> Result<(), StoreError> {
        let request = (challenge.clone(), code, notice);
        self.write_kept(with(request, async |tx, (challenge, code, notice)| {
            insert(tx, challenge, notice).await?;
            let sql = "INSERT INTO vm_challenge (enterprise_id, challenge_id, vm_app_id, \
                otp_hash, wrong_tries) VALUES ($1, $2, $3, $4, 0)";
            let params: [Value; 4] = [
                challenge.enterprise_id.into(),
                challenge.challenge_id.into(),
                code.vm_app_id.into(),
                code.hash.as_slice().into(),
            ];
            tx.execute(sql, &params).await?;
            Ok::<_, StoreError>(challenge.clone())
        }))
        .await?;
        self.wake_outbox_and(&[JobKind::ChallengeExpiry]);
        Ok(())
    }

    /// Takes a typed code: the right one approves the challenge, the fifth wrong one rejects it,
    /// and each earlier wrong one leaves it as it was. Its new state shows which.
    ///
    /// # Errors
    /// No such challenge of an app's card, it is over, or the store failed.
    pub async fn verify_challenge_code(
        &self,
        typed: TypedCode,
    ) -> Result<ThreeDsChallenge, ChallengeChangeError> {
        self.write_kept(move |tx| Box::pin(async move { verify(tx, typed).await })).await
    }
}

async fn verify(tx: &Tx, typed: TypedCode) -> Result<ThreeDsChallenge, ChallengeChangeError> {
    let found: Option<ThreeDsChallenge> =
        tx.by_key_locked((typed.enterprise_id, typed.challenge_id)).await?;
    let mut challenge = found.ok_or(ChallengeChangeError::NotFound)?;
    let sql = "SELECT otp_hash, wrong_tries FROM vm_challenge \
        WHERE enterprise_id = $1 AND challenge_id = $2";
    let params: [Value; 2] = [typed.enterprise_id.into(), typed.challenge_id.into()];
    let found: Option<(Option<Vec<u8>>, i64)> = tx.one(sql, &params).await?;
    let (otp_hash, wrong_tries) = found.ok_or(ChallengeChangeError::NotFound)?;
    if is_over(&challenge) || typed.now >= challenge.expires_at {
        return Err(ChallengeOverError.into());
    }
    let wrong_tries = wrong_tries + 1;
    // Keyed hashes: the time of the comparison tells nothing about the code.
    let verdict = if otp_hash.as_deref() == Some(typed.hash.as_slice()) {
        ChallengeVerdict::Approve
    } else if wrong_tries >= MAX_WRONG_TRIES {
        ChallengeVerdict::Reject
    } else {
        let count = "UPDATE vm_challenge SET wrong_tries = $3 \
            WHERE enterprise_id = $1 AND challenge_id = $2";
        let [enterprise_id, challenge_id] = params;
        tx.execute(count, &[enterprise_id, challenge_id, wrong_tries.into()]).await?;
        return Ok(challenge);
    };
    pass(tx, &mut challenge, ChallengeEvent::Verdict(verdict), typed.now, |_| {}).await?;
    forget_code(tx, &challenge).await?;
    Ok(challenge)
}
