//! The shares of the process's file handles: callers who open connections must not take those that
//! the store, the other listener and outbound requests need.

use listener::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failure::Failure;

/// What the connections of links leave is shared out: each listener may take one part in this many,
/// and so may the exchanges with enterprises; the rest is for everything else.
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

/// Raises the process's limit on file handles as far as allowed, and shares out what the
/// connections of links leave.
///
/// # Errors
/// Links may have so many connections that too little is left for the rest.
pub fn shares(link_connections: usize) -> Result<HandleShares, Failure> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let handles = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of file handles could not be raised");
            limit.current
        }
    };
    let shares = shares_of(handles, link_connections).ok_or_else(|| {
        Failure::configuration(format_args!(
            "links: should have at most half as many connections together as there are file \
             handles, not {link_connections} of {}",
            handles.unwrap_or_default()
        ))
    })?;
    if shares.connections_per_listener < MAX_CONNECTIONS {
        tracing::warn!(
            handles,
            connections = shares.connections_per_listener,
            "few file handles: each listener takes fewer connections"
        );
    }
    Ok(shares)
}

/// The shares of this many handles (`None` = no limit); `None` if links would have most of them.
fn shares_of(handles: Option<u64>, link_connections: usize) -> Option<HandleShares> {
    let of_links = u64::try_from(link_connections).unwrap_or(u64::MAX);
    if handles.is_some_and(|handles| of_links > handles / 2) {
        return None;
    }
    let part = handles.map(|handles| {
        usize::try_from(handles.saturating_sub(of_links) / PARTS).unwrap_or(usize::MAX)
    });
    let connections = part.unwrap_or(MAX_CONNECTIONS).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
    Some(HandleShares {
        connections_per_listener: connections,
        exchanges: connections.min(MAX_EXCHANGES),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_and_exchanges_leave_a_quarter_of_the_handles_to_everything_else() {
        let of = |handles, links| {
            let shares = shares_of(handles, links)?;
            Some((shares.connections_per_listener, shares.exchanges))
        };
        assert_eq!(of(Some(1_024), 0), Some((256, 256)));
        assert_eq!(of(Some(u64::MAX), 0), Some((MAX_CONNECTIONS, MAX_EXCHANGES)));
        assert_eq!(of(None, 10_000), Some((MAX_CONNECTIONS, MAX_EXCHANGES)));
        assert_eq!(of(Some(8), 0), Some((MIN_CONNECTIONS, MIN_CONNECTIONS)));
        assert_eq!(of(Some(1_024), 512), Some((128, 128)));
        assert_eq!(of(Some(1_024), 513), None);
    }
}
