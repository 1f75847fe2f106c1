//! The RSA envelope round the handlers (vm-api.md section 4, docs/decisions/003-rsa-decryption.md):
//! identify the caller, decrypt every block before judging any, answer every bad `content`
//! alike, and encrypt the answer for the merchant.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crypto::{CryptoError, RsaPool, RsaPoolError, RsaPrivateKey, RsaPublicKey};
use domain::{EnterpriseId, RsaPadding};
use listener::body::{Begun, BegunBody, BodyError};
use listener::limiter::{Limit, LimitName, Limiter};
use listener::peer::{PeerAddress, network_of};
use tokio::time::Instant;
use wire::repeated_fields;
use wire::vm::VmError;
use wire::vm::envelope::{self, Content};
use wire::vm::framing;
use wire::vm::parameters::{self, Parameters};
use zeroize::Zeroizing;

use super::budget::{Budget, Place, Turn};
use super::caller::{Caller, identify};
use super::opening::{Blocks, open_block};
use super::repeats::RequestKey;
use super::reply::{PlainAnswer, Refusal, json};
use crate::state::ApiState;

/// Larger bodies, in bytes, of an app are read one after the other.
const LARGE_BODY_BYTES: usize = 16 * 1024;
/// Blocks of a body that are decrypted without a pause in between, more than usual calls need; the
/// pause before each further one leaves the processors to other apps.
const BLOCKS_AT_ONCE: usize = 8;
const BLOCK_PAUSE: Duration = Duration::from_millis(1);
/// Blocks of an answer that one job encrypts; further ones may go to another thread.
const BLOCKS_PER_JOB: usize = 16;
/// Largest answer, in bytes of its blocks, that is encrypted where its call is handled: public
/// operations are so fast that handing few of them over costs more than they do.
const MAX_ENCRYPTED_IN_PLACE_BYTES: usize = 1_024;
/// Most tries to find room for an answer in the queue, and the pause in between: some ten seconds
/// in all, less than any client waits.
const MAX_SEAL_TRIES: u32 = 500;
const SEAL_PAUSE: Duration = Duration::from_millis(20);
/// Largest plain answer of a handler.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Bad envelopes of one app from one address (operator-and-sandbox.md section 5, Limits).
const BAD_ENVELOPES: Limit = Limit::CutOff { weight: 100, window: Duration::from_secs(60) };

/// The parts of the layer.
pub(crate) struct Envelope {
    state: Arc<ApiState>,
    budget: Budget,
    /// By app and network address.
    strikes: Arc<Limiter>,
}

/// A call whose body was read.
struct Admitted {
    body: Bytes,
    place: Place,
    /// Held for a large body until it is opened.
    alone: Option<Turn>,
}

impl Envelope {
    /// A layer over this state.
    pub(crate) fn new(state: Arc<ApiState>) -> Self {
        let strikes = state.limits.limiter(LimitName::VmEnvelopes, BAD_ENVELOPES);
        Self { state, budget: Budget::default(), strikes }
    }

    /// A place for a call; `None` if its caller is cut off or its app has too many under way.
    fn place(&self, caller: &Caller) -> Option<Place> {
        let app = caller.app.vm_app_id;
        let pair = (app, network_of(caller.address));
        let is_cut_off = self.strikes.is_exceeded(&pair, Instant::now());
        if is_cut_off { None } else { self.budget.place(app) }
    }

    /// Reads a body and gives its call a place. A small body is read first, so a slow sender
    /// takes no place meanwhile.
    async fn admit(&self, caller: &Caller, body: Body) -> Result<Admitted, Refusal> {
        let begun = Begun::of(body, LARGE_BODY_BYTES).await;
        let begun = begun.map_err(|error| self.unread(caller, error))?;
        match (begun, self.place(caller)) {
            (Begun::Whole(body), Some(place)) => Ok(Admitted { body, place, alone: None }),
            (Begun::Whole(_), None) => Err(self.turn_away(caller).await),
            (Begun::Partly(partly), place) => self.admit_large(caller, partly, place).await,
        }
    }

