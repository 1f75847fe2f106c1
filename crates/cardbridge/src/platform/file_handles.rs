//! How the process's file handles are shared out: callers who open connections must not
//! take those that the store, the other listener and the requests out need.

use api::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Each listener may take one part in so many; the rest is for everything else.
const PARTS: u64 = 4;
/// Fewest connections of a listener, however few file handles there are.
const MIN_CONNECTIONS: usize = 16;

/// Raises the process's limit of file handles as far as it may, and tells how many
/// connections each listener may hold open under it.
pub fn connections_per_listener() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let handles = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of file handles could not be raised");
            limit.current
        }
    };
    let connections = share(handles);
    if connections < MAX_CONNECTIONS {
        tracing::warn!(
            handles,
            connections,
            "few file handles: each listener takes fewer connections"
        );
    }
    connections
}

/// The connections of a listener when there are so many handles; none = no limit.
fn share(handles: Option<u64>) -> usize {
    let part = handles.map(|handles| usize::try_from(handles / PARTS).unwrap_or(usize::MAX));
    part.unwrap_or(MAX_CONNECTIONS).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_listeners_leave_half_of_the_handles_to_everything_else() {
        assert_eq!(share(Some(1_024)), 256);
        assert_eq!(share(Some(u64::MAX)), MAX_CONNECTIONS);
        assert_eq!(share(None), MAX_CONNECTIONS);
        assert_eq!(share(Some(8)), MIN_CONNECTIONS);
    }
}
