//! The notice that asks an enterprise about an authorisation, and its reply (cardbridge-open-api.md
//! section 8): encrypt, then sign the ciphertext; verify, then decrypt. Both directions are here,
//! because the platform's and the enterprise's side share every rule. All functions that use RSA
//! are slow and do no I/O, so the caller can run them in a pool of threads.

mod diagnosis;
#[cfg(test)]
mod documented_tests;
mod notice;
mod reply;
#[cfg(test)]
mod round_trip_tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey, base64_text};
use domain::{RsaScheme, RsaSignedBytes};
use zeroize::Zeroizing;

pub use diagnosis::diagnose_reply;
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

/// Encrypts for `receiver`, then signs the ciphertext: the UTF-8 bytes of its base64 text, or its
/// own bytes, as the scheme says.
fn seal(
    plain: &[u8],
    receiver: &RsaPublicKey,
    sender: &RsaPrivateKey,
    scheme: RsaScheme,
) -> Result<SealedText, CryptoError> {
    let block = receiver.encrypt(scheme.padding, plain)?;
    let ciphertext = STANDARD.encode(&block);
    let signed = match scheme.signed_bytes {
        RsaSignedBytes::Text => ciphertext.as_bytes(),
        RsaSignedBytes::Raw => &block,
    };
    let signature = STANDARD.encode(sender.sign(scheme.hash, signed)?);
    Ok(SealedText { ciphertext, signature })
}

/// Why a sealed text was not opened. Bad padding is not a separate case: it shows as
/// content that makes no sense, or as [`OpenFault::Ciphertext`] beside other bad blocks.
enum OpenFault {
    Signature,
    Ciphertext,
}

/// Verifies, then decrypts. A signature over the raw ciphertext bytes is as good as one
/// over the base64 text as it stands (cardbridge-open-api.md sections 8.3 and 15, F2 and F3).
fn open(
    sealed: &SealedText,
    sender: &RsaPublicKey,
    receiver: &RsaPrivateKey,
    scheme: RsaScheme,
) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
    let signature = base64_text::decode(&sealed.signature).ok_or(OpenFault::Signature)?;
    let block = base64_text::decode(&sealed.ciphertext).ok_or(OpenFault::Ciphertext)?;
    let is_signed = sender.verify(scheme.hash, sealed.ciphertext.as_bytes(), &signature)
        || sender.verify(scheme.hash, &block, &signature);
    if !is_signed {
        return Err(OpenFault::Signature);
    }
    receiver.decrypt(scheme.padding, &block).map_err(|_| OpenFault::Ciphertext)
}
