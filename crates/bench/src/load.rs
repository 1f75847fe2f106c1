//! Callers that send as fast as they are answered, and moments for those that do not wait.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

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

/// The moments at which so many calls are due, so many a second. A thread keeps them, for
/// timers of the runtime are a millisecond coarse; a latency counts from the moment that was
/// due.
pub fn ticks(count: u32, per_second: u32) -> mpsc::UnboundedReceiver<(u32, Instant)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let started = Instant::now();
        for number in 0..count {
            let due = started + Duration::from_secs(1) * number / per_second;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send((number, due)).is_err() {
                return;
            }
        }
    });
    receiver
}
