//! What other tasks ask of a connection.

use tokio::sync::oneshot;

use super::outgoing::Outgoing;
use super::own::Management;
use super::own_requests::ManagementAnswer;

/// Most commands that wait for a connection to take them.
pub(crate) const MAX_COMMANDS: usize = 16;

/// A command.
pub(crate) enum Command {
    /// Network management is to be sent, and the peer's answer passed on.
    Manage {
        /// What.
        what: Management,
        /// Gets the answer.
        answer: oneshot::Sender<ManagementAnswer>,
    },
    /// An answer is to be sent in place of a connection that is gone. Boxed, because each
    /// connection has room for several commands from its beginning.
    Answer(Box<Outgoing>),
}
