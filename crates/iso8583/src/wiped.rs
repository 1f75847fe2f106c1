//! A growing buffer for card data.

use std::ops::{Deref, DerefMut};

use zeroize::{Zeroize as _, Zeroizing};

/// Bytes that are wiped wherever they were: when the buffer is dropped, shortened or moved to a
/// larger allocation. It has no Debug, Display or Serialize.
pub struct WipedBytes(Zeroizing<Vec<u8>>);

impl WipedBytes {
    /// An empty buffer that holds this many bytes without moving.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// Appends one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.reserve(1);
        self.0.push(byte);
    }

    /// Appends bytes.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Appends the same byte several times.
    pub fn fill(&mut self, byte: u8, times: usize) {
        self.reserve(times);
        let len = self.0.len() + times;
        self.0.resize(len, byte);
    }

    /// Makes room for that many more bytes. `Vec` would leave a copy behind when it grows.
    #[inline]
    pub fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
    }

    /// Keeps the first `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.get_mut(len..) {
            rest.zeroize();
            self.0.truncate(len);
        }
    }
}

impl Deref for WipedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for WipedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
