//! The notice that asks an enterprise about an authorisation, and its reply
//! (cardbridge-open-api.md section 8): encrypt, then sign the ciphertext; verify, then
//! decrypt. Both directions are here, for the platform and for the enterprise's side
//! share every rule. All functions that touch RSA are slow and do no I/O, so that the
//! caller can run them in a pool of threads.

mod notice;
mod reply;
#[cfg(test)]
mod round_trip_tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::RsaPadding;
use zeroize::Zeroizing;

pub use notice::{Notice, NoticeData, NoticeFault, SealedNotice, open_notice, seal_notice};
pub use reply::{ReplyFault, open_reply, seal_reply};

/// Header with the base64 signature of the notice's ciphertext.
pub const AUTH_SIGNATURE_HEADER: &str = "X-Auth-Signature";
/// The notice's webhookType.
pub const WEBHOOK_TYPE: &str = "AUTHORISATION";

/// A ciphertext and its signature, each as the base64 text that travels.
struct SealedText {
    ciphertext: String,
    signature: String,
}

/// Encrypts for `receiver`, then signs the UTF-8 bytes of the ciphertext's base64 text.
fn seal(
    plain: &[u8],
    receiver: &RsaPublicKey,
    sender: &RsaPrivateKey,
    padding: RsaPadding,
) -> Result<SealedText, CryptoError> {
    let ciphertext = STANDARD.encode(receiver.encrypt(padding, plain)?);
    let signature = STANDARD.encode(sender.sign_sha256(ciphertext.as_bytes())?);
    Ok(SealedText { ciphertext, signature })
}

/// Why a sealed text was not opened. Bad padding is no case of its own: it shows as
/// content that makes no sense, or as [`OpenFault::Ciphertext`] beside other bad blocks.
enum OpenFault {
    Signature,
    Ciphertext,
}

/// Verifies, then decrypts. A signature over the raw ciphertext bytes is as good as one
/// over the base64 text (section 8.3).
fn open(
    sealed: &SealedText,
    sender: &RsaPublicKey,
    receiver: &RsaPrivateKey,
    padding: RsaPadding,
) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
    let signature = STANDARD.decode(&sealed.signature).map_err(|_| OpenFault::Signature)?;
    let block = STANDARD.decode(&sealed.ciphertext).map_err(|_| OpenFault::Ciphertext)?;
    let is_signed = sender.verify_sha256(sealed.ciphertext.as_bytes(), &signature)
        || sender.verify_sha256(&block, &signature);
    if !is_signed {
        return Err(OpenFault::Signature);
    }
    receiver.decrypt(padding, &block).map_err(|_| OpenFault::Ciphertext)
}
