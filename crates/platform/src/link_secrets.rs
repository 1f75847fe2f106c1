//! Gives the vault the keys of links: reads the files that the configuration names, and what came
//! by messages before.

use domain::{LinkKeyKind, Timestamp};
use vault::{LinkKeyError, Vault};

use crate::config::{Config, IssuerSecret, LinkSecrets, ZoneSecrets};
use crate::failure::Failure;
use crate::secrets::read_private;

const ZMK_FILES: &str = "links.keys.zmk-files";
const IMK_FILE: &str = "links.emv.imk-file";
const ZMK_KCV: &str = "links.keys.zmk-kcv";

/// Reads the keys of every link.
///
/// # Errors
/// One line that names the key of the configuration and what it should be.
pub fn load(config: &Config, vault: &Vault, now: Timestamp) -> Result<(), Failure> {
    config.link_secrets.iter().try_for_each(|secrets| load_one(secrets, vault, now))
}

fn load_one(secrets: &LinkSecrets, vault: &Vault, now: Timestamp) -> Result<(), Failure> {
    let link = &secrets.link;
    if let Some(zone) = &secrets.zone {
        load_zone(link, zone, vault, now)?;
    }
    for IssuerSecret { pan_prefix, file, status_updates } in &secrets.issuers {
        let text = read_private(IMK_FILE, file)?;
        let added = vault.add_link_issuer_key(link, pan_prefix, text.trim(), *status_updates);
        added.map_err(|_| refused(link, IMK_FILE, "a file of 32 hexadecimal digits"))?;
    }
    Ok(())
}

fn refused(link: &str, key: &str, should_be: &str) -> Failure {
    Failure::configuration(format_args!("{key}: should be {should_be} (link {link})"))
}

fn load_zone(
    link: &str,
    secrets: &ZoneSecrets,
    vault: &Vault,
    now: Timestamp,
) -> Result<(), Failure> {
    let ZoneSecrets { algorithm, master_key_files, master_check_value, zpk, zak } = secrets;
    let read = master_key_files.iter().map(|path| read_private(ZMK_FILES, path));
    let components = read.collect::<Result<Vec<_>, _>>()?;
    let components: Vec<_> = components.iter().map(|text| text.trim()).collect();
    let refused = |key: &str, should_be: &str| refused(link, key, should_be);
    let master = vault.set_link_master_key(link, *algorithm, &components, master_check_value);
    master.map_err(|error| match error {
        LinkKeyError::CheckValue => refused(ZMK_KCV, "the check value of the key in zmk-files"),
        _ => refused(ZMK_FILES, "files of hexadecimal digits, as many as the key has"),
    })?;
    for (key, kind, text) in
        [("links.keys.zpk", LinkKeyKind::Pin, zpk), ("links.keys.zak", LinkKeyKind::Mac, zak)]
    {
        let Some(text) = text else { continue };
        vault.set_link_key(link, kind, text, now).map_err(|error| {
            refused(key, &format!("a key of this use under the zone master key; {error}"))
        })?;
    }
    Ok(())
}
