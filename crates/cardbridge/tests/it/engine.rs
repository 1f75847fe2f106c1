//! Both engines: the embedded store, and a PostgreSQL database of the test's own.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where a test's data lives.
pub struct Engine {
    /// Options for `serve`.
    options: Vec<String>,
}

impl Engine {
    /// The embedded store inside the data directory.
    pub const fn embedded() -> Self {
        Self { options: Vec::new() }
    }

    /// A new database on the server that `cargo xtask test` starts.
    pub async fn postgres() -> Self {
        let url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let name = format!("cardbridge_binary_{}_{}", std::process::id(), unique());
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        let mut url = url::Url::parse(&url).unwrap();
        url.set_path(&name);
        Self { options: vec!["--database-url".to_owned(), url.to_string()] }
    }

    /// Runs SQL in the database of the server, behind the platform's back.
    pub async fn tamper(&self, sql: &str) {
        let url = self.options.last().expect("a server");
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }

    /// A session of the test's own on the server.
    pub async fn connect(&self) -> tokio_postgres::Client {
        let url = self.options.last().expect("a server");
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Options for `serve`.
    pub fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }
}

/// Whether full counts are asked for: `cargo xtask test --long`.
pub fn is_long() -> bool {
    std::env::var_os("CARDBRIDGE_TEST_LONG").is_some()
}

/// A number that no other test of this run has.
#[allow(clippy::disallowed_methods)]
fn unique() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}
