//! The names of uploaded files, which we generate. They contain nothing of a caller's file name
//! except its extension, so no name can lead outside the directory of files.

use std::fmt;
use std::str::FromStr;

use domain::{EnterpriseId, FileType, Random, Timestamp};
use thiserror::Error;
use uuid::{Builder, Uuid};

/// The prefix of every key.
const ROOT: &str = "risk-center";

domain::text_enum! {
    /// The purpose of a file, as its key shows.
    Folder {
        /// Proof of identity and address.
        Kyc = "kyc",
        /// Evidence of wealth and funds.
        Edd = "edd",
    }
}

/// `risk-center/kyc/2026-01-12/<enterpriseId>/20260112/<uuid>.jpg`, the day in UTC+8. The UUID has
/// 122 random bits, so a key cannot be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    text: String,
    enterprise_id: EnterpriseId,
    file_type: FileType,
}

/// A text that is not an [`ObjectKey`]: nothing is stored under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an object key")]
pub struct NotAKey;

impl ObjectKey {
    /// A new, unique key.
    #[must_use]
    pub fn new(
        folder: Folder,
        enterprise_id: EnterpriseId,
        file_type: FileType,
        now: Timestamp,
        random: &dyn Random,
    ) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let day = now.utc8_day();
        let text = format!(
            "{ROOT}/{}/{}/{enterprise_id}/{day}/{}.{}",
            folder.as_str(),
            dashed(&day),
            Builder::from_random_bytes(bytes).into_uuid(),
            file_type.extension()
        );
        Self { text, enterprise_id, file_type }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The enterprise whose file it is.
    #[must_use]
    pub const fn enterprise_id(&self) -> EnterpriseId {
        self.enterprise_id
    }

    /// Its day in UTC+8, `yyyyMMdd`.
    pub(crate) fn day(&self) -> &str {
        self.text.rsplit('/').nth(1).unwrap_or_default()
    }

    /// The directories, one a folder, of all files of its day and enterprise.
    pub(crate) fn directories_of_day(&self) -> Vec<String> {
        let (enterprise_id, day) = (self.enterprise_id, self.day());
        let directory = |folder| format!("{ROOT}/{folder}/{}/{enterprise_id}/{day}", dashed(day));
        Folder::ALL.iter().map(directory).collect()
    }

    /// Its type.
    #[must_use]
    pub const fn file_type(&self) -> FileType {
        self.file_type
    }

    /// The last part, usable as a file name by itself.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Accepts exactly the form that [`ObjectKey::new`] makes.
impl FromStr for ObjectKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let [root, folder, date, enterprise, day, name] = parts[..] else { return Err(NotAKey) };
        let is_folder = folder.parse::<Folder>().is_ok();
        let is_day = day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
        if root != ROOT || !is_folder || !is_day || date != dashed(day) {
            return Err(NotAKey);
        }
        let enterprise_id: EnterpriseId = enterprise.parse().map_err(|_| NotAKey)?;
        if enterprise_id.to_string() != enterprise {
            return Err(NotAKey);
        }
        let (uuid, extension) = name.split_once('.').ok_or(NotAKey)?;
        let file_type =
            FileType::ALL.into_iter().find(|kind| kind.extension() == extension).ok_or(NotAKey)?;
        let read = Uuid::try_parse(uuid).map_err(|_| NotAKey)?;
        if read.to_string() != uuid {
            return Err(NotAKey);
        }
        Ok(Self { text: text.to_owned(), enterprise_id, file_type })
    }
}

/// `2026-01-12` from `20260112`.
fn dashed(day: &str) -> String {
    let (year, rest) = day.split_at(4);
    let (month, day) = rest.split_at(2);
    format!("{year}-{month}-{day}")
}

#[cfg(test)]
mod tests {
    use domain::SystemRandom;
    use proptest::prelude::*;

    use super::*;

    const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(4_591_298_458_535_677_185);

    fn key(file_type: FileType) -> ObjectKey {
        let now = Timestamp::parse_rfc3339("2026-01-11T16:00:00Z").unwrap();
        ObjectKey::new(Folder::Kyc, ENTERPRISE, file_type, now, &SystemRandom)
    }

    #[test]
    fn a_key_names_day_enterprise_and_type_and_reads_back() {
        for file_type in FileType::ALL {
            let made = key(file_type);
            let head = "risk-center/kyc/2026-01-12/4591298458535677185/20260112/";
            assert!(made.as_str().starts_with(head), "{made}");
            assert_eq!(made.as_str().parse(), Ok(made.clone()));
            assert_ne!(made, key(file_type));
            assert_eq!(made.as_str(), format!("{head}{}", made.file_name()));
            assert_eq!(made.day(), "20260112");
            assert_eq!(format!("{}/", made.directories_of_day()[0]), head);
        }
    }

    #[test]
    fn nothing_else_is_a_key() {
        let made = key(FileType::Jpg).to_string();
        for (part, other) in [
            ("risk-center", ".."),
            ("kyc", "etc"),
            ("2026-01-12", "2026-01-13"),
            ("20260112", "..2601.."),
            ("4591298458535677185", "../../../../../.."),
            ("4591298458535677185", "+4591298458535677185"),
            ("4591298458535677185", "04591298458535677185"),
            (".jpg", ".JPG"),
            (".jpg", ".exe"),
            (".jpg", ".jpg/"),
            (".jpg", ""),
            ("-", "_"),
            ("/", "//"),
            ("/", "%2f"),
        ] {
            let altered = made.replace(part, other);
            assert_eq!(altered.parse::<ObjectKey>(), Err(NotAKey), "{altered}");
        }
        assert_eq!("".parse::<ObjectKey>(), Err(NotAKey));
        assert_eq!("/".repeat(5).parse::<ObjectKey>(), Err(NotAKey));
    }

    proptest! {
        #[test]
        fn any_text_that_is_read_is_a_plain_path(
            text in "(risk-center|\\.\\.|[a-z0-9./é-]{1,12}){1,3}(/[a-z0-9./é-]{0,40}){0,6}",
        ) {
            if let Ok(key) = text.parse::<ObjectKey>() {
                prop_assert!(key.as_str().split('/').all(|part| !part.is_empty() && part != ".."));
            }
        }
    }
}
