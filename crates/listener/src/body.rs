//! Reading request bodies within limits on bytes and time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

/// Largest body accepted by every API here.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most bytes of an oversized body that are read and dropped, so its sender sees the answer instead
/// of a reset connection.
const MAX_DROPPED_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait for a whole body, or for each of the two parts in which it is read.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Larger than its limit.
    TooLarge,
    /// Incomplete at the deadline.
    TooSlow,
    /// Ill-formed chunks, or the caller hung up.
    Broken,
}

/// The whole body.
pub async fn read_body(body: Body) -> Result<Bytes, BodyError> {
    read_body_up_to(body, MAX_BODY_BYTES).await
}

/// The whole body, if it is not longer than `max_bytes`.
pub async fn read_body_up_to(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    BegunBody { body, kept: BytesMut::new() }.rest(max_bytes).await
}

/// A body of which only the beginning has been read.
pub enum Begun {
    /// It ended there.
    Whole(Bytes),
    /// It goes on.
    Partly(BegunBody),
}

/// The part of a body that has been read, and the source of the rest.
pub struct BegunBody {
    body: Body,
    kept: BytesMut,
}

impl Begun {
    /// Reads a body if it is not longer than `first_bytes`. One that announces a greater length is
    /// not touched.
    pub async fn of(body: Body, first_bytes: usize) -> Result<Self, BodyError> {
        let mut begun = BegunBody { body, kept: BytesMut::new() };
        if begun.announced_bytes() > first_bytes {
            return Ok(Self::Partly(begun));
        }
        let read = tokio::time::timeout(BODY_DEADLINE, begun.read_to(first_bytes)).await;
        let is_whole = read.unwrap_or(Err(BodyError::TooSlow))?;
        Ok(if is_whole { Self::Whole(begun.kept.freeze()) } else { Self::Partly(begun) })
    }
}

impl BegunBody {
    /// The whole body, if it is not longer than `max_bytes`.
    pub async fn rest(mut self, max_bytes: usize) -> Result<Bytes, BodyError> {
        let read = tokio::time::timeout(BODY_DEADLINE, async {
            // Reserves what is announced, since a growing buffer is copied into fresh pages, each
            // of which the kernel has to clear.
            self.kept.reserve(self.announced_bytes().min(max_bytes));
            if self.read_to(max_bytes).await? {
                return Ok(());
            }
            self.drop_rest().await?;
            Err(BodyError::TooLarge)
        });
        read.await.unwrap_or(Err(BodyError::TooSlow))?;
        Ok(self.kept.freeze())
    }

    /// The number of bytes still to come; zero if it is not known.
    fn announced_bytes(&self) -> usize {
        let exact = self.body.size_hint().exact();
        exact.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Reads until the end, which returns true, or past this many bytes.
    async fn read_to(&mut self, max_bytes: usize) -> Result<bool, BodyError> {
        while self.kept.len() <= max_bytes {
            match self.next().await? {
                Some(data) => self.kept.extend_from_slice(&data),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    async fn drop_rest(&mut self) -> Result<(), BodyError> {
        let mut dropped = 0_usize;
        while dropped <= MAX_DROPPED_BYTES {
            let Some(data) = self.next().await? else { break };
            dropped = dropped.saturating_add(data.len());
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_of_the_limit_passes_and_one_more_byte_does_not() {
        let at_limit = vec![7; MAX_BODY_BYTES];
        assert_eq!(read_body(Body::from(at_limit.clone())).await.unwrap(), at_limit);
        let beyond = vec![7; MAX_BODY_BYTES + 1];
        assert_eq!(read_body(Body::from(beyond)).await, Err(BodyError::TooLarge));
    }

    /// A body that does not announce its length.
    fn streamed(pieces: &[&'static [u8]]) -> Body {
        let pieces: Vec<_> = pieces.iter().map(|it| Ok::<_, std::io::Error>(*it)).collect();
        Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_that_is_longer_than_its_beginning_is_read_on() {
        let begin = |body| Begun::of(body, 4);
        for short in [Body::from("abcd"), streamed(&[b"ab", b"cd"]), streamed(&[])] {
            assert!(matches!(begin(short).await, Ok(Begun::Whole(_))));
        }
        let long = || [Body::from("abcdefgh"), streamed(&[b"abc", b"def", b"gh"])];
        for (long, again) in long().into_iter().zip(long()) {
            let Ok(Begun::Partly(partly)) = begin(long).await else { panic!("more is to come") };
            assert_eq!(partly.rest(8).await.unwrap(), "abcdefgh");
            let Ok(Begun::Partly(partly)) = begin(again).await else { panic!("more is to come") };
            assert_eq!(partly.rest(7).await, Err(BodyError::TooLarge));
        }
    }
}
