//! Both engines: the embedded store, and a separate PostgreSQL database for each test.

use std::time::Duration;

use store::{Pooler, ServerLocation};
use testkit::counting_line::CountingLine;
use testkit::database::Database;

/// The engine that stores a test's data.
pub struct Engine {
    /// The database on the server; without one the data directory contains the store.
    server: Option<Database>,
    /// Options for `serve`.
    options: Vec<String>,
}

impl Engine {
    /// The embedded store inside the data directory.
    pub const fn embedded() -> Self {
        Self { server: None, options: Vec::new() }
    }

    /// A new database on the server that `cargo xtask test` starts.
    pub async fn postgres() -> Self {
        let server = Database::on_server().await;
        let ServerLocation { url, pooler, .. } = server.server();
        let mut options = vec!["--database-url".to_owned(), url];
        if pooler == Pooler::Transaction {
            options.extend(["--database-pooler", "transaction"].map(str::to_owned));
        }
        Self { server: Some(server), options }
    }

    /// The same behind a line that counts round trips and delays everything by `one_way`.
    pub async fn postgres_behind(one_way: Duration) -> (Self, CountingLine) {
        let server = Database::on_server().await;
        let line = CountingLine::before(server.server_address(), one_way).await;
        let url = server.url().replace(&server.server_address(), &line.address.to_string());
        let options = vec!["--database-url".to_owned(), url];
        (Self { server: Some(server), options }, line)
    }

    /// Runs SQL in the database of the server, behind the platform's back.
    pub async fn tamper(&self, sql: &str) {
        self.server.as_ref().expect("a server").tamper(sql).await;
    }

    /// A session of the test itself on the server.
    pub async fn connect(&self) -> tokio_postgres::Client {
        self.server.as_ref().expect("a server").connect().await
    }

    /// The rows of the server's tables, as text; the embedded store has files instead.
    pub async fn rows(&self) -> Vec<(String, Vec<u8>)> {
        match &self.server {
            Some(server) => server.rows().await,
            None => Vec::new(),
        }
    }

    /// Options for `serve`.
    pub fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }
}
