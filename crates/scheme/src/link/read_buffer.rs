//! The one read buffer of a connection. Pure.

use zeroize::{Zeroize as _, Zeroizing};

/// Bytes that were received and not yet taken; what was taken is wiped.
pub(crate) struct ReadBuffer {
    bytes: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// A buffer of this size, which never changes.
    pub(crate) fn new(size: usize) -> Self {
        Self { bytes: Zeroizing::new(vec![0; size]), start: 0, end: 0 }
    }

    /// Nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What was received and not taken.
    pub(crate) fn received(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where more is read to: all that is free.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            let len = self.end - self.start;
            if let Some(moved) = self.bytes.get_mut(len..self.end) {
                moved.zeroize();
            }
            (self.start, self.end) = (0, len);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So much was read into the room.
    pub(crate) fn add(&mut self, len: usize) {
        self.end = self.bytes.len().min(self.end + len);
    }

    /// Takes that much, and wipes it.
    pub(crate) fn take(&mut self, len: usize) {
        let until = self.end.min(self.start + len);
        if let Some(taken) = self.bytes.get_mut(self.start..until) {
            taken.zeroize();
        }
        self.start = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(buffer: &mut ReadBuffer, bytes: &[u8]) {
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.add(bytes.len());
    }

    #[test]
    fn what_is_taken_is_wiped_and_the_rest_stays() {
        let mut buffer = ReadBuffer::new(8);
        receive(&mut buffer, b"abcdef");
        buffer.take(4);
        assert_eq!(buffer.received(), b"ef");
        assert_eq!(&buffer.bytes[..], b"\0\0\0\0ef\0\0");
        assert_eq!(buffer.room().len(), 6);
        assert_eq!(&buffer.bytes[..], b"ef\0\0\0\0\0\0");
        receive(&mut buffer, b"ghijkl");
        assert_eq!(buffer.received(), b"efghijkl");
        assert_eq!(buffer.room().len(), 0);
        buffer.take(8);
        assert!(buffer.is_empty());
        assert_eq!(&buffer.bytes[..], [0; 8]);
    }
}
