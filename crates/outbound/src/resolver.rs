//! Name resolution that returns only addresses that the policy permits.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use thiserror::Error;
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::AddressPolicy;

/// Most concurrent name lookups: each occupies a blocking thread until the system's resolver
/// answers, so a name server that hangs must not take all of them.
const MAX_LOOKUPS: usize = 64;

/// Most concurrent lookups of one name, so one enterprise whose name server hangs does not use up
/// [`MAX_LOOKUPS`] and with it everybody else's deadlines.
const MAX_LOOKUPS_PER_NAME: usize = 4;

/// Names remembered before those without a lookup under way are dropped.
const MAX_IDLE_NAMES: usize = 1024;

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Every address of the name is refused. It is found again in the chain of the client's error.
#[derive(Debug, Error)]
#[error("every address of the name is refused")]
pub(crate) struct AllRefused;

/// The system's resolver behind the address policy. The client connects to the addresses that it
/// returns: nothing is resolved a second time after the check.
#[derive(Clone)]
pub(crate) struct GuardedResolver(Arc<Lookups>);

struct Lookups {
    policy: Arc<AddressPolicy>,
    all: Arc<Semaphore>,
    names: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl GuardedResolver {
    pub(crate) fn new(policy: Arc<AddressPolicy>) -> Self {
        let all = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Self(Arc::new(Lookups { policy, all, names: Mutex::new(HashMap::new()) }))
    }

    /// The limit on lookups of `name`, shared by all that are under way.
    fn lookups_of(&self, name: &str) -> Arc<Semaphore> {
        let mut names = self.0.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookups) = names.get(name).and_then(Weak::upgrade) {
            return lookups;
        }
        if names.len() >= MAX_IDLE_NAMES {
            names.retain(|_, lookups| lookups.strong_count() > 0);
        }
        let lookups = Arc::new(Semaphore::new(MAX_LOOKUPS_PER_NAME));
        names.insert(name.to_owned(), Arc::downgrade(&lookups));
        lookups
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let policy = Arc::clone(&self.0.policy);
        let of_name = self.lookups_of(name.as_str());
        let of_all = Arc::clone(&self.0.all);
        Box::pin(async move {
            let permits = (of_name.acquire_owned().await?, of_all.acquire_owned().await?);
            // The permits belong to the thread: a caller that gives up does not release them.
            let resolved = tokio::task::spawn_blocking(move || {
                let _permits = permits;
                (name.as_str(), 0).to_socket_addrs()
            })
            .await??;
            let permitted = permitted(&policy, resolved);
            if permitted.is_empty() {
                return Err(AllRefused.into());
            }
            Ok(permitted.into_iter())
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
    use std::sync::Arc;

    use super::{AddressPolicy, GuardedResolver, MAX_IDLE_NAMES, MAX_LOOKUPS_PER_NAME, permitted};

    #[test]
    fn one_name_takes_only_its_share_of_the_lookups() {
        let resolver = GuardedResolver::new(Arc::new(AddressPolicy::default()));
        let slow = resolver.lookups_of("slow.example");
        let permits: Vec<_> =
            (0..MAX_LOOKUPS_PER_NAME).map(|_| slow.try_acquire().unwrap()).collect();
        assert!(resolver.lookups_of("slow.example").try_acquire().is_err());
        assert!(resolver.lookups_of("other.example").try_acquire().is_ok());
        drop(permits);
        assert!(resolver.lookups_of("slow.example").try_acquire().is_ok());
    }

    #[test]
    fn names_without_a_lookup_are_forgotten() {
        let resolver = GuardedResolver::new(Arc::new(AddressPolicy::default()));
        let busy = resolver.lookups_of("busy.example");
        for number in 0..2 * MAX_IDLE_NAMES {
            resolver.lookups_of(&format!("{number}.example"));
        }
        assert!(resolver.0.names.lock().unwrap().len() <= MAX_IDLE_NAMES);
        assert!(Arc::ptr_eq(&busy, &resolver.lookups_of("busy.example")));
    }

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
