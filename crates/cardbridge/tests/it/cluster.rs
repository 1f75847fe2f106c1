//! PostgreSQL servers for single tests of things that one server for all tests cannot show: TLS,
//! server settings, standbys.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names the directory of PostgreSQL's programs; `cargo xtask test` sets it.
pub const DIRECTORY_VARIABLE: &str = "CARDBRIDGE_POSTGRES_BIN";
/// Access from this machine without a password.
pub const TRUSTED: &str =
    "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";
/// Longest wait for a server to accept connections.
const START_WAIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);
/// The number of free ports that are tried: another program may take one first.
const START_ATTEMPTS: u32 = 3;

/// A running server. It is stopped when it goes out of scope.
pub struct Cluster {
    /// Removed once the server has ended.
    _directory: TempDir,
    port: u16,
    server: Child,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A test that failed may have left it paused.
        self.resume();
        let pid = self.server.id().to_string();
        // A shutdown without a checkpoint that also ends the server's own processes.
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.server.wait();
    }
}

impl Cluster {
    /// A fresh server with these settings and this `pg_hba.conf`.
    pub async fn start(settings: &[&str], access: &str, files: &[(&str, &[u8])]) -> Self {
        let directory = own_directory();
        let data = directory.path().join("data");
        let mut initialise = program("initdb");
        initialise.arg("-D").arg(&data);
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        run(initialise.args(options));
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        for (name, bytes) in files {
            put(&data.join(name), bytes);
        }
        Self::launch(directory, settings).await
    }

    /// A standby of this server that streams from it as `name`.
    pub async fn standby(&self, name: &str) -> Self {
        let directory = own_directory();
        let source =
            format!("host=127.0.0.1 port={} user=postgres application_name={name}", self.port);
        let mut copy = program("pg_basebackup");
        copy.arg("-D").arg(directory.path().join("data"));
        run(copy.args(["-d", &source, "-R", "-X", "stream", "-c", "fast", "--no-sync"]));
        Self::launch(directory, &[]).await
    }

    /// Its URL, with more of a query appended.
    pub fn url(&self, host: &str, query: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres{query}", self.port)
    }

    /// Sets one of the server's settings and waits until it takes effect.
    pub async fn set(&self, setting: &str, value: &str) {
        self.execute(&[
            &format!("ALTER SYSTEM SET {setting} = '{value}'"),
            "SELECT pg_reload_conf()",
        ])
        .await;
        self.until(&format!("SELECT current_setting('{setting}') = '{value}'")).await;
    }

    /// Waits until a standby streams.
    pub async fn until_streaming(&self) {
        self.until("SELECT COUNT(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'").await;
    }

    /// Waits until commits wait for every standby.
    pub async fn until_synchronous(&self) {
        self.until("SELECT bool_and(sync_state = 'sync') FROM pg_stat_replication").await;
    }

    /// Pauses the server and all its processes: it accepts connections and answers none.
    pub fn pause(&self) {
        let server = self.server.id().to_string();
        signal("STOP", std::slice::from_ref(&server));
        signal("STOP", &children(&server));
    }

    /// Lets the server go on.
    pub fn resume(&self) {
        let server = self.server.id().to_string();
        let family = [children(&server), vec![server]].concat();
        signal_those_there("CONT", &family);
    }

    /// Pauses the sessions that lie idle now; the server takes new ones. One that is paused inside
    /// a transaction would keep its locks, which no server can help.
    pub async fn pause_sessions(&self) {
        let client = self.connect().await;
        let those = async |state: &str| {
            let sessions = client.query(&format!("{SESSIONS} AND {state}"), &[]).await.unwrap();
            sessions.iter().map(|it| it.get::<_, i32>(0).to_string()).collect::<Vec<_>>()
        };
        let idle = those("state = 'idle'").await;
        assert!(!idle.is_empty());
        signal_those_there("STOP", &idle);
        let busy = those("state <> 'idle'").await;
        let caught: Vec<_> = busy.into_iter().filter(|it| idle.contains(it)).collect();
        signal_those_there("CONT", &caught);
    }

