//! The enterprise's settings that `listen` takes over. The previous settings are saved before
//! anything is changed, so the next run can restore them even if this one is killed.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crypto::RsaPrivateKey;
use platform::{Failure, try_lock_file, write_private};
use sdk::{Operator, OperatorError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::running::failed;
use super::server::{AUTH_PATH, WEBHOOK_PATH};

const LOCK_FILE: &str = "listen.lock";
const NOTE_FILE: &str = "listen.json";

/// The settings, as the operator API spells them; null = not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    auth_url: Option<String>,
    webhook_url: Option<String>,
    external_public_key: Option<String>,
}

impl Settings {
    /// The settings of a run that listens at `base_url`.
    pub fn own(base_url: &str, key: &RsaPrivateKey) -> Self {
        Self {
            auth_url: Some(format!("{base_url}{AUTH_PATH}")),
            webhook_url: Some(format!("{base_url}{WEBHOOK_PATH}")),
            external_public_key: Some(key.public_key().to_base64()),
        }
    }

    fn read(enterprise: &Value) -> Result<Self, Failure> {
        serde_json::from_value(enterprise.clone())
            .map_err(|error| Failure::run(format_args!("the enterprise cannot be read: {error}")))
    }

    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }
}

/// The content of the note.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    enterprise_id: String,
    before: Settings,
    set: Settings,
}

/// The right to play the enterprise of a data directory; only one process has it.
pub struct Held {
    note: PathBuf,
    /// The operating system releases the lock with the file, even when the process is killed.
    _lock: File,
}

impl Held {
    /// Takes the lock.
    ///
    /// # Errors
    /// Another process has it, or the directory cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self, Failure> {
        let path = data_dir.join(LOCK_FILE);
        match try_lock_file(&path) {
            Ok(Some(lock)) => Ok(Self { note: data_dir.join(NOTE_FILE), _lock: lock }),
            Ok(None) => Err(Failure::run(format_args!(
                "data-dir: another `cardbridge listen` plays the enterprise of {}; one at a time",
                data_dir.display()
            ))),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    /// Saves the current settings, then sets `own`.
    ///
    /// # Errors
    /// The note cannot be written, or the sandbox refused.
    pub async fn set(
        &self,
        operator: &Operator,
        enterprise_id: &str,
        before: &Value,
        own: Settings,
    ) -> Result<(), Failure> {
        let change = Value::Object(own.fields());
        let note = Note {
            enterprise_id: enterprise_id.to_owned(),
            before: Settings::read(before)?,
            set: own,
        };
        let text = serde_json::to_vec_pretty(&note).map_err(Failure::run)?;
        write_private(&self.note, &text).map_err(|error| unwritable(&self.note, &error))?;
        operator.patch(&path(enterprise_id)?, &change).await.map_err(failed)?;
        Ok(())
    }

    /// Restores the settings in the note that nobody has changed meanwhile, and deletes the note;
    /// does nothing if there is none. The settings of a deleted enterprise are gone with it.
    ///
    /// # Errors
    /// The note cannot be read, or the sandbox did not accept it; the note stays for the next run.
    pub async fn put_back(&self, operator: &Operator) -> Result<(), Failure> {
        let Some(note) = self.read_note()? else { return Ok(()) };
        let path = path(&note.enterprise_id)?;
        let now = match operator.get(&path).await {
            Ok(enterprise) => Settings::read(&enterprise)?.fields(),
            Err(OperatorError::Refused { status: 404, .. }) => return self.end_note(),
            Err(error) => return Err(failed(error)),
        };
        let (before, set) = (note.before.fields(), note.set.fields());
        let is_ours = |name: &String| now.get(name) == set.get(name);
        let change: Map<String, Value> =
            before.into_iter().filter(|(name, _)| is_ours(name)).collect();
        if !change.is_empty() {
            operator.patch(&path, &Value::Object(change)).await.map_err(failed)?;
        }
        self.end_note()
    }

    /// The note; `None` only if there is no file. A note that cannot be read is the only copy of
    /// the previous settings, and the next note would overwrite it.
    fn read_note(&self) -> Result<Option<Note>, Failure> {
        let text = match std::fs::read(&self.note) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::configuration(format_args!(
                    "data-dir: {} should be a file that can be read: {error}",
                    self.note.display()
                )));
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|_| {
            Failure::run(format_args!("{} should be as it was written", self.note.display()))
        })
    }

    fn end_note(&self) -> Result<(), Failure> {
        std::fs::remove_file(&self.note).map_err(|error| unwritable(&self.note, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::configuration(format_args!(
        "data-dir: {} should be a file that can be written: {error}",
        path.display()
    ))
}

/// The operator API's path of an enterprise.
pub fn path(enterprise_id: &str) -> Result<String, Failure> {
    Ok(format!("/admin/v1/enterprises/{}", crate::answers::id(enterprise_id)?))
}
