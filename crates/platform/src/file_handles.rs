//! The shares of the process's file handles: callers who open connections must not take those that
//! the store, the other listener and outbound requests need.

use listener::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Each listener may take one part in this many, and so may the exchanges with enterprises; the
/// rest is for everything else.
const PARTS: u64 = 4;
/// Fewest connections of a listener, however few file handles there are.
const MIN_CONNECTIONS: usize = 16;
/// Most exchanges with enterprises at which replies are still read after their deadline.
const MAX_EXCHANGES: usize = 1_024;

/// The share of handles for each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandleShares {
    /// Connections of each listener.
    pub connections_per_listener: usize,
    /// Number of exchanges with enterprises beyond which late replies are no longer awaited.
    pub exchanges: usize,
}

/// Raises the process's limit on file handles as far as allowed, and shares them out.
pub fn shares() -> HandleShares {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let handles = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of file handles could not be raised");
            limit.current
        }
    };
    let shares = shares_of(handles);
    if shares.connections_per_listener < MAX_CONNECTIONS {
        tracing::warn!(
            handles,
            connections = shares.connections_per_listener,
            "few file handles: each listener takes fewer connections"
        );
    }
    shares
}

/// The shares of this many handles; `None` = no limit.
fn shares_of(handles: Option<u64>) -> HandleShares {
    let part = handles.map(|handles| usize::try_from(handles / PARTS).unwrap_or(usize::MAX));
    let connections = part.unwrap_or(MAX_CONNECTIONS).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
    HandleShares {
        connections_per_listener: connections,
        exchanges: connections.min(MAX_EXCHANGES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_and_exchanges_leave_a_quarter_of_the_handles_to_everything_else() {
        let of = |handles| {
            let shares = shares_of(handles);
            (shares.connections_per_listener, shares.exchanges)
        };
        assert_eq!(of(Some(1_024)), (256, 256));
        assert_eq!(of(Some(u64::MAX)), (MAX_CONNECTIONS, MAX_EXCHANGES));
        assert_eq!(of(None), (MAX_CONNECTIONS, MAX_EXCHANGES));
        assert_eq!(of(Some(8)), (MIN_CONNECTIONS, MIN_CONNECTIONS));
    }
}
