//! Name resolution that hands out only addresses that the policy lets through.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::AddressPolicy;

/// Most names looked up at once: each occupies a blocking thread until the system's
/// resolver answers, so a name server that hangs must not take all of them.
const MAX_LOOKUPS: usize = 64;

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Every address of the name is refused. Found again in the chain of the client's error.
#[derive(Debug, Error)]
#[error("every address of the name is refused")]
pub(crate) struct AllRefused;

/// The system's resolver behind the address policy. What it returns is what the
/// client connects to: nothing is resolved a second time after the check.
pub(crate) struct GuardedResolver {
    policy: Arc<AddressPolicy>,
    lookups: Arc<Semaphore>,
}

impl GuardedResolver {
    pub(crate) fn new(policy: Arc<AddressPolicy>) -> Self {
        Self { policy, lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let lookups = Arc::clone(&self.lookups);
        Box::pin(async move {
            let permit = lookups.acquire_owned().await?;
            // The permit goes with the thread: a caller that gives up does not free it.
            let resolved = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs()
            })
            .await??;
            let permitted = permitted(&policy, resolved);
            if permitted.is_empty() {
                return Err(AllRefused.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

fn permitted(
    policy: &AddressPolicy,
    resolved: impl Iterator<Item = SocketAddr>,
) -> Vec<SocketAddr> {
    resolved.filter(|address| policy.permits(address.ip())).take(MAX_ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::{AddressPolicy, permitted};

    #[test]
    fn refused_addresses_of_a_mixed_answer_are_left_out() {
        let resolved = ["10.0.0.1:0", "1.1.1.1:0", "[::1]:0", "[2606:4700::1]:0"];
        let kept = permitted(
            &AddressPolicy::default(),
            resolved.iter().map(|address| address.parse().unwrap()),
        );
        let expected: Vec<std::net::SocketAddr> =
            ["1.1.1.1:0", "[2606:4700::1]:0"].iter().map(|a| a.parse().unwrap()).collect();
        assert_eq!(kept, expected);
    }
}
