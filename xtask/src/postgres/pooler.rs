//! pgbouncer in transaction mode before a server, for tests that run behind a pooler.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::server::{Account, Server, failed, free_port, fresh_directory, text};
use crate::command::Failure;

/// Runs the pooler until its input ends, which means that this program closes it or dies in any
/// way, then ends it and removes the directory.
const GUARDIAN: &str = r#"
cd /
"$2" "$1/pgbouncer.ini" </dev/null >"$1/log" 2>&1 &
cat >/dev/null
kill "$!"
wait "$!"
rm -rf "$1"
"#;
const START_WAIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// A running pooler. Dropping it stops it.
pub struct Pooler {
    guardian: Child,
    address: String,
}

impl Pooler {
    /// Starts `program` in front of every database of the server.
    pub fn start(program: &Path, server: &Server) -> Result<Self, Failure> {
        let account = Account::current()?;
        let directory = fresh_directory(&account)?;
        let port = free_port()?;
        let settings = directory.join("pgbouncer.ini");
        fs::write(&settings, settings_of(server.url(), port)?)
            .map_err(|error| failed(&settings, &error))?;
        account.own(&settings)?;
        let words = ["sh", "-c", GUARDIAN, "guardian", &text(&directory), &text(program)];
        let guardian = account
            .command(&words)
            .stdin(Stdio::piped())
            // Its own process group, so Ctrl-C reaches us and not the guardian.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("sh cannot be run: {error}"))?;
        let pooler = Self { guardian, address: format!("127.0.0.1:{port}") };
        let began = Instant::now();
        while TcpStream::connect(&pooler.address).is_err() {
            if began.elapsed() > START_WAIT {
                let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
                return Err(format!("pgbouncer does not start: {log}"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(pooler)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        if let Err(error) = self.guardian.wait() {
            eprintln!("stopping pgbouncer: {error}");
        }
    }
}

/// Each test has a database of its own, so connections that nobody uses are soon closed.
fn settings_of(url: &str, port: u16) -> Result<String, Failure> {
    let parts = || {
        let (front, _) = url.strip_prefix("postgres://")?.rsplit_once('/')?;
        let (user, address) = front.split_once('@')?;
        Some((user.split_once(':')?, address.split_once(':')?))
    };
    let ((user, password), (host, server_port)) =
        parts().ok_or("the server's URL has no password or port")?;
    Ok(format!(
        "[databases]\n\
         * = host={host} port={server_port} user={user} password={password}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         max_client_conn = 1000\n\
         default_pool_size = 30\n\
         server_idle_timeout = 1\n\
         autodb_idle_timeout = 2\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::settings_of;

    #[test]
    fn every_database_of_the_server_is_reached() {
        let settings = settings_of("postgres://postgres:secret@127.0.0.1:5433/postgres", 6432);
        let settings = settings.unwrap();
        let database = "* = host=127.0.0.1 port=5433 user=postgres password=secret\n";
        assert!(settings.contains(database) && settings.contains("listen_port = 6432\n"));
        assert!(settings_of("postgres://127.0.0.1/postgres", 6432).is_err());
    }
}
