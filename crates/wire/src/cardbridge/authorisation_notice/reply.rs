//! Enterprise to platform: the reply.

use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::{AuthId, ResponseCode, RsaScheme};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{OpenFault, SealedText, open, seal};
use crate::byte_order_mark::without_byte_order_mark;
use crate::cardbridge::problem::{ParseError, Problem};
use crate::cardbridge::reading::Object;
use crate::field::{Field, Kind};

/// Longest part of an unknown code that is kept for the decision receipt.
const MAX_UNKNOWN_CODE_CHARS: usize = 8;
const SIGNATURE: Field = Field::long_text("signature", "");
/// The field of the ciphertext; the notice has another name for its own.
const CIPHERTEXT: Field = Field::long_text("encryptData", "");
const NOTICES_CIPHERTEXT: Field = Field::long_text("encryptedData", "");
const AUTH_ID: Field = Field::of("authId", "", Kind::Id);
const RESPONSE_CODE: Field = Field::text("responseCode", "");

/// Why a reply counts as no answer: the step at which it failed, for log and receipt; callers never
/// learn it. Only a reply that the enterprise signed reaches the steps after the signature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplyFault {
    /// Not a JSON object.
    #[error("the body is not a JSON object with the texts signature and encryptData")]
    Malformed,
    /// A field of the body is missing or ill-formed.
    #[error("{0}")]
    Field(ParseError),
    /// The ciphertext is in a field with the name that the notice uses.
    #[error(
        "encryptData is missing: encryptedData is the notice's field, the answer's has no \"ed\""
    )]
    NoticesField,
    /// The signature was not made with the enterprise's key over this ciphertext.
    #[error(
        "signature does not verify over encryptData with the enterprise's externalPublicKey and \
         its rsaHash"
    )]
    BadSignature,
    /// The ciphertext does not open, or opens to bytes that are not a text. Bad padding shows as
    /// the second, and both are one case on purpose.
    #[error("encryptData does not open with the platform's key and the enterprise's rsaPadding")]
    BadCiphertext,
    /// The ciphertext opens to a text that is not a JSON object.
    #[error("the text inside encryptData is not a JSON object")]
    NotJson,
    /// A field of the object inside is missing or ill-formed, or occurs twice.
    #[error("{0}")]
    InnerField(ParseError),
    /// It answers another authorisation.
    #[error("encryptData.authId is not that of the notice")]
    WrongAuthId,
    /// The code is not one of cardbridge-open-api.md section 8.4. Holds its first characters.
    #[error("encryptData.responseCode {0} is none of 00, 01, 11 and 21")]
    UnknownCode(String),
}

/// The reply's body, as it travels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplyBody<'a> {
    signature: &'a str,
    encrypt_data: &'a str,
}

/// The reply's plaintext, in exactly this order (cardbridge-open-api.md section 8.3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    auth_id: &'a str,
    response_code: ResponseCode,
}

/// The enterprise's side: builds, encrypts and signs the reply's body.
///
/// # Errors
/// A key cannot encrypt or sign, or `auth_id` is too long for one block.
pub fn seal_reply(
    auth_id: &str,
    response_code: ResponseCode,
    platform_key: &RsaPublicKey,
    enterprise_key: &RsaPrivateKey,
    scheme: impl Into<RsaScheme>,
) -> Result<Vec<u8>, CryptoError> {
    let answer =
        serde_json::to_vec(&Answer { auth_id, response_code }).expect("two texts are JSON");
    let sealed = seal(&answer, platform_key, enterprise_key, scheme.into())?;
    let body = ReplyBody { signature: &sealed.signature, encrypt_data: &sealed.ciphertext };
    Ok(serde_json::to_vec(&body).expect("two texts are JSON"))
}

/// Verifies and decrypts a reply and reads its code. Any fault counts as no answer, and only
/// ciphertext that the enterprise signed is decrypted.
///
/// # Errors
/// [`ReplyFault`] says what is wrong, for log and receipt only.
pub fn open_reply(
    body: &[u8],
    expected: AuthId,
    enterprise_key: &RsaPublicKey,
    platform_key: &RsaPrivateKey,
    scheme: impl Into<RsaScheme>,
) -> Result<ResponseCode, ReplyFault> {
    let sealed = sealed_text(body)?;
    let opened = open(&sealed, enterprise_key, platform_key, scheme.into());
    let plain = opened.map_err(|fault| match fault {
        OpenFault::Signature => ReplyFault::BadSignature,
        OpenFault::Ciphertext => ReplyFault::BadCiphertext,
    })?;
    let (auth_id, code) = answer(&plain)?;
    if auth_id.parse() != Ok(expected) {
        return Err(ReplyFault::WrongAuthId);
    }
    code.parse().map_err(|_| ReplyFault::UnknownCode(excerpt(&code)))
}

pub(super) fn sealed_text(body: &[u8]) -> Result<SealedText, ReplyFault> {
    let object = Object::parse(without_byte_order_mark(body)).map_err(|_| ReplyFault::Malformed)?;
    let signature = object.required_text(SIGNATURE).map_err(ReplyFault::Field)?;
    match object.required_text(CIPHERTEXT) {
        Ok(ciphertext) => Ok(SealedText { ciphertext, signature }),
        Err(error)
            if error.problem == Problem::Missing
                && object.required_text(NOTICES_CIPHERTEXT).is_ok() =>
        {
            Err(ReplyFault::NoticesField)
        }
        Err(error) => Err(ReplyFault::Field(error)),
    }
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

fn answer(plain: &[u8]) -> Result<(String, String), ReplyFault> {
    let plain = without_byte_order_mark(plain);
    if !is_text(plain) {
        return Err(ReplyFault::BadCiphertext);
    }
    let object = Object::parse_nested(CIPHERTEXT.name, plain).map_err(|_| ReplyFault::NotJson)?;
    let auth_id = object.read_required(AUTH_ID).map_err(ReplyFault::InnerField)?;
    let code = object.required_text(RESPONSE_CODE).map_err(ReplyFault::InnerField)?;
    serde_json::from_slice::<OnceEach<'_>>(plain).map_err(|error| {
        let is_id = error.to_string().contains("authId");
        let field = if is_id { AUTH_ID } else { RESPONSE_CODE };
        ReplyFault::InnerField(object.wrong(field, Problem::Repeated))
    })?;
    Ok((auth_id, code))
}

/// True if bytes are a text that somebody could have written. Implicit rejection turns bad padding
/// into random bytes, which are hardly ever such a text.
pub(super) fn is_text(plain: &[u8]) -> bool {
    let is_bad = |c: char| c.is_control() && !c.is_ascii_whitespace();
    !plain.is_empty() && std::str::from_utf8(plain).is_ok_and(|text| !text.contains(is_bad))
}

fn excerpt(code: &str) -> String {
    code.chars().filter(char::is_ascii_graphic).take(MAX_UNKNOWN_CODE_CHARS).collect()
}
