//! Guidance links, and the pages that were opened with them
//! (cardbridge-open-api.md section 6.3). Secrets arrive here as hashes.

use domain::{EnterpriseId, GuidanceLink, PageStep, Timestamp};
use thiserror::Error;

use crate::engine::{Tx, with};
use crate::otp::{OtpClaim, claim_page_password};
use crate::records::{record, select, sql};
use crate::{Store, StoreError};

/// The time for which a link's row outlives the link, so the page still knows its owner.
const KEPT_SECONDS: i64 = 24 * 3_600;
/// The most expired rows that one new link sweeps.
const SWEEP_ROWS: i64 = 16;
/// Wrong proofs that end a page (operator-and-sandbox.md section 5, Limits).
const MAX_PROOF_TRIES: i64 = 5;

/// A page that was just opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedPage {
    /// The form that it shows.
    pub step: PageStep,
    /// Hash of the token that its form carries.
    pub token_hash: [u8; 32],
    /// The one-time password that it asks for, if it does.
    pub password: Option<PagePassword>,
    /// The moment of its opening (business time).
    pub opened_at: Timestamp,
    /// The moment from which its form is no longer accepted.
    pub expires_at: Timestamp,
}

/// The one-time password of a page, about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePassword {
    /// Its hash.
    pub hash: [u8; 32],
    /// The moment of sending, in real time.
    pub sent_at: Timestamp,
}

/// An error of [`Store::open_guidance_link`].
#[derive(Debug, Clone, Error)]
pub enum OpenLinkError {
    /// The link was opened before or has expired.
    #[error("the link is not open")]
    Gone,
    /// The enterprise has begun too many deliveries of one-time passwords.
    #[error("too many one-time passwords")]
    TooManyPasswords,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The proof that a customer is the one the page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderProof {
    /// By a one-time password, of which this is the hash.
    Password([u8; 32]),
    /// By the details on the card.
    CardDetails {
        /// True if the answer was right.
        is_right: bool,
    },
}

/// The result of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofOutcome {
    /// It was the right one; the page goes on to its form.
    Passed,
    /// It was wrong, and there are tries left.
    Wrong,
    /// It was wrong for the last time.
    Exhausted,
    /// The form's token is unknown, used or expired.
    Expired,
}

/// A link with what the form of its page asks for.
struct PageOfLink {
    link: GuidanceLink,
    step: PageStep,
}

record! {
    PageOfLink in "guidance_link" key (secret_hash) {
        link of GuidanceLink,
        step,
    }
}

impl Store {
    /// Keeps a new link.
    pub async fn create_guidance_link(&self, link: GuidanceLink) -> Result<(), StoreError> {
        self.write(with(link, async |tx, link| {
            let forget_before = link.created_at.plus_seconds(-KEPT_SECONDS);
            tx.sweep(("guidance_link", "secret_hash", "expires_at"), forget_before, SWEEP_ROWS)
                .await?;
            tx.insert(link).await
        }))
        .await
    }

    /// Ends a link and opens its page. A password that it asks for counts with those of
    /// send-otp; one too many leaves the link as it was.
    pub async fn open_guidance_link(
        &self,
        secret_hash: [u8; 32],
        page: OpenedPage,
    ) -> Result<(), OpenLinkError> {
        self.write(with((secret_hash, page), async |tx, (hash, page)| open(tx, *hash, page).await))
            .await
    }

