//! This process's identity to others that share its database.
//!
//! A process that was killed is restarted under its node number at once. Since its lease has not
//! ended, it needs proof that the last holder of the number has died. The proof is a locked file in
//! the data directory: the operating system releases the lock when the process that holds it dies,
//! and never before. The file's content is drawn once and tied to the file itself, so a copied
//! directory has another identity; the machine's current boot id is added, so a copied machine has
//! another one too. A process without the lock, or on a system that has no boot id, waits for the
//! lease to end like any other.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use domain::Random;
use store::Holder;

use super::data_dir::DataDir;
use super::private_file::try_lock_file;
use crate::config::{Config, Database, NodeNumber};

/// Identifies the boot of a Linux machine; different after each start and on each machine.
const BOOT_FILE: &str = "/proc/sys/kernel/random/boot_id";
/// Random bytes in an identity.
const TOKEN_BYTES: usize = 16;

/// The identity of a process, and the lock that makes it exclusive.
pub struct OwnIdentity {
    text: String,
    /// The operating system releases the lock with the file, even when the process is killed.
    _lock: Option<File>,
}

impl OwnIdentity {
    /// The identity of the process with this node number over this data directory. The embedded
    /// store needs none.
    pub fn open(config: &Config, data_dir: &DataDir, random: &dyn Random) -> Self {
        if config.database == Database::Embedded {
            return Self { text: String::new(), _lock: None };
        }
        let node = match config.node {
            NodeNumber::Auto => "auto".to_owned(),
            NodeNumber::Fixed(number) => number.to_string(),
        };
        let path = data_dir.path().join(format!("node-{node}.lock"));
        let lasting = std::fs::read_to_string(BOOT_FILE).ok().and_then(|boot| {
            let (file, token) = locked(&path, random)
                .inspect_err(|error| {
                    let path = path.display();
                    tracing::warn!(%error, %path, "a restart has to wait for this process's lease");
                })
                .ok()?;
            Some(Self { text: format!("{token} {}", boot.trim()), _lock: Some(file) })
        });
        lasting.unwrap_or_else(|| Self { text: new_token(random), _lock: None })
    }

    /// The entry of this process in the database; its operator API is at `admin_url`.
    pub fn holder(&self, admin_url: &str) -> Holder {
        let host = rustix::system::uname();
        let (host, pid) = (host.nodename().to_string_lossy(), std::process::id());
        let name = format!("process {pid} on {host}, {admin_url}");
        Holder { name, identity: self.text.clone() }
    }
}

/// Locks the file and reads its token; a new file, or a copied one, gets a new token.
fn locked(path: &Path, random: &dyn Random) -> std::io::Result<(File, String)> {
    let mut file = try_lock_file(path)?.ok_or(ErrorKind::WouldBlock)?;
    let about = file.metadata()?;
    let place = format!("{}:{}", about.dev(), about.ino());
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Some((token, stated)) = text.trim_end().split_once(' ')
        && stated == place
        && token.len() == 2 * TOKEN_BYTES
    {
        return Ok((file, token.to_owned()));
    }
    let token = new_token(random);
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{token} {place}")?;
    file.sync_all()?;
    Ok((file, token))
}

fn new_token(random: &dyn Random) -> String {
    let mut bytes = [0; TOKEN_BYTES];
    random.fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use domain::SystemRandom;

    use super::*;

    #[test]
    fn the_token_lasts_and_belongs_to_one_process_and_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node-3.lock");
        let (file, token) = locked(&path, &SystemRandom).unwrap();
        assert!(locked(&path, &SystemRandom).is_err(), "its holder lives");
        drop(file);
        assert_eq!(locked(&path, &SystemRandom).unwrap().1, token);
        let copy = directory.path().join("copy");
        std::fs::copy(&path, &copy).unwrap();
        assert_ne!(locked(&copy, &SystemRandom).unwrap().1, token);
    }
}
