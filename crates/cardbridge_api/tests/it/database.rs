//! A fresh database for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use store::Location;

/// An embedded file in a directory of its own.
pub struct Embedded {
    directory: tempfile::TempDir,
}

impl Embedded {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn location(&self) -> Location {
        Location::Sqlite(self.directory.path().join("store.db"))
    }
}

/// A database of its own on the test server.
pub struct Server {
    admin_url: String,
    name: String,
}

impl Server {
    pub async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("api_{}_{number}", std::process::id());
        let server = Self { admin_url, name };
        server.admin(&format!("CREATE DATABASE {}", server.name)).await;
        server
    }

    pub fn location(&self) -> Location {
        let (server, _) = self.admin_url.rsplit_once('/').unwrap();
        Location::Postgres(format!("{server}/{}", self.name))
    }

    pub async fn drop(&self) {
        self.admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn admin(&self, sql: &str) {
        let (client, connection) =
            tokio_postgres::connect(&self.admin_url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }
}

/// Runs SQL behind the store's back.
pub async fn tamper(location: &Location, sql: &str) {
    match location {
        Location::Sqlite(file) => {
            rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
        }
        Location::Postgres(url) => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
            drop(client);
            connection.await.unwrap().unwrap();
        }
    }
}

/// The number that a query behind the store's back comes to.
pub async fn number(location: &Location, sql: &str) -> i64 {
    match location {
        Location::Sqlite(file) => {
            let connection = rusqlite::Connection::open(file).unwrap();
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        }
        Location::Postgres(url) => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let number = client.query_one(sql, &[]).await.unwrap().get(0);
            drop(client);
            connection.await.unwrap().unwrap();
            number
        }
    }
}
