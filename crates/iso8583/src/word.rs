//! Words of the configuration.

use serde::Deserialize;
use thiserror::Error;

/// A choice that the configuration names by a word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word and what it means.
    const WORDS: &'static [(&'static str, Self)];

    /// What a word means.
    #[must_use]
    fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(it, _)| *it == word).map(|(_, choice)| *choice)
    }

    /// The word for this choice.
    #[must_use]
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, choice)| *choice == self).map_or("", |(word, _)| *word)
    }
}

/// A key of a link's configuration whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key}: should be {should_be}")]
pub struct SettingsError {
    /// The key, such as `links.fields.54.format`.
    pub key: String,
    /// What its value should be.
    pub should_be: String,
}

impl SettingsError {
    pub(crate) fn new(key: impl Into<String>, should_be: impl Into<String>) -> Self {
        Self { key: key.into(), should_be: should_be.into() }
    }
}

/// The choice that a key's value names, or the default if the key is missing.
///
/// # Errors
/// The value is not one of `choices`.
pub(crate) fn choose<W: Word>(
    key: impl Into<String>,
    value: Option<&str>,
    choices: &[W],
    default: W,
) -> Result<W, SettingsError> {
    let Some(value) = value else { return Ok(default) };
    W::of(value).filter(|choice| choices.contains(choice)).ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|choice| choice.word()).collect();
        SettingsError::new(key, format!("one of {}", words.join(", ")))
    })
}

/// Every choice.
pub(crate) fn all<W: Word>() -> Vec<W> {
    W::WORDS.iter().map(|(_, choice)| *choice).collect()
}

/// A number or a text, for keys that take either.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum NumberOrText {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}
