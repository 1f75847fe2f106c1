//! Callers that send as fast as they are answered.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::Result;

use crate::connection::Connection;

/// Runs `work` on `count` connections to `address` at the same time; the sum of what
/// they return.
pub async fn callers<F, W>(address: SocketAddr, count: usize, work: F) -> Result<u64>
where
    F: Fn(usize, Connection) -> W,
    W: Future<Output = Result<u64>> + Send + 'static,
{
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(address).await?);
    }
    let running: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(index, connection)| tokio::spawn(work(index, connection)))
        .collect();
    let mut sum = 0;
    for caller in running {
        sum += caller.await??;
    }
    Ok(sum)
}
