//! Gives up connections whose other side stops reading: each would otherwise hold a place of its
//! listener for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::places::Connection;

/// A stream that fails if none of its written bytes leaves for too long, and that reports its
/// traffic to its connection's place.
pub(crate) struct Patient<S> {
    stream: S,
    connection: Arc<Connection>,
    patience: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// A stream whose writes wait at most this long.
    pub(crate) const fn new(stream: S, connection: Arc<Connection>, patience: Duration) -> Self {
        Self { stream, connection, patience, waiting: None }
    }

    fn within_patience(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.connection.has_written(written.is_pending());
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.has_read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within_patience(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.within_patience(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);
    /// Well within the patience, even on a busy machine, while four of them exceed it.
    const PAUSE: Duration = Duration::from_millis(1_400);

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up_and_a_slow_reader_is_not() {
        let (near, mut far) = duplex(4);
        let mut near = Patient::new(near, Arc::default(), PATIENCE);
        let write = async {
            near.write_all(&[7; 16]).await.unwrap();
            near.write_all(&[7; 16]).await.unwrap_err().kind()
        };
        let read = async {
            for _ in 0..4 {
                sleep(PAUSE).await;
                far.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        let (kind, ()) = tokio::join!(write, read);
        assert_eq!(kind, io::ErrorKind::TimedOut);
    }
}
