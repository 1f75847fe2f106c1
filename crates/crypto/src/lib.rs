//! Cryptographic primitives that take the key as an argument. Nothing is stored here, and no error
//! says why something was refused: the reason would help a forger.

mod aead;
pub mod base64_text;
pub mod card_verification;
pub mod emv;
mod error;
pub mod field_cipher;
mod hash;
mod key_block;
mod key_text;
pub mod luhn;
mod peer_tls;
mod pin_block;
pub mod pin_verification;
mod pool;
pub mod rsa;
mod tdes;
mod tls;

pub use aead::AeadKey;
pub use error::CryptoError;
pub use hash::{Sha256, constant_time_eq, hkdf_sha256, hmac_sha256, hmac_sha256_matches, sha256};
pub use key_block::{KeyUsage, ProtectionKey, open_key_block};
pub use key_text::KeyTextFault;
pub use peer_tls::{PeerTlsError, TlsPart, TlsParts, certificate_name};
pub use pin_block::{PinBlockFormat, pin_block, pin_of};
pub use pool::{RsaPool, RsaPoolError};
pub use rsa::{RsaPrivateKey, RsaPublicKey};
pub use tdes::{MacPadding, TdesKey};
pub use tls::{install_tls_provider, tls_provider};
