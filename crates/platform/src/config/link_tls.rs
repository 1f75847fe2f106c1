//! The `[links.tls]` table (network-iso8583.md section 7.1).

use std::path::{Path, PathBuf};

use crypto::{PeerTlsError, TlsPart, TlsParts};
use scheme::{LinkMode, LinkTls};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::link_keys::{Keys, Refused, wrong};
use crate::private_file::read_private;

/// Largest file with certificates.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// The keys of the table.
const KEYS: &str = "cert-file, key-file, client-ca-file, peer-names";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Section {
    #[serde(alias = "cert_file")]
    cert_file: Option<PathBuf>,
    #[serde(alias = "key_file")]
    key_file: Option<PathBuf>,
    #[serde(alias = "client_ca_file")]
    client_ca_file: Option<PathBuf>,
    #[serde(default, alias = "peer_names")]
    peer_names: Vec<String>,
}

/// TLS of a link, if its table is there; the files are read.
pub fn tls(keys: &Keys<'_>, mode: &LinkMode) -> Result<Option<LinkTls>, Refused> {
    let Some(section) = keys.section::<Section>("tls", KEYS)? else { return Ok(None) };
    let file =
        |part, path: &Option<PathBuf>| path.as_ref().map(|path| read(part, path)).transpose();
    let parts = TlsParts {
        certificate: file(TlsPart::Certificate, &section.cert_file)?,
        key: section.key_file.as_deref().map(read_key).transpose()?,
        authorities: file(TlsPart::Authorities, &section.client_ca_file)?,
        names: section.peer_names,
    };
    let tls = match mode {
        LinkMode::Listen { .. } => parts.server().map(|config| LinkTls::Server {
            config,
            verifies_clients: parts.authorities.is_some(),
        }),
        LinkMode::Connect { .. } => parts.client().map(LinkTls::Client),
    };
    tls.map(Some).map_err(|PeerTlsError { part, should_be }| wrong(&key(part), should_be))
}

/// Reads a file that holds no secret.
fn read(part: TlsPart, path: &Path) -> Result<Vec<u8>, Refused> {
    let bytes = std::fs::metadata(path).and_then(|metadata| match metadata.len() {
        0..=MAX_FILE_BYTES => std::fs::read(path),
        _ => Err(std::io::Error::other("larger than 256 KiB")),
    });
    bytes
        .map_err(|error| wrong(&key(part), format!("a readable file; {}: {error}", path.display())))
}

fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let text = read_private(path).map_err(|problem| {
        let should_be = format!("a readable file of mode 0600; {}: {problem}", path.display());
        wrong(&key(TlsPart::Key), should_be)
    })?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn key(part: TlsPart) -> String {
    format!("tls.{}", part.key())
}
