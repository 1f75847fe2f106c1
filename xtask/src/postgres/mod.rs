//! A PostgreSQL of our own for the tests: found or installed, started on a fresh
//! cluster, stopped and removed however the run ends.

mod find;
mod install;
mod pooler;
mod server;

use crate::command::{Failure, command};
use crate::hidden::unless_hidden;
use crate::stage::succeed;
use crate::{browser, python, s3};

pub use find::DIRECTORY_VARIABLE;
pub use pooler::Pooler;
pub use server::{Disk, Server, as_account};

/// Environment variable with PostgreSQL's URL, for tests.
pub const URL_VARIABLE: &str = "CARDBRIDGE_TEST_POSTGRES_URL";

/// Environment variable with the address of a pooler before it, for tests that run behind one.
pub const POOLER_VARIABLE: &str = "CARDBRIDGE_TEST_POOLER";

/// Set to 1: the finder sees nothing before installation, so installing can be tested.
const HIDE_VARIABLE: &str = "CARDBRIDGE_XTASK_HIDE_POSTGRES";

/// Finds PostgreSQL, installs it if possible, and starts a server.
pub fn start(disk: Disk) -> Result<Server, Failure> {
    let binaries = match unless_hidden(HIDE_VARIABLE, find::binaries)? {
        Some(binaries) => binaries,
        None => {
            install::postgres()?;
            find::binaries()?.ok_or("PostgreSQL was installed and still cannot be found")?
        }
    };
    Server::start(&binaries, disk)
}

/// Runs `program` with a server running and stops the server afterwards.
pub fn beside(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let server = start(Disk::Unsynced)?;
    let mut beside = command(program);
    beside.args(arguments).env(URL_VARIABLE, server.url());
    beside.env(DIRECTORY_VARIABLE, server.binaries());
    if let Some(chromium) = browser::find()? {
        beside.env(browser::PATH_VARIABLE, chromium);
    }
    if let Some(s3_server) = s3::find()? {
        beside.env(s3::PATH_VARIABLE, s3_server);
    }
    if let Ok(python) = python::with_iso8583() {
        beside.env(python::ISO8583_VARIABLE, python);
    }
    let ran = succeed(&mut beside);
    ran.and(server.stop())
}