    /// Ends the sessions that are open now.
    pub async fn end_sessions(&self) {
        self.execute(&[&format!("SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) own")]).await;
    }

    /// Makes a user who may not create tables.
    pub async fn add_reader(&self, name: &str) {
        let role = format!("CREATE ROLE {name} LOGIN");
        self.execute(&[&role, "REVOKE CREATE ON SCHEMA public FROM PUBLIC"]).await;
    }

    /// Runs statements, each on its own.
    pub async fn execute(&self, statements: &[&str]) {
        let client = self.connect().await;
        for statement in statements {
            client.batch_execute(statement).await.unwrap();
        }
    }

    /// Waits until a query's first column is true.
    pub async fn until(&self, query: &str) {
        let began = Instant::now();
        // A new connection each time: only new connections have the new settings.
        while !self.connect().await.query_one(query, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(began.elapsed() < START_WAIT, "{query}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub async fn connect(&self) -> tokio_postgres::Client {
        let url = self.url("127.0.0.1", "");
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn launch(directory: TempDir, settings: &[&str]) -> Self {
        let mut attempt = 1;
        loop {
            let port = free_port();
            let log = fs::File::create(directory.path().join("server.log")).unwrap();
            let mut server = program("postgres");
            server.arg("-D").arg(directory.path().join("data"));
            server.args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")]);
            let sockets = format!("unix_socket_directories={}", directory.path().display());
            server.args(["-c", &sockets]);
            for setting in settings {
                server.args(["-c", setting]);
            }
            let mut server = server.stderr(log).spawn().unwrap();
            if takes_connections(&mut server, port).await {
                return Self { _directory: directory, port, server };
            }
            let log = fs::read_to_string(directory.path().join("server.log")).unwrap();
            assert!(attempt < START_ATTEMPTS, "{log}");
            attempt += 1;
        }
    }
}

/// The sessions of others.
const SESSIONS: &str = "SELECT pid FROM pg_stat_activity \
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// Sends processes a signal, by its name without SIG.
fn signal(name: &str, processes: &[String]) {
    run(&mut signalling(name, processes));
}

/// The same, of which some may have ended.
pub fn signal_those_there(name: &str, processes: &[String]) {
    if !processes.is_empty() {
        let mut shell = signalling(name, processes);
        let _ = shell.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn signalling(name: &str, processes: &[String]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "name=$1; shift; kill \"-$name\" \"$@\"", "sh", name]).args(processes);
    shell
}

/// The processes that a process has started.
fn children(parent: &str) -> Vec<String> {
    let parent_of = |process: &str| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in brackets, may hold blanks.
        stat.rsplit_once(") ")?.1.split(' ').nth(1).map(str::to_owned)
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let names = all.filter_map(|it| it.file_name().into_string().ok());
    names.filter(|it| parent_of(it).as_deref() == Some(parent)).collect()
}

/// True if the server accepts connections in time; false if it has ended.
async fn takes_connections(server: &mut Child, port: u16) -> bool {
    let began = Instant::now();
    while server.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < START_WAIT, "the server does not start");
        let mut asking = program("pg_isready");
        asking.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        if asking.status().unwrap().success() {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The user and group that run a server if we are root, which PostgreSQL refuses.
pub fn account() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

pub fn own_directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    if let Some((user, group)) = account() {
        chown(directory.path(), Some(user), Some(group)).unwrap();
    }
    directory
}

/// A file that only the server may read.
fn put(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    if let Some((user, group)) = account() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// One of PostgreSQL's programs, as the account that may run it.
fn program(name: &str) -> Command {
    let directory = std::env::var_os(DIRECTORY_VARIABLE)
        .expect("PostgreSQL's programs: run `cargo xtask test` or `cargo xtask postgres`");
    let mut command = Command::new(Path::new(&directory).join(name));
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    command
}

fn run(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}
