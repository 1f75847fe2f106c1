//! The floor: CPU of RSA operations on this thread, through the crate that the platform uses.

use anyhow::{Result, ensure};
use crypto::RsaPrivateKey;
use domain::RsaPadding;
use wire::vm::framing::PADDING_BYTES;

use crate::process::thread_cpu_seconds;

/// Length of the platform's keys, in bits (vm-api.md section 4.1).
const PLATFORM_KEY_BITS: u32 = 2048;
/// As long as the parameters of a call about one card.
const PARAMETERS: &[u8] = br#"{"card_id":"9a1d2c3b-1111-4222-8333-444455556666"}"#;
/// Operations that warm the caches, and that are measured.
const WARM_UP: u32 = 50;
const DECRYPTIONS: u32 = 300;
const ENCRYPTIONS: u32 = 2_000;

/// Keys of a platform and a merchant, made for this.
pub struct Floor {
    platform: RsaPrivateKey,
    merchant: RsaPrivateKey,
    request: Vec<u8>,
    piece: Vec<u8>,
}

impl Floor {
    /// With a merchant's key of so many bits.
    pub fn new(merchant_key_bits: u32) -> Result<Self> {
        let platform = RsaPrivateKey::generate(PLATFORM_KEY_BITS)?;
        let merchant = RsaPrivateKey::generate(merchant_key_bits)?;
        let request = platform.public_key().encrypt(RsaPadding::Pkcs1, PARAMETERS)?;
        let piece = vec![b'x'; merchant_key_bits as usize / 8 - PADDING_BYTES];
        Ok(Self { platform, merchant, request, piece })
    }

    /// CPU of decrypting a request's block, in seconds.
    pub fn decryption(&self) -> Result<f64> {
        mean(DECRYPTIONS, || {
            let plain = self.platform.decrypt(RsaPadding::Pkcs1, &self.request)?;
            ensure!(plain.len() == PARAMETERS.len(), "a plaintext");
            Ok(())
        })
    }

    /// CPU of encrypting a block of an answer, in seconds.
    pub fn encryption(&self) -> Result<f64> {
        mean(ENCRYPTIONS, || {
            self.merchant.public_key().encrypt(RsaPadding::Pkcs1, &self.piece)?;
            Ok(())
        })
    }
}

fn mean(count: u32, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    (0..WARM_UP).try_for_each(|_| operation())?;
    let before = thread_cpu_seconds()?;
    (0..count).try_for_each(|_| operation())?;
    Ok((thread_cpu_seconds()? - before) / f64::from(count))
}
