//! Asking the enterprise: seal the notice, post it, verify and open the reply
//! (cardbridge-open-api.md sections 8.1 to 8.3).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crypto::{RsaPool, RsaPrivateKey, RsaPublicKey};
use domain::{AuthId, Authorisation, Cause, ResponseCode, RsaScheme, Timestamp, WebhookId};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use outbound::{Answer, Outbound, OutboundError, Post, excerpt, mask_url};
use tokio::time::Instant;
use vault::{SecretText, mask_pans};
use wire::cardbridge::authorisation_notice::{
    AUTH_SIGNATURE_HEADER, SealedNotice, diagnose_reply, open_reply, seal_notice,
};
use wire::cardbridge::signature::{WEBHOOK_SIGNATURE_HEADER, webhook_signature};

use crate::fault::Fault;

/// Most bytes read of a reply: two base64 texts of a 4096-bit key are below 2 KiB.
const MAX_REPLY_BYTES: usize = 16 * 1024;

/// The time for which a reply is read for the record, from when the notice was sent
/// (operator-and-sandbox.md section 3).
pub(crate) const LATE_ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The address at which an enterprise is asked, and the keys for that exchange.
pub(crate) struct AuthEndpoint {
    pub(crate) auth_url: SecretText,
    pub(crate) external_key: RsaPublicKey,
    pub(crate) platform_key: RsaPrivateKey,
    pub(crate) platform_key_version: u32,
    pub(crate) scheme: RsaScheme,
    /// Computes the extra `X-Signature`; `None` if the enterprise has no active API key.
    pub(crate) secret: Option<Arc<SecretText>>,
}

/// An exchange's result, in time or late.
pub(crate) struct Exchange {
    /// The enterprise's code, or why there is none.
    pub(crate) verdict: Result<ResponseCode, Fault>,
    /// HTTP status, if an answer arrived at all.
    pub(crate) status: Option<u16>,
    /// The beginning of an unusable answer, masked.
    pub(crate) excerpt: Option<String>,
    /// From sending to the last byte of the answer.
    pub(crate) elapsed: Option<Duration>,
    /// The sandbox's diagnosis of an unusable answer.
    pub(crate) hint: Option<String>,
    /// The unusable answer.
    unusable: Option<Bytes>,
}

/// Encrypts and signs the notice on the pool.
pub(crate) async fn seal(
    pool: &RsaPool,
    endpoint: &AuthEndpoint,
    authorisation: &Arc<Authorisation>,
    webhook_id: WebhookId,
    now: Timestamp,
) -> Result<SealedNotice, Fault> {
    let authorisation = Arc::clone(authorisation);
    let external_key = endpoint.external_key.clone();
    let platform_key = endpoint.platform_key.clone();
    let scheme = endpoint.scheme;
    let sealed = pool
        .run(move || {
            seal_notice(&authorisation, &external_key, &platform_key, scheme, webhook_id, now)
        })
        .await??;
    Ok(sealed)
}

/// Posts the notice, which the enterprise identifies by its authId, and reads the reply for as long
/// as a late one is recorded. The notice is not sent again after the `deadline` of the decision.
pub(crate) async fn exchange(
    outbound: &Outbound,
    pool: &RsaPool,
    endpoint: &AuthEndpoint,
    notice: SealedNotice,
    auth_id: AuthId,
    deadline: Instant,
) -> Exchange {
    let headers = match headers(endpoint, &notice) {
        Ok(headers) => headers,
        Err(fault) => return Exchange::without_answer(fault, None),
    };
    let post = Post {
        url: endpoint.auth_url.expose(),
        headers,
        body: Bytes::from(notice.body),
        deadline: Instant::now() + LATE_ANSWER_LIMIT,
        resend_until: deadline,
        max_response_bytes: MAX_REPLY_BYTES,
    };
    match outbound.post(post).await {
        Ok(answer) => opened(pool, endpoint, answer, auth_id).await,
        Err(error) => {
            let status = match error {
                OutboundError::TooLarge { status } => Some(status),
                _ => None,
            };
            Exchange::without_answer(error.into(), status)
        }
    }
}

impl Exchange {
    fn without_answer(fault: Fault, status: Option<u16>) -> Self {
        Self {
            verdict: Err(fault),
            status,
            excerpt: None,
            elapsed: None,
            hint: None,
            unusable: None,
        }
    }

    /// Looks for a likely mistake behind an unusable answer. Only in the sandbox, and only after
    /// the answer is judged: it decrypts unsigned data.
    pub(crate) async fn diagnose(&mut self, pool: &RsaPool, endpoint: &AuthEndpoint) {
        let Some(fault) = self.verdict.as_ref().err().and_then(|it| it.reply()).cloned() else {
            return;
        };
        let Some(body) = self.unusable.take() else { return };
        let (external_key, scheme) = (endpoint.external_key.clone(), endpoint.scheme);
        let platform_key = endpoint.platform_key.clone();
        let found = pool
            .run(move || diagnose_reply(&body, &fault, &external_key, &platform_key, scheme))
            .await;
        self.hint = found.ok().flatten();
    }
}

async fn opened(
    pool: &RsaPool,
    endpoint: &AuthEndpoint,
    answer: Answer,
    auth_id: AuthId,
) -> Exchange {
    let verdict = if answer.status == 200 {
        open(pool, endpoint, answer.body.clone(), auth_id).await
    } else {
        Err(Fault::status(answer.status))
    };
    Exchange {
        excerpt: verdict.is_err().then(|| kept(&answer.body, endpoint.auth_url.expose())),
        unusable: verdict.is_err().then(|| answer.body.clone()),
        verdict,
        status: Some(answer.status),
        elapsed: Some(answer.elapsed),
        hint: None,
    }
}

/// Masked before it is cut: what is left of a cut card number would no longer look like one.
fn kept(body: &[u8], url: &str) -> String {
    excerpt(mask_pans(&mask_url(&String::from_utf8_lossy(body), url)).as_bytes())
}

async fn open(
    pool: &RsaPool,
    endpoint: &AuthEndpoint,
    body: Bytes,
    auth_id: AuthId,
) -> Result<ResponseCode, Fault> {
    let external_key = endpoint.external_key.clone();
    let platform_key = endpoint.platform_key.clone();
    let scheme = endpoint.scheme;
    let code = pool
        .run(move || open_reply(&body, auth_id, &external_key, &platform_key, scheme))
        .await??;
    Ok(code)
}

fn headers(endpoint: &AuthEndpoint, notice: &SealedNotice) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut add = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value).ok()?);
        Some(())
    };
    let mut added = add(AUTH_SIGNATURE_HEADER, &notice.auth_signature);
    if let Some(secret) = &endpoint.secret {
        let signature = webhook_signature(secret.expose(), &notice.body);
        added = added.and_then(|()| add(WEBHOOK_SIGNATURE_HEADER, &signature));
    }
    added.ok_or_else(|| Fault::from(Cause::NoticeNotSealed))?;
    Ok(headers)
}
