//! The floor: CPU of the four RSA operations that one forwarded authorisation requires of the
//! platform, through the same crate that the platform uses.

use anyhow::{Result, ensure};
use crypto::RsaPrivateKey;
use domain::RsaPadding;

use crate::process::thread_cpu_seconds;

/// Rounds that warm the caches.
const WARM_UP_ROUNDS: u32 = 200;
/// Rounds that are measured.
const ROUNDS: u32 = 2_000;
/// Length of the keys, in bits.
const BITS: u32 = 2048;
/// As long as the plaintext of a notice.
const PLAIN: &[u8] =
    br#"{"authId":"4934950835815641999","direction":"OUTGOING","currency":"840","amount":20.50}"#;

/// CPU of one encryption, signature, verification and decryption together, in seconds.
pub fn measure() -> Result<f64> {
    let (platform, enterprise) = (RsaPrivateKey::generate(BITS)?, RsaPrivateKey::generate(BITS)?);
    let block = platform.public_key().encrypt(RsaPadding::Pkcs1, PLAIN)?;
    let signature = enterprise.sign_sha256(&block)?;
    let round = || -> Result<()> {
        let sealed = enterprise.public_key().encrypt(RsaPadding::Pkcs1, PLAIN)?;
        platform.sign_sha256(&sealed)?;
        ensure!(enterprise.public_key().verify_sha256(&block, &signature), "a signature");
        ensure!(platform.decrypt(RsaPadding::Pkcs1, &block)?.len() == PLAIN.len(), "a plaintext");
        Ok(())
    };
    (0..WARM_UP_ROUNDS).try_for_each(|_| round())?;
    let before = thread_cpu_seconds()?;
    (0..ROUNDS).try_for_each(|_| round())?;
    Ok((thread_cpu_seconds()? - before) / f64::from(ROUNDS))
}
