//! The only source of randomness.

use std::sync::Arc;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// A number below `bound`, each equally likely. `bound` must be above zero.
    fn below(&self, bound: u64) -> u64 {
        assert!(bound > 0, "a random number below zero was asked for");
        // Rejecting the incomplete last span keeps all results equally likely.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let mut bytes = [0; 8];
            self.fill(&mut bytes);
            let value = u64::from_le_bytes(bytes);
            if value < limit {
                return value % bound;
            }
        }
    }
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// The operating system's generator, through aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has no random bytes");
    }
}
