//! Public keys as people paste them: every text that is certainly a key is accepted, and the error
//! for any other text names what it is.

use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use thiserror::Error;

use crate::rsa::limits::{MAX_BITS, MAX_KEY_BYTES, MIN_BITS, has_acceptable_numbers};
use crate::{CryptoError, base64_text};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const SPKI_LABEL: &str = "PUBLIC KEY";
const PKCS1_LABEL: &str = "RSA PUBLIC KEY";
/// Most PEM blocks of one text; a chain of certificates has fewer.
const MAX_BLOCKS: usize = 16;

/// Why a text is not taken as a public key. The messages follow the name of the field that held it
/// and never repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyTextFault {
    /// More than [`MAX_KEY_BYTES`].
    #[error("is longer than any key that is taken")]
    TooLong,
    /// A private key, as PEM or base64.
    #[error(
        "holds a private key, which nobody else should have: make a new pair if this one left \
         your machine, and give the public half (openssl rsa -in key.pem -pubout)"
    )]
    PrivateKey,
    /// A certificate.
    #[error("is a certificate: give its key (openssl x509 -in cert.pem -pubkey -noout)")]
    Certificate,
    /// OpenSSH's format.
    #[error("is an OpenSSH key: give it as PEM (ssh-keygen -e -m PKCS8 -f key.pub)")]
    OpenSsh,
    /// A JSON object, such as a JWK.
    #[error("is JSON, such as a JWK: give the key as PEM or as base64 of its SPKI")]
    Json,
    /// A PEM block without its last line.
    #[error("has no END line that fits its BEGIN line: the text was cut")]
    Cut,
    /// PEM without a public key in it.
    #[error("is PEM of something else than a PUBLIC KEY or RSA PUBLIC KEY")]
    OtherPem,
    /// More than one public key.
    #[error("holds several public keys: give one")]
    Several,
    /// Base64 of an impossible length.
    #[error("is base64 of which characters are missing: the text was cut")]
    CutBase64,
    /// Neither PEM nor base64.
    #[error("is neither PEM nor base64: a character is in it that neither has")]
    NotBase64,
    /// Base64 of something that is not a key.
    #[error("is base64, but not of a whole public key (SPKI or PKCS#1)")]
    NotAKey,
    /// A key of another kind.
    #[error("is a public key, but no RSA key")]
    NotRsa,
    /// An RSA key that is too short or too long.
    #[error("is an RSA key of {0} bits; those of {MIN_BITS} to {MAX_BITS} bits are taken")]
    Bits(u32),
    /// An RSA key with numbers that no tool generates.
    #[error("is an RSA key with a modulus or exponent that is not taken: make it with openssl")]
    Numbers,
}

impl From<KeyTextFault> for CryptoError {
    fn from(_: KeyTextFault) -> Self {
        Self::Key
    }
}

/// Reads a public key: PEM (SPKI or PKCS#1) with any text around it and with line breaks escaped as
/// `\n`, or base64 of the same DER, or base64 of the PEM.
pub(crate) fn read(text: &str) -> Result<PKey<Public>, KeyTextFault> {
    if text.len() > MAX_KEY_BYTES {
        return Err(KeyTextFault::TooLong);
    }
    let text = with_line_breaks(text);
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    if text.contains(BEGIN) {
        return of_pem(text);
    }
    if text.starts_with('{') {
        return Err(KeyTextFault::Json);
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        return Err(KeyTextFault::OpenSsh);
    }
    let bytes = base64_text::decode(text).ok_or_else(|| not_base64(text))?;
    match std::str::from_utf8(&bytes) {
        Ok(inner) if inner.contains(BEGIN) => of_pem(&with_line_breaks(inner)),
        _ => of_der(&bytes),
    }
}

/// The fault of a text that is not base64.
fn not_base64(text: &str) -> KeyTextFault {
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || "+/-_=\r\n".contains(c);
    if text.chars().all(is_of_it) { KeyTextFault::CutBase64 } else { KeyTextFault::NotBase64 }
}

/// Turns escaped line breaks (`\r` and `\n` as two characters each) back into real ones.
fn with_line_breaks(text: &str) -> String {
    text.replace("\\r", "\n").replace("\\n", "\n")
}

/// Checks that a key is an RSA key with acceptable numbers.
pub(crate) fn judge(key: &PKey<Public>) -> Result<(), KeyTextFault> {
    if key.id() != Id::RSA {
        return Err(KeyTextFault::NotRsa);
    }
    let rsa = key.rsa().map_err(|_| KeyTextFault::NotRsa)?;
    let bits = u32::try_from(rsa.n().num_bits()).unwrap_or(0);
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyTextFault::Bits(bits));
    }
    if has_acceptable_numbers(&rsa) { Ok(()) } else { Err(KeyTextFault::Numbers) }
}

