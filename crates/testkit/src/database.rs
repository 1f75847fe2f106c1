//! A fresh database for each test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::{Clock, IdGenerator};
pub use store::Location;
use store::{Pooler, ServerLocation, Store};
use tokio::sync::OnceCell;

/// True if full counts are wanted: `cargo xtask test --long`.
pub fn is_long() -> bool {
    std::env::var_os("CARDBRIDGE_TEST_LONG").is_some()
}

/// Names the address of a pooler in transaction mode that stands before the server, so that the
/// same tests show that nothing relies on a session.
pub const POOLER_VARIABLE: &str = "CARDBRIDGE_TEST_POOLER";
/// Spreads the tables of enterprises over partitions if it is set.
pub const PARTITIONED_VARIABLE: &str = "CARDBRIDGE_TEST_PARTITIONED";
/// Names the user of a platform, whose statements are recorded.
const USER_VARIABLE: &str = "CARDBRIDGE_TEST_PLATFORM_USER";
/// Names the isolation in which a platform's transactions run unless they ask for another, as on
/// engines that know no weaker one.
pub const ISOLATION_VARIABLE: &str = "CARDBRIDGE_TEST_ISOLATION";

/// A database that belongs to one test.
pub enum Database {
    /// An embedded file in its own directory.
    Embedded(tempfile::TempDir),
    /// Its own database on the test server.
    Server { admin_url: String, name: String },
}

impl Database {
    pub fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    pub async fn on_server() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let template = template(&admin_url).await;
        execute(&admin_url, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        if let Ok(isolation) = std::env::var(ISOLATION_VARIABLE) {
            let sql =
                format!("ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'");
            execute(&admin_url, &sql).await;
        }
        Self::Server { admin_url, name }
    }

    /// A fresh database on the same engine.
    pub async fn another(&self) -> Self {
        match self {
            Self::Embedded(_) => Self::embedded(),
            Self::Server { .. } => Self::on_server().await,
        }
    }

    /// Opens the store in it, with the machine's clock.
    pub async fn open(&self) -> Store {
        self.open_as(1).await
    }

    /// Opens the store in it as the process with this node number.
    pub async fn open_as(&self, node: u16) -> Store {
        open_at(self.location(), node).await
    }

    /// The location of the store.
    #[must_use]
    pub fn location(&self) -> Location {
        match self {
            Self::Embedded(directory) => Location::Sqlite(directory.path().join("store.db")),
            Self::Server { .. } => Location::Postgres(self.server()),
        }
    }

    /// How a platform connects to the server: behind a pooler if [`POOLER_VARIABLE`] names one.
    #[must_use]
    pub fn server(&self) -> ServerLocation {
        let url = match std::env::var(USER_VARIABLE) {
            Ok(user) => self.url().replacen("//postgres:", &format!("//{user}:"), 1),
            Err(_) => self.url(),
        };
        let direct = ServerLocation::from(url.clone());
        match std::env::var(POOLER_VARIABLE) {
            Ok(address) => ServerLocation {
                url: url.replace(&self.server_address(), &address),
                pooler: Pooler::Transaction,
                ..direct
            },
            Err(_) => direct,
        }
    }

    /// Opens the store on the server through `address`.
    pub async fn open_through(&self, address: SocketAddr) -> Store {
        let url = self.url();
        let (front, rest) = url.split_once('@').unwrap();
        let (_, name) = rest.split_once('/').unwrap();
        open_at(Location::Postgres(format!("{front}@{address}/{name}").into()), 1).await
    }

    /// The address where the server listens.
    pub fn server_address(&self) -> String {
        let url = self.url();
        let (_, rest) = url.split_once('@').unwrap();
        rest.split_once('/').unwrap().0.to_owned()
    }

    /// Runs SQL behind the store's back.
    pub async fn tamper(&self, sql: &str) {
        match self {
            Self::Embedded(_) => tamper(&self.location(), sql).await,
            Self::Server { .. } => execute(&self.url(), sql).await,
        }
    }

