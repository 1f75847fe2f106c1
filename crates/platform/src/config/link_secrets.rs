//! The `[links.keys]` and `[[links.emv]]` tables: where the keys of links come from
//! (network-iso8583.md sections 3.6, 7.1 and 8.4).

use std::path::PathBuf;

use crypto::ProtectionAlgorithm;
use domain::Mode;
use serde::Deserialize;
use toml::{Table, Value};
use vault::StatusUpdates;

use super::layers::Layers;
use super::link_keys::{Keys, Refused, wrong};
use crate::failure::Failure;

/// Most components of a zone master key.
const MAX_COMPONENTS: usize = 8;
/// Most issuers' master keys of a link.
const MAX_ISSUERS: usize = 64;
/// Most digits of a prefix of PANs.
const MAX_PREFIX_DIGITS: usize = 11;

/// The keys of one link, as the file names them.
pub struct LinkSecrets {
    /// The link's name.
    pub link: String,
    /// The zone keys, if any.
    pub zone: Option<ZoneSecrets>,
    /// The issuers' master keys.
    pub issuers: Vec<IssuerSecret>,
}

/// An issuer's master key for chips.
pub struct IssuerSecret {
    /// What the PANs of its cards begin with.
    pub pan_prefix: String,
    /// The file of the key.
    pub file: PathBuf,
    /// What is written into the status of cards.
    pub status_updates: StatusUpdates,
}

