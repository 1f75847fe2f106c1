//! The names by which limits know callers. They stand in reports, so they tell nobody who it is.

use std::net::IpAddr;
use std::sync::Arc;

use domain::VmAppId;

use super::limit_name::LimitName;

/// Makes a name of a caller's bytes: a keyed hash that is equal in all processes of a store.
pub type Naming = Arc<dyn Fn(&[u8]) -> u128 + Send + Sync>;

/// Whatever a limit counts the calls of.
pub trait Caller {
    /// Appends what identifies the caller among those of its limit.
    fn identify(&self, bytes: &mut Vec<u8>);
}

impl Caller for str {
    fn identify(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }
}

impl Caller for String {
    fn identify(&self, bytes: &mut Vec<u8>) {
        self.as_str().identify(bytes);
    }
}

impl Caller for IpAddr {
    fn identify(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::V4(address) => bytes.extend_from_slice(&address.octets()),
            Self::V6(address) => bytes.extend_from_slice(&address.octets()),
        }
    }
}

impl Caller for VmAppId {
    fn identify(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.as_i64().to_be_bytes());
    }
}

impl<A: Caller, B: Caller> Caller for (A, B) {
    fn identify(&self, bytes: &mut Vec<u8>) {
        self.0.identify(bytes);
        self.1.identify(bytes);
    }
}

/// The caller's name under a limit; it has another under each.
pub(super) fn name<C: Caller + ?Sized>(naming: &Naming, limit: LimitName, caller: &C) -> u128 {
    let mut bytes = vec![limit as u8];
    caller.identify(&mut bytes);
    naming(&bytes)
}
