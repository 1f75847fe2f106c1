//! Enterprise to platform: the reply.

use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::{AuthId, ResponseCode, RsaPadding};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{OpenFault, SealedText, open, seal};
use crate::cardbridge::input::{MAX_LONG_TEXT_CHARS, Object};

/// How much of an unknown code is kept for the decision receipt.
const MAX_UNKNOWN_CODE_CHARS: usize = 8;

/// Why a reply counts as no answer, for the decision receipt; callers outside never
/// learn it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplyFault {
    /// Not a JSON object with both texts.
    #[error("the reply is malformed")]
    Malformed,
    /// The signature was not made with the enterprise's key over this ciphertext.
    #[error("the signature does not verify")]
    BadSignature,
    /// The ciphertext does not open, or what it holds is no answer. Bad padding shows
    /// as the second, and both are one case on purpose.
    #[error("the ciphertext does not open")]
    BadCiphertext,
    /// It answers another authorisation.
    #[error("the answer names another authorisation")]
    WrongAuthId,
    /// The code is none of section 8.4: its first characters.
    #[error("unknown response code {0}")]
    UnknownCode(String),
}

/// The reply's body, as it travels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplyBody<'a> {
    signature: &'a str,
    encrypt_data: &'a str,
}

/// The reply's plaintext, in exactly this order (section 8.3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    auth_id: &'a str,
    response_code: ResponseCode,
}

/// The enterprise's side: builds, encrypts and signs the reply's body.
///
/// # Errors
/// The keys do not do their work, or `auth_id` is too long for one block.
pub fn seal_reply(
    auth_id: &str,
    response_code: ResponseCode,
    platform_key: &RsaPublicKey,
    enterprise_key: &RsaPrivateKey,
    padding: RsaPadding,
) -> Result<Vec<u8>, CryptoError> {
    let answer =
        serde_json::to_vec(&Answer { auth_id, response_code }).expect("two texts are JSON");
    let sealed = seal(&answer, platform_key, enterprise_key, padding)?;
    let body = ReplyBody { signature: &sealed.signature, encrypt_data: &sealed.ciphertext };
    Ok(serde_json::to_vec(&body).expect("two texts are JSON"))
}

/// Verifies and decrypts a reply and reads its code. Anything wrong counts as no answer.
///
/// # Errors
/// [`ReplyFault`] says what is wrong, for the receipt only.
pub fn open_reply(
    body: &[u8],
    expected: AuthId,
    enterprise_key: &RsaPublicKey,
    platform_key: &RsaPrivateKey,
    padding: RsaPadding,
) -> Result<ResponseCode, ReplyFault> {
    let sealed = sealed_text(body).ok_or(ReplyFault::Malformed)?;
    let plain =
        open(&sealed, enterprise_key, platform_key, padding).map_err(|fault| match fault {
            OpenFault::Signature => ReplyFault::BadSignature,
            OpenFault::Ciphertext => ReplyFault::BadCiphertext,
        })?;
    let (auth_id, code) = answer(&plain).ok_or(ReplyFault::BadCiphertext)?;
    if auth_id.parse() != Ok(expected) {
        return Err(ReplyFault::WrongAuthId);
    }
    code.parse().map_err(|_| ReplyFault::UnknownCode(excerpt(&code)))
}

fn sealed_text(body: &[u8]) -> Option<SealedText> {
    let object = Object::parse_body(body).ok()?;
    let text = |field| object.text_up_to(field, MAX_LONG_TEXT_CHARS).ok()?;
    Some(SealedText { signature: text("signature")?, ciphertext: text("encryptData")? })
}

/// The two fields of an answer; serde refuses a field that comes twice, since an answer
/// that says both yes and no says neither.
#[derive(Deserialize)]
struct OnceEach<'a> {
    #[serde(rename = "authId", borrow)]
    _auth_id: &'a RawValue,
    #[serde(rename = "responseCode", borrow)]
    _response_code: &'a RawValue,
}

fn answer(plain: &[u8]) -> Option<(String, String)> {
    serde_json::from_slice::<OnceEach<'_>>(plain).ok()?;
    let object = Object::parse_nested("encryptData", plain).ok()?;
    Some((object.required_id("authId").ok()?, object.required_text("responseCode").ok()?))
}

fn excerpt(code: &str) -> String {
    code.chars().filter(char::is_ascii_graphic).take(MAX_UNKNOWN_CODE_CHARS).collect()
}
