//! The probable cause of an unusable answer of an enterprise in the sandbox: other signed bytes,
//! another digest or another padding. The diagnosis verifies more than the authorisation does and
//! decrypts unsigned bytes. So it is for the sandbox alone, and only after the answer was judged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::rsa::OaepDigests;
use crypto::{RsaPrivateKey, RsaPublicKey, base64_text};
use domain::{RsaHash, RsaPadding, RsaScheme};

use super::ReplyFault;
use super::reply::{is_text, sealed_text};

/// A likely cause of a fault, in a sentence that names the next step; `None` if no known cause
/// explains it. The sentence repeats nothing of the answer.
#[must_use]
pub fn diagnose_reply(
    body: &[u8],
    fault: &ReplyFault,
    enterprise_key: &RsaPublicKey,
    platform_key: &RsaPrivateKey,
    scheme: RsaScheme,
) -> Option<String> {
    let sealed = sealed_text(body).ok()?;
    let block = base64_text::decode(&sealed.ciphertext);
    match fault {
        ReplyFault::BadSignature => {
            let signature = SentSignature::read(&sealed.signature)?;
            let plain = block.as_deref().and_then(|block| opened(platform_key, scheme, block));
            let signed = SignedCandidates { text: &sealed.ciphertext, block, plain };
            Some(signed.explain(&signature, enterprise_key, scheme))
        }
        ReplyFault::BadCiphertext => {
            let Some(block) = block else {
                return Some(
                    "encryptData is no base64 text of the ciphertext; it is made with hex or \
                     holds other characters"
                        .to_owned(),
                );
            };
            explain_ciphertext(&block, platform_key, scheme)
        }
        _ => None,
    }
}

/// A signature that came as base64 or as hexadecimal digits.
struct SentSignature {
    bytes: Vec<u8>,
    is_hex: bool,
}

impl SentSignature {
    fn read(text: &str) -> Option<Self> {
        // Hexadecimal digits are valid base64 too, but of another length.
        let digits = text.trim();
        let is_hex = digits.len().is_multiple_of(2)
            && digits.len() >= crypto::rsa::MIN_BITS as usize / 4
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = if is_hex { hex::decode(digits).ok() } else { base64_text::decode(text) };
        bytes.map(|bytes| Self { bytes, is_hex })
    }
}

/// The texts and bytes that may have been signed.
struct SignedCandidates<'a> {
    text: &'a str,
    block: Option<Vec<u8>>,
    plain: Option<Vec<u8>>,
}

impl SignedCandidates<'_> {
    fn explain(&self, signature: &SentSignature, key: &RsaPublicKey, scheme: RsaScheme) -> String {
        let wanted = format!(
            "sign the base64 text of encryptData as it stands, or the ciphertext itself, with \
             RSASSA-PKCS1-v1_5 and {}, and send the signature as base64",
            scheme.hash
        );
        for (what, bytes) in self.all() {
            for hash in RsaHash::ALL {
                if key.verify(*hash, &bytes, &signature.bytes) {
                    let form = if signature.is_hex { ", sent as hexadecimal digits" } else { "" };
                    return format!("signature verifies over {what} with {hash}{form}: {wanted}");
                }
                if key.verify_pss(*hash, &bytes, &signature.bytes) {
                    return format!("signature is RSASSA-PSS over {what} with {hash}: {wanted}");
                }
            }
        }
        format!(
            "signature verifies over nothing that is known under externalPublicKey; is it made \
             with the private half of that key? Then {wanted}"
        )
    }

    fn all(&self) -> Vec<(&'static str, Vec<u8>)> {
        let compact: String = self.text.split_whitespace().collect();
        let mut all = vec![("the base64 text of encryptData", self.text.as_bytes().to_vec())];
        if compact != self.text {
            all.push(("the base64 text without its white space", compact.into_bytes()));
        }
        if let Some(block) = &self.block {
            all.push(("the ciphertext's bytes", block.clone()));
            let plain_form = STANDARD.encode(block);
            all.push(("the ciphertext in plain base64", plain_form.into_bytes()));
        }
        if let Some(plain) = &self.plain {
            all.push(("the plaintext", plain.clone()));
            let digest = hex::encode(crypto::sha256(plain));
            all.push(("the hexadecimal SHA-256 of the plaintext", digest.into_bytes()));
        }
        all
    }
}

/// The text inside a block, under the scheme's padding or another.
fn opened(key: &RsaPrivateKey, scheme: RsaScheme, block: &[u8]) -> Option<Vec<u8>> {
    let other = RsaPadding::ALL.iter().filter(|padding| **padding != scheme.padding);
    let paddings = std::iter::once(&scheme.padding).chain(other);
    let opened = paddings.filter_map(|padding| key.decrypt(*padding, block).ok());
    opened.map(|plain| plain.to_vec()).find(|plain| is_text(plain))
}

fn explain_ciphertext(block: &[u8], key: &RsaPrivateKey, scheme: RsaScheme) -> Option<String> {
    let expected = key.public_key().modulus_bytes();
    if block.len() != expected {
        return Some(format!(
            "encryptData has {} bytes behind its base64, one block of the platform's key has \
             {expected}: encrypt with platformPublicKey, once, and encode once",
            block.len()
        ));
    }
    let opens = |padding| key.decrypt(padding, block).is_ok_and(|plain| is_text(&plain));
    if let Some(other) = RsaPadding::ALL.iter().find(|it| **it != scheme.padding && opens(**it)) {
        return Some(format!(
            "encryptData opens with {other}, and the enterprise's rsaPadding is {}",
            scheme.padding
        ));
    }
    let variant = OaepDigests::OTHERS
        .iter()
        .find(|it| key.decrypt_oaep(**it, block).is_ok_and(|plain| is_text(&plain)));
    if let Some(variant) = variant {
        return Some(format!(
            "encryptData opens with OAEP of {variant}: OAEP_SHA256 has SHA-256 for both digest \
             and MGF1 (Java names SHA-1 for MGF1 unless told otherwise)"
        ));
    }
    Some(
        "encryptData opens with no padding that is known: is it encrypted with the \
         platformPublicKey of this enterprise?"
            .to_owned(),
    )
}
