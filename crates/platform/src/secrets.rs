//! The operator's token and the master key: read from where the operator says, or made by the
//! sandbox in its data directory. What the sandbox makes is marked, and production refuses it
//! (operator-and-sandbox.md section 1).

use std::path::Path;
use std::sync::Arc;

use admin_api::AdminToken;
use domain::{Mode, Random};
use vault::{MasterKey, MasterKeyError, Vault};
use zeroize::Zeroizing;

use super::data_dir::DataDir;
use super::private_file::{self, write_private};
use crate::config::{Config, MASTER_KEY_VARIABLE, MasterKeySource};
use crate::failure::Failure;

const MASTER_KEY_FILE: &str = "master.key";
const ADMIN_TOKEN_FILE: &str = "admin.token";
/// First bytes of a master key that a sandbox made. One in four thousand million other keys begins
/// with them by chance.
const SANDBOX_KEY_MARK: [u8; 4] = *b"sbox";
/// Prefix of a token that a sandbox made.
const SANDBOX_TOKEN_MARK: &str = "sandbox-";
/// Random bytes in a token that a sandbox made.
const TOKEN_BYTES: usize = 32;
/// Shortest token that production accepts.
const MIN_TOKEN_BYTES: usize = 16;

/// The operator's token as text.
pub struct AdminTokenText(Zeroizing<String>);

impl AdminTokenText {
    /// The text. Must never reach a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token as the API checks it.
    pub fn for_api(&self) -> AdminToken {
        AdminToken::new(&self.0)
    }
}

/// Reads the operator's token; a sandbox without one makes it.
///
/// # Errors
/// One line that names the option and what it should be.
pub fn admin_token(
    config: &Config,
    data_dir: &DataDir,
    random: &dyn Random,
) -> Result<AdminTokenText, Failure> {
    let own = data_dir.path().join(ADMIN_TOKEN_FILE);
    let path = config.admin_token_file.as_deref().unwrap_or(&own);
    if config.admin_token_file.is_none() && !own.exists() {
        let token = new_token(random);
        write_private(&own, format!("{}\n", *token).as_bytes())
            .map_err(|error| unusable("admin-token-file", &own, &error.to_string()))?;
    }
    let text = read_private("admin-token-file", path)?;
    let token = text.trim();
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain {
        return Err(unusable("admin-token-file", path, "it holds no token"));
    }
    if config.mode == Mode::Production && token.starts_with(SANDBOX_TOKEN_MARK) {
        return Err(unusable("admin-token-file", path, "its token was made by a sandbox"));
    }
    if config.mode == Mode::Production && token.len() < MIN_TOKEN_BYTES {
        return Err(unusable("admin-token-file", path, "its token has less than 16 characters"));
    }
    Ok(AdminTokenText(Zeroizing::new(token.to_owned())))
}

/// The vault under the configured master key; a sandbox without a key makes one.
///
/// # Errors
/// One line that names the option and what it should be.
pub fn vault(
    config: &Config,
    data_dir: &DataDir,
    random: Arc<dyn Random>,
) -> Result<Vault, Failure> {
    let own = data_dir.path().join(MASTER_KEY_FILE);
    let key = match &config.master_key {
        MasterKeySource::Own if own.exists() => MasterKey::load(&own).map_err(|e| bad_key(&e))?,
        MasterKeySource::Own if data_dir.store_file().exists() => {
            return Err(unusable("master-key-file", &own, "the key of this store is missing"));
        }
        MasterKeySource::Own => {
            MasterKey::create(&own, &Marked(&*random)).map_err(|error| bad_key(&error))?
        }
        MasterKeySource::File(path) => {
            let key = MasterKey::load(path).map_err(|error| bad_key(&error))?;
            refuse_marked(config, "master-key-file", &read_private("master-key-file", path)?)?;
            key
        }
        MasterKeySource::Text(text) => {
            refuse_marked(config, MASTER_KEY_VARIABLE, text)?;
            MasterKey::from_hex(text).map_err(|error| {
                Failure::configuration(format_args!("{MASTER_KEY_VARIABLE}: {error}"))
            })?
        }
    };
    Ok(Vault::new(key, random))
}

fn refuse_marked(config: &Config, option: &str, text: &str) -> Result<(), Failure> {
    let mark = hex::encode(SANDBOX_KEY_MARK);
    if config.mode == Mode::Production && text.trim().to_ascii_lowercase().starts_with(&mark) {
        return Err(Failure::configuration(format_args!(
            "{option}: should be a key of its own in production; this one was made by a sandbox"
        )));
    }
    Ok(())
}

/// Randomness that begins with the sandbox's mark.
struct Marked<'a>(&'a dyn Random);

impl Random for Marked<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
        if let Some(first) = bytes.first_chunk_mut() {
            *first = SANDBOX_KEY_MARK;
        }
    }
}

fn new_token(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    random.fill(bytes.as_mut_slice());
    let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
    Zeroizing::new(format!("{SANDBOX_TOKEN_MARK}{}", *digits))
}

/// Reads a small file that only its owner may read.
///
/// # Errors
/// One line that names the option.
pub fn read_private(option: &str, path: &Path) -> Result<Zeroizing<String>, Failure> {
    private_file::read_private(path).map_err(|problem| unusable(option, path, &problem))
}

fn unusable(option: &str, path: &Path, problem: &str) -> Failure {
    Failure::configuration(format_args!(
        "{option}: {} should be a readable file of mode 0600: {problem}",
        path.display()
    ))
}

fn bad_key(error: &MasterKeyError) -> Failure {
    Failure::configuration(format_args!("master-key-file: {error}"))
}
