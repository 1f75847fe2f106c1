//! The `[links.keys]` tables: where the keys of links come from (network-iso8583.md sections 7.1 and
//! 8.4).

use std::path::PathBuf;

use crypto::ProtectionAlgorithm;
use domain::Mode;
use serde::Deserialize;
use toml::{Table, Value};

use super::layers::Layers;
use super::link_keys::{Keys, Refused, wrong};
use crate::failure::Failure;

/// Most components of a zone master key.
const MAX_COMPONENTS: usize = 8;

/// The keys of one link, as the file names them.
pub struct LinkSecrets {
    /// The link's name.
    pub link: String,
    /// The algorithm of the zone master key.
    pub algorithm: ProtectionAlgorithm,
    /// The files of its components.
    pub master_key_files: Vec<PathBuf>,
    /// Its check value.
    pub master_check_value: String,
    /// The first key for PINs, under the master key.
    pub zpk: Option<String>,
    /// The first key for message authentication codes, under the master key.
    pub zak: Option<String>,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeysTable {
    #[serde(default)]
    software_keys: bool,
    zmk_algorithm: Option<String>,
    zmk_files: Option<Vec<PathBuf>>,
    zmk_kcv: Option<String>,
    zpk: Option<String>,
    zak: Option<String>,
}

/// The keys of every link of the file that has any.
///
/// # Errors
/// A line that names the key and what it should be.
pub fn link_secrets(layers: &Layers, mode: Mode) -> Result<Vec<LinkSecrets>, Failure> {
    let Some(document) = layers.file() else { return Ok(Vec::new()) };
    let tables = document.links().iter().filter_map(Value::as_table);
    let read = tables.filter_map(|table| of_link(table, mode).transpose());
    read.collect::<Result<_, _>>().map_err(|(key, should_be)| {
        Failure::configuration(format_args!("{}: {key}: should be {should_be}", document.name()))
    })
}

fn of_link(table: &Table, mode: Mode) -> Result<Option<LinkSecrets>, Refused> {
    let keys = Keys::new(table)?;
    let Some(name) = keys.name("name")? else { return Ok(None) };
    let should_be = "a table of software-keys, zmk-algorithm, zmk-files, zmk-kcv, zpk, zak";
    let Some(it) = keys.sub_table::<KeysTable>("keys", should_be)? else { return Ok(None) };
    if mode == Mode::Production && !it.software_keys {
        let should_be = "true in production: it says that keys in this process's memory will do";
        return Err(wrong("keys.software-keys", should_be));
    }
    let algorithm = match it.zmk_algorithm.as_deref() {
        None | Some("3des") => ProtectionAlgorithm::Tdes,
        Some("aes") => ProtectionAlgorithm::Aes,
        Some(_) => return Err(wrong("keys.zmk-algorithm", "one of 3des, aes")),
    };
    let files = it.zmk_files.filter(|files| (1..=MAX_COMPONENTS).contains(&files.len()));
    let should_be = format!("the files of 1 to {MAX_COMPONENTS} components");
    Ok(Some(LinkSecrets {
        link: name.to_owned(),
        algorithm,
        master_key_files: files.ok_or_else(|| wrong("keys.zmk-files", should_be))?,
        master_check_value: it
            .zmk_kcv
            .ok_or_else(|| wrong("keys.zmk-kcv", "the check value of the zone master key"))?,
        zpk: it.zpk,
        zak: it.zak,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Flags;

    fn load(keys: &str, mode: Mode) -> Result<Vec<LinkSecrets>, String> {
        let file = format!("[[links]]\nname = 'a'\nlisten = '127.0.0.1:1'\n[links.keys]\n{keys}");
        Layers::with_document(Flags::default(), BTreeMap::new(), Some(("x.toml", &file)))
            .and_then(|layers| link_secrets(&layers, mode))
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn keys_are_named_by_the_table() {
        let keys = "zmk-files = ['one', 'two']\nzmk_kcv = '63EE2D'\nzpk = 'PX'";
        let all = load(keys, Mode::Sandbox).ok().unwrap();
        let [it] = &all[..] else { panic!("one link") };
        assert_eq!((it.link.as_str(), it.master_check_value.as_str()), ("a", "63EE2D"));
        assert_eq!(it.master_key_files, [PathBuf::from("one"), PathBuf::from("two")]);
        assert_eq!((it.zpk.as_deref(), it.zak.as_deref()), (Some("PX"), None));
        assert_eq!(it.algorithm, ProtectionAlgorithm::Tdes);
        let of_aes = load(&format!("{keys}\nzmk-algorithm = 'aes'"), Mode::Sandbox).ok().unwrap();
        assert_eq!(of_aes[0].algorithm, ProtectionAlgorithm::Aes);
    }

    #[test]
    fn a_bad_table_is_answered_with_its_key() {
        let whole = "zmk-files = ['one']\nzmk-kcv = '63EE2D'\n";
        for (keys, mode, key) in [
            ("zmk-kcv = '63EE2D'".to_owned(), Mode::Sandbox, "links.keys.zmk-files"),
            ("zmk-files = []".to_owned(), Mode::Sandbox, "links.keys.zmk-files"),
            ("zmk-files = ['one']".to_owned(), Mode::Sandbox, "links.keys.zmk-kcv"),
            (format!("{whole}zmk = 'x'"), Mode::Sandbox, "links.keys"),
            (format!("{whole}zpk = 1"), Mode::Sandbox, "links.keys"),
            (format!("{whole}zmk-algorithm = 'des'"), Mode::Sandbox, "links.keys.zmk-algorithm"),
            (whole.to_owned(), Mode::Production, "links.keys.software-keys"),
            (format!("{whole}zmk_kcv = '1'"), Mode::Sandbox, "links.keys.zmk-kcv"),
        ] {
            let line = load(&keys, mode).err().unwrap_or_else(|| panic!("{keys} is refused"));
            assert!(line.starts_with(&format!("x.toml: {key}: should be ")), "{line}");
        }
        assert!(load(&format!("{whole}software-keys = true"), Mode::Production).is_ok());
    }
}
