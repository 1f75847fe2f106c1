//! The RSA envelope round the handlers (vm-api.md section 4, DESIGN decision 7): identify the
//! caller, decrypt every block before judging any, answer every bad `content` alike, and
//! encrypt the answer for the merchant.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use crypto::{CryptoError, RsaPool, RsaPoolError, RsaPrivateKey, RsaPublicKey};
use domain::{EnterpriseId, RsaPadding, VmAppId};
use tokio::time::Instant;
use vault::Kept;
use wire::vm::VmError;
use wire::vm::envelope::{self, Content};
use wire::vm::framing;
use wire::vm::parameters::Parameters;
use zeroize::Zeroizing;

use super::budget::{Budget, Place};
use super::caller::{Caller, identify};
use super::opening::{Blocks, open_block};
use super::repeats::Once;
use super::reply::{Refusal, json};
use super::strikes::Strikes;
use crate::body::{BodyError, read_body_up_to};
use crate::peer::PeerAddress;
use crate::shell::RouteTemplate;
use crate::state::ApiState;

/// Blocks of an answer that one job encrypts; further ones may go to another thread.
const BLOCKS_PER_JOB: usize = 16;
/// Largest answer, in bytes of its blocks, that is encrypted where its call is handled: public
/// operations are so fast that handing few of them over costs more than they do.
const MAX_ENCRYPTED_IN_PLACE_BYTES: usize = 1_024;
/// How often room for an answer is looked for in the queue, and the pause in between: some
/// ten seconds, less than any client waits.
const MAX_SEAL_TRIES: u32 = 500;
const SEAL_PAUSE: Duration = Duration::from_millis(20);
/// How long who asks too much waits to hear so: callers that ask again at once would else
/// keep the processors busy with refusals.
const REFUSAL_PAUSE: Duration = Duration::from_millis(200);
/// Largest plain answer of a handler.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What the layer works with.
pub(crate) struct Envelope {
    state: Arc<ApiState>,
    budget: Budget,
    strikes: Strikes,
    platform_keys: Kept<EnterpriseId, RsaPrivateKey>,
    merchant_keys: Kept<VmAppId, RsaPublicKey>,
}

/// The plain object that a handler answers with, left on its response for the layer. No
/// Debug: some bear card data.
#[derive(Clone)]
pub(crate) struct PlainAnswer(pub(crate) Arc<Zeroizing<Vec<u8>>>);

impl PlainAnswer {
    /// A response that is nothing but this.
    pub(crate) fn of(plain: Zeroizing<Vec<u8>>) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(Self(Arc::new(plain)));
        response
    }
}

impl Envelope {
    /// A layer over this state.
    pub(crate) fn new(state: Arc<ApiState>) -> Self {
        Self {
            state,
            budget: Budget::default(),
            strikes: Strikes::default(),
            platform_keys: Kept::default(),
            merchant_keys: Kept::default(),
        }
    }

    /// A place for a call; none for who is cut off, or whose app has too many under way.
    fn place(&self, caller: &Caller) -> Option<Place> {
        let app = caller.app.vm_app_id;
        let is_cut_off = self.strikes.is_cut_off(app, caller.address, Instant::now());
        if is_cut_off { None } else { self.budget.place(app) }
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
        match plain.as_ref().map(|plain| Parameters::parse(plain)) {
            Some(Ok(parameters)) => Ok(parameters),
            _ => Err(self.strike(caller).into()),
        }
    }

    /// Counts a bad envelope; what it is answered with.
    fn strike(&self, caller: &Caller) -> VmError {
        let is_too_many = self.strikes.count(caller.app.vm_app_id, caller.address, Instant::now());
        if is_too_many { VmError::TooManyRequests } else { VmError::Invalid("content") }
    }

