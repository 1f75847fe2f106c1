//! The layers that an option's text may come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::document::Document;
use crate::failure::Failure;

/// Environment variable with the master key itself, for operators who do not keep it in a file.
pub const MASTER_KEY_VARIABLE: &str = "CARDBRIDGE_MASTER_KEY";

/// Environment variable with the secret access key of `[s3]`, instead of a file.
pub const S3_SECRET_VARIABLE: &str = "CARDBRIDGE_S3_SECRET_ACCESS_KEY";

/// Environment variable with the mail account's password.
pub const SMTP_PASSWORD_VARIABLE: &str = "CARDBRIDGE_SMTP_PASSWORD";

/// Options given on the command line, by name without dashes in front.
pub type Flags = BTreeMap<&'static str, String>;

/// Prefix of every variable.
const PREFIX: &str = "CARDBRIDGE_";
/// The option that names the TOML file; it is not a key of that file.
const CONFIG: &str = "config";
/// Largest TOML file that is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
const DEFAULTS: &str = include_str!("../../defaults.toml");

/// The layer that an option's text came from, in the terms in which a person would look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Variable(String),
    /// A key of a TOML file.
    Key {
        /// The file.
        file: String,
        /// The key.
        key: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::Key { file, key } => write!(f, "{file}: {key}"),
        }
    }
}

/// The text of an option and the layer that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The text.
    pub text: String,
    /// The layer that gave it.
    pub origin: Origin,
}

impl Given {
    /// The failure that says which values this option takes.
    pub fn refused(&self, should_be: impl fmt::Display) -> Failure {
        Failure::configuration(format_args!("{}: should be {should_be}", self.origin))
    }
}

/// All layers, highest first.
pub struct Layers {
    flags: Flags,
    variables: BTreeMap<String, String>,
    file: Option<Document>,
    defaults: Document,
}

impl Layers {
    /// Layers over the file that the flag or variable `config` names, if one does.
    ///
    /// # Errors
    /// The file cannot be read or contains something invalid.
    pub fn new(flags: Flags, variables: BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut layers = Self::with_document(flags, variables, None)?;
        if let Some(path) = layers.optional(CONFIG) {
            let text = read(Path::new(&path.text)).map_err(|error| {
                path.refused(format_args!("a readable TOML file; {}: {error}", path.text))
            })?;
            layers.file = Some(Document::parse(&path.text, &text)?);
        }
        Ok(layers)
    }

    /// Layers over a document that is already parsed.
    ///
    /// # Errors
    /// The document contains something invalid.
    pub fn with_document(
        flags: Flags,
        variables: BTreeMap<String, String>,
        document: Option<(&str, &str)>,
    ) -> Result<Self, Failure> {
        let file = document.map(|(name, text)| Document::parse(name, text)).transpose()?;
        Ok(Self { flags, variables, file, defaults: Document::parse("defaults.toml", DEFAULTS)? })
    }

    /// The text of an option, if any layer has it.
    pub fn optional(&self, option: &'static str) -> Option<Given> {
        if let Some(text) = self.flags.get(option) {
            return Some(Given { text: text.clone(), origin: Origin::Flag(option) });
        }
        let variable = format!("{PREFIX}{}", option.to_uppercase().replace('-', "_"));
        // Shells unset a variable for a single command by making it empty.
        if let Some(text) = self.variables.get(&variable).filter(|text| !text.is_empty()) {
            return Some(Given { text: text.clone(), origin: Origin::Variable(variable) });
        }
        [self.file.as_ref(), Some(&self.defaults)].into_iter().flatten().find_map(|document| {
            let text = document.option(option)?.to_owned();
            let origin = Origin::Key { file: document.name().to_owned(), key: option };
            Some(Given { text, origin })
        })
    }

    /// The text of an option that has a default.
    ///
    /// # Errors
    /// No layer has it.
    pub fn required(&self, option: &'static str) -> Result<Given, Failure> {
        self.optional(option)
            .ok_or_else(|| Failure::configuration(format_args!("{option}: should be set")))
    }

    /// The file that was named, if one was.
    pub const fn file(&self) -> Option<&Document> {
        self.file.as_ref()
    }

    /// The compiled-in defaults.
    pub const fn defaults(&self) -> &Document {
        &self.defaults
    }

    /// The master key's text, if the environment holds it.
    pub fn master_key_text(&self) -> Option<Zeroizing<String>> {
        self.secret(MASTER_KEY_VARIABLE)
    }

    /// The mail account's password, if the environment holds it.
    pub fn smtp_password(&self) -> Option<Zeroizing<String>> {
        self.secret(SMTP_PASSWORD_VARIABLE)
    }

    /// The secret access key of `[s3]`, if the environment holds it.
    pub fn s3_secret(&self) -> Option<Zeroizing<String>> {
        self.secret(S3_SECRET_VARIABLE)
    }

    fn secret(&self, variable: &str) -> Option<Zeroizing<String>> {
        let text = self.variables.get(variable).filter(|text| !text.is_empty())?;
        Some(Zeroizing::new(text.clone()))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(std::io::Error::other("larger than 1 MiB"));
    }
    std::fs::read_to_string(path)
}
