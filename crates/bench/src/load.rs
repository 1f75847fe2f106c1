//! Callers that send as fast as they are answered, and a schedule for callers that do not wait.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

use crate::connection::Connection;

/// Runs `work` on `count` concurrent connections to `address`; returns the sum of their results.
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

/// The moments at which calls are due: `count` of them, `per_second` a second. A thread keeps time,
/// because the runtime's timers have a resolution of only a millisecond; latency counts from the
/// due moment.
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