    /// The joined plain bytes; none if the content was no ciphertext for this key. What is
    /// none takes the time of one that is.
    async fn decrypt(
        &self,
        app: &domain::VmApp,
        place: &Place,
        content: Content,
        body_bytes: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        let key = self.platform_key(app.enterprise_id).await?;
        let block_bytes = key.public_key().bits() as usize / 8;
        let blocks = Blocks::of(content, body_bytes, block_bytes);
        self.budget.earn(place, blocks.count()).await;
        let mut plain = Zeroizing::new(Vec::new());
        let mut is_readable = blocks.are_whole();
        for block in blocks.each() {
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
        let vault = &self.state.vault;
        let opened = self.platform_keys.made_of(id, &stored.sealed_private_key, || {
            let sealed = &stored.sealed_private_key;
            let der = vault.open_platform_key(id, stored.version, sealed).ok()?;
            RsaPrivateKey::from_pkcs8_der(&der).ok()
        });
        Ok(opened.ok_or(VmError::ServerException)?)
    }

    fn merchant_key(&self, caller: &Caller) -> Result<RsaPublicKey, VmError> {
        let spki = caller.app.merchant_public_key.as_deref().ok_or(VmError::NoMerchantKey)?;
        let make = || RsaPublicKey::from_spki_der(spki).ok();
        self.merchant_keys.made_of(caller.app.vm_app_id, spki, make).ok_or(VmError::NoMerchantKey)
    }

    /// The answer in its envelope.
    async fn seal(
        &self,
        place: &Place,
        key: &RsaPublicKey,
        plain: &[u8],
    ) -> Result<Response, Refusal> {
        if plain.len() > MAX_ANSWER_BYTES {
            tracing::error!(bytes = plain.len(), "an answer is too large");
            return Err(VmError::ServerException.into());
        }
        let block_bytes = key.bits() as usize / 8;
        let pieces: Vec<Zeroizing<Vec<u8>>> =
            framing::pieces(plain, block_bytes).map(|it| Zeroizing::new(it.to_vec())).collect();
        if pieces.len() * block_bytes <= MAX_ENCRYPTED_IN_PLACE_BYTES {
            let joined = encrypted(key, &pieces).map_err(|_| VmError::ServerException)?;
            return Ok(json(envelope::success(&joined)));
        }
        let jobs = pieces.chunks(BLOCKS_PER_JOB).map(|pieces| self.encrypt(place, key, pieces));
        let mut joined = Vec::with_capacity(pieces.len() * block_bytes);
        for sealed in futures_util::future::join_all(jobs).await {
            joined.extend(sealed?);
        }
        Ok(json(envelope::success(&joined)))
    }

    /// Encrypts pieces, waiting for room in the queue of the threads: money has moved by now,
    /// and a client takes an error for "nothing was done" (vm-api.md section 11).
    async fn encrypt(
        &self,
        place: &Place,
        key: &RsaPublicKey,
        pieces: &[Zeroizing<Vec<u8>>],
    ) -> Result<Vec<u8>, Refusal> {
        let _turn = place.sealing().await;
        for _ in 0..MAX_SEAL_TRIES {
            let (key, pieces) = (key.clone(), pieces.to_vec());
            match self.pool().run(move || encrypted(&key, &pieces)).await {
                Ok(sealed) => return Ok(sealed.map_err(|_| VmError::ServerException)?),
                Err(RsaPoolError::QueueFull) => tokio::time::sleep(SEAL_PAUSE).await,
                Err(RsaPoolError::Unfinished) => break,
            }
        }
        tracing::error!("an answer was not encrypted; what it tells of was done");
        Err(VmError::ServerException.into())
    }

    fn pool(&self) -> &RsaPool {
        &self.state.pool
    }
}

/// The blocks of pieces, joined in order.
fn encrypted(key: &RsaPublicKey, pieces: &[Zeroizing<Vec<u8>>]) -> Result<Vec<u8>, CryptoError> {
    let blocks = pieces.iter().map(|it| key.encrypt(RsaPadding::Pkcs1, it));
    blocks.collect::<Result<Vec<_>, _>>().map(|blocks| blocks.concat())
}

/// Lets calls of identified apps through to their handler, with [`Caller`] and
/// [`Parameters`], and encrypts what it answers.
pub(crate) async fn layer(
    State(envelope): State<Arc<Envelope>>,
    request: Request,
    next: Next,
) -> Response {
    let template = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match exchange(&envelope, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(template) = template {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

async fn exchange(envelope: &Envelope, request: Request, next: Next) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let Some(PeerAddress(peer)) = parts.extensions.get().copied() else {
        tracing::error!("a request without its peer's address");
        return Err(VmError::ServerException.into());
    };
    let caller = identify(&envelope.state, &parts.headers, peer).await?;
    let merchant_key = envelope.merchant_key(&caller)?;
    let body =
        read_body_up_to(body, envelope::MAX_BODY_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge => envelope.strike(&caller),
            BodyError::TooSlow | BodyError::Broken => VmError::Invalid("content"),
        })?;
    let place = match envelope.place(&caller) {
        Some(place) => place,
        None => {
            drop(body);
            tokio::time::sleep(REFUSAL_PAUSE).await;
            return Err(VmError::TooManyRequests.into());
        }
    };
    let parameters = envelope.open(&caller, &place, &body).await?;
    let once = Once::of(&parts, caller.app.vm_app_id, &parameters)?;
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Arc::new(parameters));
    let turn = place.handling().await;
    let answered = match once {
        Some(once) => once.answer(&envelope.state.store, request, next).await?,
        None => next.run(request).await,
    };
    drop(turn);
    let Some(PlainAnswer(plain)) = answered.extensions().get().cloned() else {
        return Ok(answered);
    };
    envelope.seal(&place, &merchant_key, &plain).await
}
