//! The answer to a notice, good or bad.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::CryptoError;
use domain::ResponseCode;
use http::{StatusCode, header};
use wire::cardbridge::authorisation_notice::seal_reply;

use super::state::{Inner, Known};
use crate::behaviour::Behaviour;

/// The time for which a silent enterprise keeps the connection open.
const SILENCE: Duration = Duration::from_secs(60);
/// More than any reader of a reply accepts.
const OVERSIZED_BYTES: usize = 1024 * 1024;
/// An authorisation that nobody asked about.
const OTHER_AUTH_ID: &str = "1000000000000000001";

pub(super) async fn answer(
    inner: &Arc<Inner>,
    known: &Arc<Known>,
    auth_id: &str,
    behaviour: Behaviour,
) -> Response {
    let approved = |auth_id| sealed(inner, known, auth_id, ResponseCode::Approved);
    match behaviour {
        Behaviour::Answer(code) => json(sealed(inner, known, auth_id, code).await),
        Behaviour::Late(code, pause) => {
            tokio::time::sleep(pause).await;
            json(sealed(inner, known, auth_id, code).await)
        }
        Behaviour::Held(code) => {
            // Nobody closes the gate, so each answer that passes uses up one permit.
            if let Ok(permit) = inner.gate.acquire().await {
                permit.forget();
            }
            json(sealed(inner, known, auth_id, code).await)
        }
        Behaviour::Silent => {
            tokio::time::sleep(SILENCE).await;
            StatusCode::OK.into_response()
        }
        Behaviour::WrongSignature => json(approved(auth_id).await.map(without_signature)),
        Behaviour::BadCiphertext => json(signed_nonsense(inner).await),
        Behaviour::WrongAuthId => json(approved(OTHER_AUTH_ID).await),
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, json(approved(auth_id).await)).into_response()
        }
        Behaviour::Oversized => json(Ok(vec![b' '; OVERSIZED_BYTES])),
        Behaviour::Garbage => json(Ok(b"<html>not what you expect</html>".to_vec())),
    }
}

fn json(body: Result<Vec<u8>, CryptoError>) -> Response {
    match body {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn sealed(
    inner: &Arc<Inner>,
    known: &Arc<Known>,
    auth_id: &str,
    code: ResponseCode,
) -> Result<Vec<u8>, CryptoError> {
    let (key, known, auth_id) = (inner.key.clone(), Arc::clone(known), auth_id.to_owned());
    inner
        .pool
        .run(move || seal_reply(&auth_id, code, &known.platform_key, &key, known.padding))
        .await
        .map_err(|_| CryptoError::Library)?
}

/// The reply with the first byte of its signature changed.
fn without_signature(body: Vec<u8>) -> Vec<u8> {
    const FIELD: &str = r#""signature":""#;
    let text = String::from_utf8(body).unwrap_or_default();
    let Some(start) = text.find(FIELD).map(|at| at + FIELD.len()) else {
        return text.into_bytes();
    };
    let mut changed = text.into_bytes();
    if let Some(byte) = changed.get_mut(start) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    changed
}

/// A block that decrypts to nothing sensible, under a good signature.
async fn signed_nonsense(inner: &Arc<Inner>) -> Result<Vec<u8>, CryptoError> {
    let key = inner.key.clone();
    let body = inner.pool.run(move || {
        let ciphertext = "A".repeat(342) + "==";
        let signature = STANDARD.encode(key.sign_sha256(ciphertext.as_bytes())?);
        Ok(format!(r#"{{"signature":"{signature}","encryptData":"{ciphertext}"}}"#).into_bytes())
    });
    body.await.map_err(|_| CryptoError::Library)?
}
