//! Errors of the primitives, with no more detail than the caller may know.

use thiserror::Error;

/// Why a primitive gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CryptoError {
    /// The key has the wrong form, size or kind.
    #[error("the key is not usable")]
    Key,
    /// The input has a form or length that the primitive does not take.
    #[error("the input has the wrong form or length")]
    Input,
    /// Ciphertext, tag or associated data do not belong together. Bad encoding, bad length and bad
    /// tag are deliberately one case.
    #[error("the ciphertext was refused")]
    Refused,
    /// The cryptographic library itself failed.
    #[error("the cryptographic library failed")]
    Library,
    /// RSA decryption distinguishes good padding from bad.
    #[error("RSA decryption lacks implicit rejection of bad PKCS#1 v1.5 padding")]
    PaddingOracle,
}
