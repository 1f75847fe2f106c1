//! `Idempotency-Key` on the calls that change something, an extension of ours (vm-api.md
//! section 12): the same request of an app again gets the same answer again, and nothing
//! happens twice. Without the header each call is a new operation.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use crypto::sha256;
use domain::VmAppId;
use http::request::Parts;
use listener::once::{Carried, DONE, IllFormedKey, KEY_NAME, KeyedCall, Once, Ran, key_of};
use store::{KeptAnswer, Store};
use wire::vm::parameters::Parameters;
use wire::vm::{VmError, card};
use zeroize::Zeroizing;

use super::reply::{PlainAnswer, Refusal};

/// The calls that take a key. None of their answers carries a secret.
pub(super) const CHANGING: [&str; 6] = [
    card::CREATE_PATH,
    card::LIMIT_PATH,
    card::FREEZE_PATH,
    card::RECHARGE_PATH,
    card::REFUND_PATH,
    card::DELETE_PATH,
];
/// The further refusals of a call with a key.
pub(super) const REFUSALS: [VmError; 2] = [VmError::KeyReused, VmError::Value(KEY_NAME)];

/// The key of a request that is carried out once.
pub(super) struct RequestKey {
    key: String,
    digest: [u8; 32],
}

impl RequestKey {
    /// The key of a call that changes something and carries one; `None` for other calls.
    ///
    /// # Errors
    /// The key is blank, too long or not of visible characters.
    pub(super) fn of(
        parts: &Parts,
        app: VmAppId,
        parameters: &Parameters,
    ) -> Result<Option<Self>, VmError> {
        let path = parts.uri.path();
        let key = key_of(&parts.headers).filter(|_| CHANGING.contains(&path));
        let Some(key) = key else { return Ok(None) };
        let key = key.map_err(|IllFormedKey| VmError::Value(KEY_NAME))?;
        let digest = sha256(&[path.as_bytes(), b"\n", &parameters.canonical()].concat());
        // No header contains a line feed, so no operator's key can equal one of these.
        Ok(Some(Self { key: format!("vm\n{app}\n{key}"), digest }))
    }

    /// Carries the request out if its key is new; otherwise gives the first one's answer.
    ///
    /// # Errors
    /// The key was used with another request; the first one broke off without an answer; the
    /// store failed.
    pub(super) async fn answer(
        self,
        store: &Store,
        request: Request,
        next: Next,
    ) -> Result<Response, Refusal> {
        // The extensions hold the decrypted parameters; the body is no longer needed.
        let (parts, _) = request.into_parts();
        let call = KeyedCall { store, key: self.key, digest: self.digest };
        match call.carry_out(|once| run(parts.clone(), next.clone(), once)).await? {
            Carried::Ran(response) => Ok(response),
            Carried::Before(answer) => Ok(PlainAnswer::of(Zeroizing::new(answer.body))),
            Carried::OtherCall => Err(VmError::KeyReused.into()),
            Carried::Unanswered => Err(VmError::TooManyRequests.into()),
        }
    }
}

/// Runs the call in a separate task, so it completes even if the caller has gone. A refusal moved
/// nothing, so its key stays free.
async fn run(parts: Parts, next: Next, once: Once) -> Ran {
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(once);
    let response = tokio::spawn(next.run(request)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a handler broke off");
        Refusal(VmError::ServerException).into_response()
    });
    let plain = response.extensions().get::<PlainAnswer>();
    let answer = plain.map(|PlainAnswer(plain)| KeptAnswer { status: DONE, body: plain.to_vec() });
    Ran { is_done: answer.is_some(), response, answer }
}
