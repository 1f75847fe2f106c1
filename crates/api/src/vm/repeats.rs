//! `Idempotency-Key` on the calls that change something, an extension of ours (vm-api.md
//! section 12): the same request of an app again gets the same answer again, and nothing
//! happens twice. Without the header each call is a new operation.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use crypto::sha256;
use domain::VmAppId;
use http::request::Parts;
use store::{IdempotencyState, Store, StoreError};
use wire::vm::parameters::Parameters;
use wire::vm::{VmError, card};
use zeroize::Zeroizing;

use super::envelope::PlainAnswer;
use super::reply::Refusal;
use crate::operator::idempotency::KEY_HEADER;

/// Longest key.
pub(super) const MAX_KEY_BYTES: usize = 255;
/// The calls that take a key. None of their answers bears a secret.
pub(super) const CHANGING: [&str; 6] = [
    card::CREATE_PATH,
    card::LIMIT_PATH,
    card::FREEZE_PATH,
    card::RECHARGE_PATH,
    card::REFUND_PATH,
    card::DELETE_PATH,
];
/// What a key adds to the refusals of a call.
pub(super) const REFUSALS: [VmError; 2] = [VmError::KeyReused, VmError::Value(KEY_NAME)];
/// The header as clients write it.
pub(super) const KEY_NAME: &str = "Idempotency-Key";
/// How often a repeat asks whether the first request is answered, and the pause in between:
/// ten seconds, less than any client waits.
const MAX_LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// Kept beside each answer; this dialect has no other status.
const STATUS: u16 = 200;

/// A request that is carried out once.
pub(super) struct Once {
    key: String,
    digest: [u8; 32],
}

impl Once {
    /// Of a call that changes something and bears a key; none of others.
    ///
    /// # Errors
    /// The key is blank, too long or not of visible characters.
    pub(super) fn of(
        parts: &Parts,
        app: VmAppId,
        parameters: &Parameters,
    ) -> Result<Option<Self>, VmError> {
        let path = parts.uri.path();
        let header = parts.headers.get(KEY_HEADER).filter(|_| CHANGING.contains(&path));
        let Some(header) = header else { return Ok(None) };
        let key = header.to_str().ok().filter(|it| it.len() <= MAX_KEY_BYTES);
        let key = key.filter(|it| !it.trim().is_empty());
        let key = key.ok_or(VmError::Value(KEY_NAME))?;
        let digest = sha256(&[path.as_bytes(), b"\n", &parameters.canonical()].concat());
        // A line feed is in no header, so that no operator's key is ever one of these.
        Ok(Some(Self { key: format!("vm\n{app}\n{key}"), digest }))
    }

    /// Carries the request out if its key is new, else gives the first one's answer.
    ///
    /// # Errors
    /// The key was used with another request; the first one is still not answered; the store
    /// failed.
    pub(super) async fn answer(
        self,
        store: &Store,
        request: Request,
        next: Next,
    ) -> Result<Response, Refusal> {
        for _ in 0..MAX_LOOKS {
            match store.begin_idempotent(&self.key, self.digest).await {
                Ok(IdempotencyState::New) => {
                    return Ok(carried_out(store.clone(), self.key, request, next).await);
                }
                Ok(IdempotencyState::Answered { body, .. }) => {
                    return Ok(PlainAnswer::of(Zeroizing::new(body)));
                }
                Ok(IdempotencyState::Mismatch) => return Err(VmError::KeyReused.into()),
                Ok(IdempotencyState::InProgress) | Err(StoreError::Conflict(_)) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(VmError::TooManyRequests.into())
    }
}

/// In a task of its own, so that the answer is kept also where the caller has gone.
async fn carried_out(store: Store, key: String, request: Request, next: Next) -> Response {
    let task = tokio::spawn(async move {
        let answered = next.run(request).await;
        let kept = match answered.extensions().get::<PlainAnswer>() {
            Some(PlainAnswer(plain)) => store.finish_idempotent(&key, STATUS, plain).await,
            // A refusal moved nothing, so its key is free again.
            None => store.forget_idempotent(&key).await,
        };
        if let Err(error) = kept {
            tracing::error!(%error, "an answer could not be kept for its Idempotency-Key");
        }
        answered
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a handler broke off");
        Refusal(VmError::ServerException).into_response()
    })
}
