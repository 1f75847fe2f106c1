//! The place of a store's data.

use std::path::PathBuf;

/// The place of the data. No Debug: a URL may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(ServerLocation),
}

/// A PostgreSQL server, and how it is connected to.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerLocation {
    /// `postgres://...`.
    pub url: String,
    /// The most connections of this process, at least [`ServerLocation::LEAST_CONNECTIONS`].
    pub connections: usize,
    /// What stands between here and the server.
    pub pooler: Pooler,
}

impl ServerLocation {
    /// The fewest connections with which a process works.
    pub const LEAST_CONNECTIONS: u16 = 8;
    /// The number of connections unless another is asked for.
    pub const DEFAULT_CONNECTIONS: u16 = 30;
}

impl From<String> for ServerLocation {
    /// A server without a pooler.
    fn from(url: String) -> Self {
        Self { url, connections: Self::DEFAULT_CONNECTIONS.into(), pooler: Pooler::None }
    }
}

/// A program that shares connections to a server among its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// None, or one that gives each client a connection of its own.
    None,
    /// One that gives a client a connection for each transaction, so that nothing of a session
    /// lasts: no plan and no setting.
    Transaction,
}
