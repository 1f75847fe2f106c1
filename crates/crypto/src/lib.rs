//! Cryptographic primitives that take the key as an argument. Nothing is stored here, and no error
//! says why something was refused: the reason would help a forger.

mod aead;
pub mod base64_text;
pub mod card_verification;
mod error;
pub mod field_cipher;
mod hash;
mod key_text;
pub mod luhn;
pub mod pin_verification;
mod pool;
pub mod rsa;
mod tls;

pub use aead::AeadKey;
pub use error::CryptoError;
pub use hash::{Sha256, constant_time_eq, hkdf_sha256, hmac_sha256, hmac_sha256_matches, sha256};
pub use key_text::KeyTextFault;
pub use pool::{RsaPool, RsaPoolError};
pub use rsa::{RsaPrivateKey, RsaPublicKey};
pub use tls::{install_tls_provider, tls_provider};