    /// The ids that a query returns behind the store's back, sorted.
    pub async fn ids(&self, sql: &str) -> Vec<i64> {
        let mut ids: Vec<i64> = match self {
            Self::Embedded(directory) => {
                let file = directory.path().join("store.db");
                let connection = rusqlite::Connection::open(file).unwrap();
                let mut query = connection.prepare(sql).unwrap();
                query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Server { .. } => {
                let (client, connection) =
                    tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
        };
        ids.sort_unstable();
        ids
    }

    /// The contents of an embedded store's files.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let Self::Embedded(directory) = self else { return Vec::new() };
        let entries = std::fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    /// The tables of a server's database, each with its rows as text.
    pub async fn rows(&self) -> Vec<(String, Vec<u8>)> {
        let Self::Server { .. } = self else { return Vec::new() };
        let session = self.connect().await;
        let tables = "SELECT table_name::text FROM information_schema.tables \
            WHERE table_schema = current_schema()";
        let mut found = Vec::new();
        for table in session.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let rows = session.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap();
            let text: String = rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
            found.push((table, text.into_bytes()));
        }
        found
    }

    /// The number of deadlocks that the server has found; it counts when a connection ends.
    pub async fn deadlocks(&self) -> i64 {
        let Self::Server { .. } = self else { return 0 };
        let url = self.url();
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// A session of the test itself on the server.
    pub async fn connect(&self) -> tokio_postgres::Client {
        let url = self.url();
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The value of a setting for new connections to the database.
    pub async fn set(&self, setting: &str, value: &str) {
        let Self::Server { admin_url, name } = self else { return };
        execute(admin_url, &format!("ALTER DATABASE {name} SET {setting} = {value}")).await;
    }

    /// Ends every connection to the database.
    pub async fn end_connections(&self) {
        let Self::Server { admin_url, name } = self else { return };
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        execute(admin_url, &sql).await;
    }

    /// The number of rows of a table that the server has read so far, including index entries; a
    /// connection's reads are counted when it ends. Zero for an embedded file.
    pub async fn rows_read(&self, table: &str) -> i64 {
        let Self::Server { .. } = self else { return 0 };
        let url = self.url();
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql = "SELECT (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = $1) \
            + (SELECT SUM(idx_tup_read)::BIGINT FROM pg_stat_user_indexes WHERE relname = $1)";
        client.query_one(sql, &[&table]).await.unwrap().get(0)
    }

    /// The number of rows inserted into a table, as far as the server has counted them. An embedded
    /// file counts nothing, so there is nothing to wait for.
    pub async fn rows_written(&self, table: &str) -> i64 {
        let Self::Server { .. } = self else { return i64::MAX };
        let sql = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = $1";
        self.connect().await.query_one(sql, &[&table]).await.unwrap().get(0)
    }

    pub async fn drop(&self) {
        if let Self::Server { admin_url, name } = self {
            execute(admin_url, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// The server's URL with the database's name.
    pub fn url(&self) -> String {
        let Self::Server { admin_url, name } = self else { unreachable!("a file has no URL") };
        let (server, _) = admin_url.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }
}

/// The database of this process that holds the tables and nothing else. The databases of its tests
/// are copies: migrating each would take longer than most tests.
async fn template(admin_url: &str) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let make = || async {
        let name = format!("template_{}", std::process::id());
        execute(admin_url, &format!("CREATE DATABASE {name}")).await;
        let template = Database::Server { admin_url: admin_url.to_owned(), name: name.clone() };
        // Migrations go to the server itself.
        open_at(Location::Postgres(template.url().into()), 1).await.close().await;
        if std::env::var_os(PARTITIONED_VARIABLE).is_some() {
            execute(&template.url(), PARTITIONED).await;
        }
        template.end_connections().await;
        // No session may be connected to what is copied.
        execute(admin_url, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        name
    };
    TEMPLATE.get_or_init(make).await
}

async fn open_at(location: Location, node: u16) -> Store {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), node));
    Store::open(location, clock, ids).await.unwrap()
}

/// Spreads every table of enterprises whose unique indexes allow it over four partitions. An engine
/// that spreads tables over servers refuses the same indexes.
const PARTITIONED: &str = "DO $$ DECLARE whole text; BEGIN
    FOR whole IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        AND a.attname = 'enterprise_id' AND NOT EXISTS (SELECT FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND NOT a.attnum = ANY (i.indkey))
    LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', whole, whole || '_whole');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY HASH (enterprise_id)',
            whole, whole || '_whole');
        FOR part IN 0..3 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH '
                || '(MODULUS 4, REMAINDER %s)', whole || '_' || part, whole, part);
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', whole, whole || '_whole');
        EXECUTE format('DROP TABLE %I', whole || '_whole');
    END LOOP;
    IF (SELECT COUNT(*) FROM pg_class WHERE relkind = 'p') < 20 THEN
        RAISE EXCEPTION 'hardly a table could be spread';
    END IF;
END $$";

/// Makes each hold's commit wait for an advisory lock, as if for a standby that does not answer.
pub const HANGING_COMMITS: &str = "
    CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
        'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER hanging AFTER INSERT ON authorisation
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang();";

/// Makes them hang, in a session of the test.
pub const HANG: &str = "SELECT pg_advisory_lock(7)";

/// Lets them end, in the same session.
pub const END_HANG: &str = "SELECT pg_advisory_unlock(7)";

/// Makes each message of a link count with this amount in a reconciliation.
#[must_use]
pub fn counting_each(minor: i64) -> String {
    format!("UPDATE link_message SET counted_minor = {minor}")
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// Runs SQL behind the store's back.
pub async fn tamper(location: &Location, sql: &str) {
    match location {
        Location::Sqlite(file) => {
            rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
        }
        Location::Postgres(server) => execute(&server.url, sql).await,
    }
}

/// The number that a query returns behind the store's back.
pub async fn number(location: &Location, sql: &str) -> i64 {
    match location {
        Location::Sqlite(file) => {
            let connection = rusqlite::Connection::open(file).unwrap();
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        }
        Location::Postgres(server) => {
            let (client, connection) =
                tokio_postgres::connect(&server.url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let number = client.query_one(sql, &[]).await.unwrap().get(0);
            drop(client);
            connection.await.unwrap().unwrap();
            number
        }
    }
}