    async fn admit_large(
        &self,
        caller: &Caller,
        partly: BegunBody,
        place: Option<Place>,
    ) -> Result<Admitted, Refusal> {
        let alone = match &place {
            Some(place) => place.large_body().await,
            None => None,
        };
        let (Some(place), Some(alone)) = (place, alone) else {
            // A caller that is still sending does not see the answer.
            let _ = partly.rest(0).await;
            return Err(self.turn_away(caller).await);
        };
        let body = partly.rest(envelope::MAX_BODY_BYTES).await;
        let body = body.map_err(|error| self.unread(caller, error))?;
        Ok(Admitted { body, place, alone: Some(alone) })
    }

    /// The refusal of a body that cannot be read.
    fn unread(&self, caller: &Caller, error: BodyError) -> VmError {
        match error {
            BodyError::TooLarge => self.strike(caller),
            BodyError::TooSlow | BodyError::Broken => VmError::Invalid("content"),
        }
    }

    /// Refuses a caller that asks too much. This does not count as a bad envelope, since nothing
    /// was decrypted.
    async fn turn_away(&self, caller: &Caller) -> Refusal {
        tokio::time::sleep(self.budget.refusal_pause(caller.app.vm_app_id, Instant::now())).await;
        VmError::TooManyRequests.into()
    }

    async fn open(
        &self,
        caller: &Caller,
        place: &Place,
        body: &[u8],
    ) -> Result<Parameters, Refusal> {
        if body.is_empty() {
            return Ok(Parameters::default());
        }
        // Reading a large body takes a processor as long as some of its blocks do.
        let turn = place.opening().await;
        let content = envelope::parse_request(body)?;
        if content == Content::Empty {
            return Ok(Parameters::default());
        }
        let plain = self.decrypt(&caller.app, place, content, body.len()).await?;
        drop(turn);
        let parts = [Some(body), plain.as_ref().map(|plain| plain.as_slice())];
        let repeated: Vec<_> = parts.into_iter().flatten().flat_map(repeated_fields).collect();
        if !repeated.is_empty() {
            let vm_app_id = caller.app.vm_app_id;
            tracing::warn!(%vm_app_id, ?repeated, "fields are there twice; the last counts");
        }
        match plain.as_ref().map(|plain| parameters::parse(plain)) {
            Some(Ok(parameters)) => Ok(parameters),
            _ => Err(self.strike(caller).into()),
        }
    }

    /// Counts a bad envelope and returns its refusal.
    fn strike(&self, caller: &Caller) -> VmError {
        let pair = (caller.app.vm_app_id, network_of(caller.address));
        if self.strikes.admits(&pair, Instant::now()) {
            VmError::Invalid("content")
        } else {
            VmError::TooManyRequests
        }
    }

    /// The joined plain bytes; `None` if the content is not a ciphertext for this key, which
    /// takes the same time to find out.
    async fn decrypt(
        &self,
        app: &domain::VmApp,
        place: &Place,
        content: Content,
        body_bytes: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        let key = self.platform_key(app.enterprise_id).await?;
        let blocks = Blocks::of(content, body_bytes, key.public_key().modulus_bytes());
        let mut plain = Zeroizing::new(Vec::new());
        let mut is_readable = blocks.are_whole();
        for (number, block) in blocks.each().enumerate() {
            if number >= BLOCKS_AT_ONCE {
                tokio::time::sleep(BLOCK_PAUSE).await;
            }
            self.budget.earn_block(place).await;
            let (key, block) = (key.clone(), block.to_vec());
            let decrypt = move |block: &[u8]| key.decrypt(RsaPadding::Pkcs1, block);
            let opened = self.pool().run(move || open_block(decrypt, &block)).await;
            match opened.map_err(|_| VmError::TooManyRequests)? {
                Some(piece) => plain.extend_from_slice(&piece),
                None => is_readable = false,
            }
        }
        Ok(is_readable.then_some(plain))
    }

    async fn platform_key(&self, id: EnterpriseId) -> Result<RsaPrivateKey, Refusal> {
        let stored = self.state.store.platform_key(id).await?;
        let stored = stored.ok_or(VmError::ServerException)?;
        let sealed = &stored.sealed_private_key;
        let opened = self.state.vault.platform_key(id, stored.version, sealed);
        Ok(opened.map_err(|_| VmError::ServerException)?)
    }

