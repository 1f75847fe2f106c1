//! The one writer of a connection.

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::closing::CloseReason;
use super::meters::Undelivered;
use super::outgoing::Outgoing;
use super::shared::Link;
use super::socket::WriteHalf;

/// Frames that may wait to be written; the next one closes the connection.
pub(crate) const MAX_WAITING: usize = 256;

/// Writes frames until the queue ends; returns why it could not write them all.
pub(crate) async fn write_frames(
    link: Arc<Link>,
    id: u64,
    mut stream: WriteHalf,
    mut queue: Receiver<Box<Outgoing>>,
) -> Option<CloseReason> {
    while let Some(outgoing) = queue.recv().await {
        let writing = async {
            stream.write_all(&outgoing.frame).await?;
            // TLS keeps what the socket has not taken yet.
            stream.flush().await
        };
        let reason = match timeout(link.settings().times.write, writing).await {
            Ok(Ok(())) => {
                link.count_written(id, outgoing.answers);
                if let Some(delivery) = outgoing.delivery {
                    delivery.written();
                }
                continue;
            }
            Ok(Err(_)) => CloseReason::PeerClosed,
            Err(_) => CloseReason::SlowReader,
        };
        queue.close();
        // The peer may have received the one that was begun.
        link.count_undelivered(Undelivered::NotWritten, usize::from(outgoing.answers.is_some()));
        while let Ok(outgoing) = queue.try_recv() {
            link.hand_over(*outgoing);
        }
        return Some(reason);
    }
    // The peer may have closed it already.
    let _ = stream.shutdown().await;
    None
}
