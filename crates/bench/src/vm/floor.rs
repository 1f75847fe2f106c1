//! The floor: CPU of RSA operations through the crate that the platform uses, on a thread of this
//! process while the platform works, so changes in the machine's speed affect both alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crypto::RsaPrivateKey;
use domain::RsaPadding;
use wire::vm::framing::PADDING_BYTES;

use crate::process::thread_cpu_seconds;

/// Length of the platform's keys, in bits (vm-api.md section 4.1).
const PLATFORM_KEY_BITS: u32 = 2048;
/// As long as the parameters of a call about one card.
const PARAMETERS: &[u8] = br#"{"card_id":"9a1d2c3b-1111-4222-8333-444455556666"}"#;
/// Repetitions of the measured operations in a row: enough that waking up does not matter.
const IN_A_ROW: u32 = 16;
/// Pause after that, to leave the machine to the platform.
const PAUSE: Duration = Duration::from_millis(40);
/// Duration of the measurement on the idle machine, after earlier work has finished.
const ALONE: Duration = Duration::from_secs(1);
const AFTERMATH: Duration = Duration::from_secs(1);

/// Keys of a platform and a merchant, made for this measurement.
pub struct Floor {
    platform: RsaPrivateKey,
    merchant: RsaPrivateKey,
    request: Vec<u8>,
    piece: Vec<u8>,
}

impl Floor {
    /// With a merchant's key of this many bits.
    pub fn new(merchant_key_bits: u32) -> Result<Self> {
        let platform = RsaPrivateKey::generate(PLATFORM_KEY_BITS)?;
        let merchant = RsaPrivateKey::generate(merchant_key_bits)?;
        let request = platform.public_key().encrypt(RsaPadding::Pkcs1, PARAMETERS)?;
        let piece = vec![b'x'; merchant_key_bits as usize / 8 - PADDING_BYTES];
        Ok(Self { platform, merchant, request, piece })
    }

    /// Decrypts a request's block.
    pub fn decrypt(&self) -> Result<()> {
        let plain = self.platform.decrypt(RsaPadding::Pkcs1, &self.request)?;
        ensure!(plain.len() == PARAMETERS.len(), "a plaintext");
        Ok(())
    }

    /// Encrypts blocks of an answer.
    pub fn encrypt(&self, blocks: usize) -> Result<()> {
        let pieces = (0..blocks).map(|_| self.piece.as_slice());
        self.merchant.public_key().encrypt_joined(RsaPadding::Pkcs1, pieces)?;
        Ok(())
    }

    /// Measures some operations until the watch is ended.
    pub fn watch(
        self: &Arc<Self>,
        operations: impl Fn(&Self) -> Result<()> + Send + 'static,
    ) -> Watch {
        let (floor, is_over) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let in_a_row = || (0..IN_A_ROW).try_for_each(|_| operations(&floor));
            in_a_row()?;
            let (before, mut done) = (thread_cpu_seconds()?, 0);
            while done == 0 || !over.load(Ordering::Relaxed) {
                in_a_row()?;
                done += IN_A_ROW;
                std::thread::sleep(PAUSE);
            }
            Ok((thread_cpu_seconds()? - before) / f64::from(done))
        });
        Watch { is_over, thread: Some(thread) }
    }

    /// CPU of some operations while the platform is idle, in seconds.
    pub async fn alone(
        self: &Arc<Self>,
        operations: impl Fn(&Self) -> Result<()> + Send + 'static,
    ) -> Result<f64> {
        tokio::time::sleep(AFTERMATH).await;
        let watch = self.watch(operations);
        tokio::time::sleep(ALONE).await;
        watch.end()
    }
}

/// A measurement under way; it ends when this is dropped.
pub struct Watch {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<f64>>>,
}

impl Watch {
    /// Ends it; returns the CPU of one repetition of the operations, in seconds.
    pub fn end(mut self) -> Result<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("a measurement ends once")?;
        thread.join().ok().context("the floor panicked")?
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
