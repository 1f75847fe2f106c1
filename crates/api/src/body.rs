//! Reading request bodies within a limit of bytes and time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};

use http_body_util::BodyExt as _;

/// Largest body accepted by every API here.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
/// How much of a too large body is read and dropped, so that its sender gets to see the
/// answer rather than a reset connection.
const MAX_DROPPED_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait for a whole body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than its limit.
    TooLarge,
    /// Not whole at the deadline.
    TooSlow,
    /// Ill-formed chunks, or the caller hung up.
    Broken,
}

/// The whole body.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, BodyError> {
    read_body_up_to(body, MAX_BODY_BYTES).await
}

/// The whole body, if it is not longer than `max_bytes`.
pub(crate) async fn read_body_up_to(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    let read = tokio::time::timeout(BODY_DEADLINE, read_limited(body, max_bytes));
    read.await.unwrap_or(Err(BodyError::TooSlow))
}

async fn read_limited(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    // Room for what is announced, since a buffer that grows is copied into fresh pages, each of
    // which the kernel has to clear.
    let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let mut kept = BytesMut::with_capacity(announced.unwrap_or(0).min(max_bytes));
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > MAX_DROPPED_BYTES {
            break;
        }
        if seen <= max_bytes {
            kept.extend_from_slice(&data);
        }
    }
    if seen > max_bytes { Err(BodyError::TooLarge) } else { Ok(kept.freeze()) }
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
}
