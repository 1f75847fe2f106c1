//! The master key, from which all other keys of the vault are derived.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use domain::Random;
use thiserror::Error;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const TEXT_BYTES: usize = KEY_BYTES * 2;
/// Longest key file: the digits and up to 16 bytes of white space around them.
const MAX_FILE_BYTES: u64 = 80;
const OWNER_ONLY: u32 = 0o600;
/// Every permission of group and others.
const OTHERS_BITS: u32 = 0o077;

/// Why there is no master key.
#[derive(Debug, Error)]
pub enum MasterKeyError {
    /// The text does not have the form of a key.
    #[error("the master key must be 64 hexadecimal digits")]
    Form,
    /// The file gives some permission to its group or to others.
    #[error(
        "the master key file {path} has mode {mode:04o}, but only its owner may have access: \
         run `chmod 600 {path}`"
    )]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is there already; a master key is never overwritten.
    #[error("the master key file {path} exists already and is not overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("the master key file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

/// The master key. Wiped when it goes out of scope.
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// Reads 64 hexadecimal digits, ignoring white space around them.
    ///
    /// # Errors
    /// [`MasterKeyError::Form`] for any other text.
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| MasterKeyError::Form)?;
        Ok(Self(key))
    }

    /// Reads a key file, which only its owner may read or change.
    ///
    /// # Errors
    /// [`MasterKeyError::Mode`] if group or others have any permission on the file; otherwise
    /// [`MasterKeyError::File`] if it cannot be read, or [`MasterKeyError::Form`] if it does not
    /// hold a key and nothing else.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        // Checks the opened file, not the path, which could be swapped meanwhile.
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & OTHERS_BITS != 0 {
            return Err(MasterKeyError::Mode { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize + 1));
        // One byte more than allowed shows that the file goes on.
        match file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text) {
            Ok(bytes) if bytes as u64 > MAX_FILE_BYTES => Err(MasterKeyError::Form),
            Ok(_) => Self::from_hex(&text),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(MasterKeyError::Form),
            Err(error) => Err(failed(error)),
        }
    }

    /// Draws a key and writes it to a new file of mode 0600, synced to disk before this returns.
    ///
    /// # Errors
    /// [`MasterKeyError::Exists`] if the file is there, otherwise [`MasterKeyError::File`].
    pub fn create(path: &Path, random: &dyn Random) -> Result<Self, MasterKeyError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::AlreadyExists => MasterKeyError::Exists { path: path.to_owned() },
            _ => MasterKeyError::File { path: path.to_owned(), source },
        };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random.fill(key.as_mut_slice());
        let mut text = Zeroizing::new([b'\n'; TEXT_BYTES + 1]);
        hex::encode_to_slice(key.as_slice(), &mut text[..TEXT_BYTES])
            .expect("the text holds two digits a byte");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY)
            .open(path)
            .map_err(failed)?;
        let written = file
            .set_permissions(std::fs::Permissions::from_mode(OWNER_ONLY))
            .and_then(|()| file.write_all(text.as_slice()))
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_directory_of(path));
        written.map_err(failed)?;
        Ok(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Makes the new name durable: without it a power cut could lose the key of a store
/// that is already in use.
fn sync_directory_of(path: &Path) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::SystemRandom;

    use super::*;

    #[test]
    fn a_created_key_is_private_and_loads_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let created = MasterKey::create(&path, &SystemRandom).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", hex::encode(created.bytes())));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::load(&path).unwrap().bytes(), created.bytes());
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        fs::write(&path, "mine").unwrap();
        let again = MasterKey::create(&path, &SystemRandom);
        assert!(matches!(again, Err(MasterKeyError::Exists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::create(&path, &SystemRandom).unwrap();
        for mode in [0o644, 0o640, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::load(&path).err().unwrap().to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(MasterKey::load(&path).is_ok());
    }

    #[test]
    fn anything_but_sixty_four_digits_is_not_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::create(&path, &SystemRandom).unwrap();
        for bad in ["".to_owned(), "0".repeat(63), "0".repeat(65), "g".repeat(64), " ".repeat(200)]
        {
            assert!(matches!(MasterKey::from_hex(&bad), Err(MasterKeyError::Form)), "{bad}");
            fs::write(&path, &bad).unwrap();
            assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Form)), "{bad}");
        }
        fs::write(&path, [0xFF; 64]).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Form)));
        let missing = MasterKey::load(&directory.path().join("none"));
        assert!(matches!(missing, Err(MasterKeyError::File { .. })));
        assert!(MasterKey::from_hex(&"aB".repeat(32)).is_ok());
    }

    #[test]
    fn a_file_is_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::create(&path, &SystemRandom).unwrap();
        let padded = format!("{}{}", "0".repeat(64), "\n".repeat(16));
        fs::write(&path, &padded).unwrap();
        assert!(MasterKey::load(&path).is_ok());
        for rest in ["\n".to_owned(), "\nx".to_owned(), "1".repeat(64)] {
            fs::write(&path, format!("{padded}{rest}")).unwrap();
            assert!(matches!(MasterKey::load(&path), Err(MasterKeyError::Form)), "{rest}");
        }
    }
}