/// The one public key among the blocks of a PEM text.
fn of_pem(text: &str) -> Result<PKey<Public>, KeyTextFault> {
    let mut found = None;
    let mut has_certificate = false;
    let mut rest = text;
    for _ in 0..MAX_BLOCKS {
        let Some(start) = rest.find(BEGIN) else { break };
        let (label, after) =
            rest[start + BEGIN.len()..].split_once(DASHES).ok_or(KeyTextFault::Cut)?;
        if label.ends_with("PRIVATE KEY") {
            return Err(KeyTextFault::PrivateKey);
        }
        let end = format!("{DASHES}END {label}{DASHES}");
        let (body, tail) = after.split_once(&end).ok_or(KeyTextFault::Cut)?;
        has_certificate |= label.ends_with("CERTIFICATE");
        if matches!(label, SPKI_LABEL | PKCS1_LABEL) && found.replace(body).is_some() {
            return Err(KeyTextFault::Several);
        }
        rest = tail;
    }
    match found {
        Some(body) => of_der(&base64_text::decode(body).ok_or_else(|| not_base64(body))?),
        None if has_certificate => Err(KeyTextFault::Certificate),
        None => Err(KeyTextFault::OtherPem),
    }
}

fn of_der(der: &[u8]) -> Result<PKey<Public>, KeyTextFault> {
    let pkcs1 = || PKey::from_rsa(Rsa::public_key_from_der_pkcs1(der)?);
    if let Ok(key) = PKey::public_key_from_der(der).or_else(|_| pkcs1()) {
        return Ok(key);
    }
    if PKey::private_key_from_der(der).is_ok() {
        return Err(KeyTextFault::PrivateKey);
    }
    let is_certificate = X509::from_der(der).is_ok();
    Err(if is_certificate { KeyTextFault::Certificate } else { KeyTextFault::NotAKey })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;

    use super::*;
    use crate::{RsaPrivateKey, RsaPublicKey};

    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::generate(2048).unwrap());

    fn pkcs1() -> (String, Vec<u8>) {
        let rsa = PKey::public_key_from_der(KEY.public_key().to_spki_der()).unwrap().rsa().unwrap();
        let pem = String::from_utf8(rsa.public_key_to_pem_pkcs1().unwrap()).unwrap();
        (pem, rsa.public_key_to_der_pkcs1().unwrap())
    }

    fn fault(text: &str) -> KeyTextFault {
        RsaPublicKey::from_text(text).err().unwrap()
    }

    #[test]
    fn anything_that_is_certainly_a_key_is_read_however_it_was_pasted() {
        let pem = KEY.public_key().to_pem();
        let base64 = KEY.public_key().to_base64();
        let (pkcs1_pem, pkcs1_der) = pkcs1();
        let spki = KEY.public_key().to_spki_der();
        for text in [
            pem.clone(),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\\n"),
            pem.replace('\n', "\\r\\n"),
            pem.replace('\n', ""),
            format!("\"{}\"", pem.replace('\n', "\\n")),
            format!("\u{feff}{pem}"),
            format!("writing RSA key\nsubject=CN = example\n{pem}\n# end of the file\n"),
            format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            pkcs1_pem,
            base64.clone(),
            format!(" {}\r\n\t{}\n", &base64[..100], &base64[100..]),
            base64.trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(spki),
            STANDARD.encode(pkcs1_der),
            STANDARD.encode(&pem),
            STANDARD.encode(pem.replace('\n', "\\n")),
            STANDARD.encode(pem.replace('\n', "\\r\\n")),
        ] {
            let read = RsaPublicKey::from_text(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
            assert_eq!(read.to_spki_der(), spki, "{text}");
        }
    }

    #[test]
    fn anything_but_a_key_is_refused_by_its_name() {
        let pem = KEY.public_key().to_pem();
        let private = KEY.to_pkcs8_der().unwrap();
        let private_pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n", STANDARD.encode(&*private));
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let curve = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let curve = String::from_utf8(curve.public_key_to_pem().unwrap()).unwrap();
        let short = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let short = STANDARD.encode(short.public_key_to_der().unwrap());
        for (text, expected) in [
            (" ".repeat(MAX_KEY_BYTES + 1).as_str(), KeyTextFault::TooLong),
            (&private_pem, KeyTextFault::PrivateKey),
            (&format!("{pem}{private_pem}"), KeyTextFault::PrivateKey),
            (&STANDARD.encode(&*private), KeyTextFault::PrivateKey),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----", KeyTextFault::PrivateKey),
            (certificate, KeyTextFault::Certificate),
            ("ssh-rsa AAAAB3NzaC1yc2E= me", KeyTextFault::OpenSsh),
            (r#"{"kty":"RSA","n":"AQAB"}"#, KeyTextFault::Json),
            (&pem[..200], KeyTextFault::Cut),
            ("-----BEGIN PUBLIC KEY", KeyTextFault::Cut),
            (
                "-----BEGIN DH PARAMETERS-----\nAA==\n-----END DH PARAMETERS-----",
                KeyTextFault::OtherPem,
            ),
            (&format!("{pem}{pem}"), KeyTextFault::Several),
            ("the key of the shop", KeyTextFault::NotBase64),
            (&pem.replacen("MIIB", "M", 1), KeyTextFault::CutBase64),
            (&pem.replacen("MII", "MI*", 1), KeyTextFault::NotBase64),
            ("", KeyTextFault::NotAKey),
            ("AAAA", KeyTextFault::NotAKey),
            (&KEY.public_key().to_base64()[..360], KeyTextFault::NotAKey),
            (&curve, KeyTextFault::NotRsa),
            (&short, KeyTextFault::Bits(1024)),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }
}