/// The zone keys of a link.
pub struct ZoneSecrets {
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

/// An issuer's table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct EmvTable {
    pan_prefix: String,
    imk_file: PathBuf,
    status_updates: Option<UpdatesTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdatesTable {
    approved: String,
    declined: String,
}

fn of_link(table: &Table, mode: Mode) -> Result<Option<LinkSecrets>, Refused> {
    let keys = Keys::new(table)?;
    let Some(name) = keys.name("name")? else { return Ok(None) };
    let should_be = "a table of software-keys, zmk-algorithm, zmk-files, zmk-kcv, zpk, zak";
    let table = keys.sub_table::<KeysTable>("keys", should_be)?;
    let issuers = issuers(&keys)?;
    if table.is_none() && issuers.is_empty() {
        return Ok(None);
    }
    if mode == Mode::Production && !table.as_ref().is_some_and(|it| it.software_keys) {
        let should_be = "true in production: it says that keys in this process's memory will do";
        return Err(wrong("keys.software-keys", should_be));
    }
    let zone = table.map(zone).transpose()?.flatten();
    Ok(Some(LinkSecrets { link: name.to_owned(), zone, issuers }))
}

/// The zone keys; `None` if the table names none.
fn zone(it: KeysTable) -> Result<Option<ZoneSecrets>, Refused> {
    let KeysTable { zmk_algorithm, zmk_files, zmk_kcv, zpk, zak, .. } = it;
    let is_named = zmk_algorithm.is_some() || zmk_kcv.is_some() || zpk.is_some() || zak.is_some();
    if zmk_files.is_none() && !is_named {
        return Ok(None);
    }
    let algorithm = match zmk_algorithm.as_deref() {
        None | Some("3des") => ProtectionAlgorithm::Tdes,
        Some("aes") => ProtectionAlgorithm::Aes,
        Some(_) => return Err(wrong("keys.zmk-algorithm", "one of 3des, aes")),
    };
    let files = zmk_files.filter(|files| (1..=MAX_COMPONENTS).contains(&files.len()));
    let should_be = format!("the files of 1 to {MAX_COMPONENTS} components");
    let master_key_files = files.ok_or_else(|| wrong("keys.zmk-files", should_be))?;
    let should_be = "the check value of the zone master key";
    let master_check_value = zmk_kcv.ok_or_else(|| wrong("keys.zmk-kcv", should_be))?;
    Ok(Some(ZoneSecrets { algorithm, master_key_files, master_check_value, zpk, zak }))
}

fn issuers(keys: &Keys<'_>) -> Result<Vec<IssuerSecret>, Refused> {
    let should_be = "a table of pan-prefix, imk-file, status-updates = { approved, declined }";
    let tables = keys.sub_tables::<EmvTable>("emv", should_be)?;
    if tables.len() > MAX_ISSUERS {
        return Err(wrong("emv", format!("at most {MAX_ISSUERS}")));
    }
    tables.into_iter().map(issuer).collect()
}

fn issuer(it: EmvTable) -> Result<IssuerSecret, Refused> {
    let is_prefix = |text: &str| {
        let is_short = (1..=MAX_PREFIX_DIGITS).contains(&text.len());
        is_short && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_prefix(&it.pan_prefix) {
        return Err(wrong("emv.pan-prefix", format!("1 to {MAX_PREFIX_DIGITS} digits")));
    }
    let update = |text: &str| {
        let mut bytes = [0; 4];
        let read = hex::decode_to_slice(text, &mut bytes);
        read.map_err(|_| wrong("emv.status-updates", "eight hexadecimal digits each"))?;
        Ok::<_, Refused>(bytes)
    };
    let status_updates = match it.status_updates {
        None => StatusUpdates::default(),
        Some(UpdatesTable { approved, declined }) => {
            StatusUpdates { approved: update(&approved)?, declined: update(&declined)? }
        }
    };
    Ok(IssuerSecret { pan_prefix: it.pan_prefix, file: it.imk_file, status_updates })
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
        let [LinkSecrets { link, zone: Some(it), issuers }] = &all[..] else { panic!("one link") };
        assert_eq!((link.as_str(), it.master_check_value.as_str()), ("a", "63EE2D"));
        assert!(issuers.is_empty());
        assert_eq!(it.master_key_files, [PathBuf::from("one"), PathBuf::from("two")]);
        assert_eq!((it.zpk.as_deref(), it.zak.as_deref()), (Some("PX"), None));
        assert_eq!(it.algorithm, ProtectionAlgorithm::Tdes);
        let of_aes = load(&format!("{keys}\nzmk-algorithm = 'aes'"), Mode::Sandbox).ok().unwrap();
        assert_eq!(of_aes[0].zone.as_ref().unwrap().algorithm, ProtectionAlgorithm::Aes);
    }

    #[test]
    fn issuers_are_named_by_their_tables() {
        let updates = "status-updates = { approved = '00830000', declined = '00010000' }";
        let table = |more: &str| {
            format!("[[links.emv]]\npan-prefix = '400099'\nimk_file = 'imk'\n{more}\n")
        };
        let all = load(&format!("{}{}", table(""), table(updates)), Mode::Sandbox).ok().unwrap();
        let [LinkSecrets { zone: None, issuers, .. }] = &all[..] else { panic!("one link") };
        let [first, second] = &issuers[..] else { panic!("two issuers") };
        assert_eq!((&*first.pan_prefix, &first.file), ("400099", &PathBuf::from("imk")));
        assert_eq!(first.status_updates, StatusUpdates::default());
        assert_eq!(second.status_updates.approved, [0, 0x83, 0, 0]);
        let own = format!("software-keys = true\n{}", table(""));
        assert!(load(&own, Mode::Production).is_ok());
        for (table, key) in [
            (table("").replace("400099", "4000990012345"), "links.emv.pan-prefix"),
            (table("").replace("400099", ""), "links.emv.pan-prefix"),
            (table("").replace("imk_file", "imk"), "links.emv"),
            (table(&updates.replace("00830000", "0083")), "links.emv.status-updates"),
        ] {
            let line = load(&table, Mode::Sandbox).err().unwrap_or_else(|| panic!("{table}"));
            assert!(line.starts_with(&format!("x.toml: {key}: should be ")), "{line}");
        }
        let line = load(&table(""), Mode::Production).err().unwrap();
        assert!(line.starts_with("x.toml: links.keys.software-keys: "), "{line}");
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