    fn merchant_key(&self, caller: &Caller) -> Result<RsaPublicKey, VmError> {
        let spki = caller.app.merchant_public_key.as_deref().ok_or(VmError::NoMerchantKey)?;
        self.state.vault.public_key(spki).ok_or(VmError::NoMerchantKey)
    }

    /// The answer in its envelope.
    async fn seal(
        &self,
        place: &Place,
        key: &RsaPublicKey,
        PlainAnswer(plain): &PlainAnswer,
    ) -> Result<Response, Refusal> {
        if plain.len() > MAX_ANSWER_BYTES {
            tracing::error!(bytes = plain.len(), "an answer is too large");
            return Err(VmError::ServerException.into());
        }
        let block_bytes = key.modulus_bytes();
        let piece_bytes = framing::piece_bytes(block_bytes);
        let sealed_bytes = plain.len().div_ceil(piece_bytes) * block_bytes;
        if sealed_bytes <= MAX_ENCRYPTED_IN_PLACE_BYTES {
            let joined = encrypted(key, plain).map_err(|_| VmError::ServerException)?;
            return Ok(json(envelope::success(&joined)));
        }
        let job_bytes = BLOCKS_PER_JOB * piece_bytes;
        let starts = (0..plain.len()).step_by(job_bytes);
        let parts = starts.map(|start| start..plain.len().min(start + job_bytes));
        let jobs = parts.map(|part| self.encrypt(place, key, plain, part));
        let mut joined = Vec::with_capacity(sealed_bytes);
        for sealed in futures_util::future::join_all(jobs).await {
            joined.extend(sealed?);
        }
        Ok(json(envelope::success(&joined)))
    }

    /// Encrypts a part of an answer, waiting for room in the queue of the threads: money has
    /// moved by now, and a client takes an error for "nothing was done" (vm-api.md section 11).
    async fn encrypt(
        &self,
        place: &Place,
        key: &RsaPublicKey,
        plain: &Arc<Zeroizing<Vec<u8>>>,
        part: Range<usize>,
    ) -> Result<Vec<u8>, Refusal> {
        let _turn = place.sealing().await;
        for _ in 0..MAX_SEAL_TRIES {
            let (key, plain, part) = (key.clone(), Arc::clone(plain), part.clone());
            match self.pool().run(move || encrypted(&key, &plain[part])).await {
                Ok(sealed) => return Ok(sealed.map_err(|_| VmError::ServerException)?),
                Err(RsaPoolError::QueueFull) => tokio::time::sleep(SEAL_PAUSE).await,
                Err(RsaPoolError::Unfinished) => break,
            }
        }
        tracing::error!("an answer could not be encrypted; its operation was carried out");
        Err(VmError::ServerException.into())
    }

    fn pool(&self) -> &RsaPool {
        &self.state.pool
    }
}

/// The blocks of a plain text, joined in order.
fn encrypted(key: &RsaPublicKey, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    key.encrypt_joined(RsaPadding::Pkcs1, framing::pieces(plain, key.modulus_bytes()))
}

/// Lets calls of identified apps through to their handler, with [`Caller`] and
/// [`Parameters`], and encrypts what it answers.
pub(crate) async fn layer(
    State(envelope): State<Arc<Envelope>>,
    request: Request,
    next: Next,
) -> Response {
    match exchange(&envelope, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn exchange(envelope: &Envelope, request: Request, next: Next) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let Some(PeerAddress(peer)) = parts.extensions.get().copied() else {
        tracing::error!("a request without its peer's address");
        return Err(VmError::ServerException.into());
    };
    let caller = identify(&envelope.state, &parts.headers, peer).await?;
    let merchant_key = envelope.merchant_key(&caller)?;
    let Admitted { body, place, alone } = envelope.admit(&caller, body).await?;
    let parameters = envelope.open(&caller, &place, &body).await?;
    drop((body, alone));
    let key = RequestKey::of(&parts, caller.app.vm_app_id, &parameters)?;
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Arc::new(parameters));
    let turn = place.handling().await;
    let answered = match key {
        Some(key) => key.answer(&envelope.state.store, request, next).await?,
        None => next.run(request).await,
    };
    drop(turn);
    match answered.extensions().get::<PlainAnswer>() {
        Some(plain) => envelope.seal(&place, &merchant_key, plain).await,
        None => Ok(answered),
    }
}