    /// The page whose form carries this token, and the form's step; None if the token is unknown,
    /// used or expired.
    pub async fn guidance_page(
        &self,
        token_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<(GuidanceLink, PageStep)>, StoreError> {
        let sql = sql!("{} WHERE token_hash = $1 AND step_expires_at > $2", select::<PageOfLink>());
        let page: Option<PageOfLink> =
            self.one(sql, [token_hash.as_slice().into(), now.into()]).await?;
        Ok(page.map(|page| (page.link, page.step)))
    }

    /// Uses up the token of a form and replaces it with the next one, which expires at the same
    /// moment; false if the token is unknown, used or expired.
    pub async fn use_form_token(
        &self,
        token_hash: [u8; 32],
        next_token_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE guidance_link SET token_hash = $1 \
            WHERE token_hash = $2 AND step = $3 AND step_expires_at > $4";
        let params = [
            next_token_hash.as_slice().into(),
            token_hash.as_slice().into(),
            PageStep::Form.into(),
            now.into(),
        ];
        self.execute(sql, params).await.map(|count| count == 1)
    }

    /// Tries a proof; those of both kinds count together. The form's token is used up;
    /// `next_token_hash` is that of the form that follows, until `next_expires_at` if the
    /// proof was right.
    pub async fn try_holder_proof(
        &self,
        token_hash: [u8; 32],
        proof: HolderProof,
        next_token_hash: [u8; 32],
        now: Timestamp,
        next_expires_at: Timestamp,
    ) -> Result<ProofOutcome, StoreError> {
        let attempt = ProofAttempt { token_hash, proof, next_token_hash, now, next_expires_at };
        self.write(with(attempt, try_proof)).await
    }
}

async fn open(tx: &Tx, secret_hash: [u8; 32], page: &OpenedPage) -> Result<(), OpenLinkError> {
    let sql = "UPDATE guidance_link SET opened_at = $1, step = $2, token_hash = $3, \
        otp_hash = $4, step_expires_at = $5 \
        WHERE secret_hash = $6 AND opened_at IS NULL AND expires_at > $1 \
        RETURNING enterprise_id";
    let params = [
        page.opened_at.into(),
        page.step.as_str().into(),
        page.token_hash.as_slice().into(),
        page.password.as_ref().map(|it| it.hash.as_slice()).into(),
        page.expires_at.into(),
        secret_hash.as_slice().into(),
    ];
    let enterprise_id: EnterpriseId = tx.one(sql, &params).await?.ok_or(OpenLinkError::Gone)?;
    let Some(password) = &page.password else { return Ok(()) };
    match claim_page_password(tx, enterprise_id, secret_hash, password.sent_at).await? {
        OtpClaim::Claimed => Ok(()),
        OtpClaim::Known(_) => Err(OpenLinkError::Gone),
        OtpClaim::TooMany => Err(OpenLinkError::TooManyPasswords),
    }
}

/// The data of a page that asks for a proof.
struct AskedProof {
    secret_hash: [u8; 32],
    otp_hash: Option<Vec<u8>>,
    otp_tries: i64,
    step_expires_at: Timestamp,
}

record! {
    AskedProof in "guidance_link" key (secret_hash) {
        secret_hash,
        otp_hash,
        otp_tries,
        step_expires_at,
    }
}

struct ProofAttempt {
    token_hash: [u8; 32],
    proof: HolderProof,
    next_token_hash: [u8; 32],
    now: Timestamp,
    next_expires_at: Timestamp,
}

async fn try_proof(tx: &Tx, attempt: &ProofAttempt) -> Result<ProofOutcome, StoreError> {
    let sql = sql!(
        "{} WHERE token_hash = $1 AND step = $2 AND step_expires_at > $3 FOR UPDATE",
        select::<AskedProof>()
    );
    let params = [attempt.token_hash.as_slice().into(), PageStep::Otp.into(), attempt.now.into()];
    let Some(asked) = tx.one::<AskedProof>(sql, &params).await? else {
        return Ok(ProofOutcome::Expired);
    };
    let passed = match attempt.proof {
        // Both are keyed hashes, so the time of the comparison reveals nothing of the password.
        HolderProof::Password(hash) => asked.otp_hash.as_deref() == Some(hash.as_slice()),
        HolderProof::CardDetails { is_right } => is_right,
    };
    let tries = asked.otp_tries + 1;
    let outcome = match passed {
        true => ProofOutcome::Passed,
        false if tries < MAX_PROOF_TRIES => ProofOutcome::Wrong,
        false => ProofOutcome::Exhausted,
    };
    let next_token = match outcome {
        ProofOutcome::Exhausted => None,
        _ => Some(attempt.next_token_hash.as_slice()),
    };
    let (next_step, expires_at) = match outcome {
        ProofOutcome::Passed => (PageStep::Form, attempt.next_expires_at),
        _ => (PageStep::Otp, asked.step_expires_at),
    };
    let update = "UPDATE guidance_link SET token_hash = $1, step = $2, step_expires_at = $3, \
        otp_tries = $4 WHERE secret_hash = $5";
    let params = [
        next_token.into(),
        next_step.as_str().into(),
        expires_at.into(),
        tries.into(),
        asked.secret_hash.as_slice().into(),
    ];
    tx.execute(update, &params).await?;
    Ok(outcome)
}
