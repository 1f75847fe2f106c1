//! Both engines: the embedded store, and a PostgreSQL database of the test's own.

use testkit::database::Database;

/// Where a test's data lives.
pub struct Engine {
    /// On the server; without one the data directory holds the store.
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
        let options = vec!["--database-url".to_owned(), server.url()];
        Self { server: Some(server), options }
    }

    /// Runs SQL in the database of the server, behind the platform's back.
    pub async fn tamper(&self, sql: &str) {
        self.server.as_ref().expect("a server").tamper(sql).await;
    }

    /// A session of the test's own on the server.
    pub async fn connect(&self) -> tokio_postgres::Client {
        self.server.as_ref().expect("a server").connect().await
    }

    /// Options for `serve`.
    pub fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }
}
