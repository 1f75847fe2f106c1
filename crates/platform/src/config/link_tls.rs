//! The `[links.tls]` table (network-iso8583.md section 7.1).

use std::path::{Path, PathBuf};

use crypto::{PeerTlsError, TlsIdentity, TlsPeers, client_tls, server_tls};
use scheme::{LinkMode, LinkTls};
use serde::Deserialize;

use super::link_keys::{Keys, Refused, wrong};
use crate::private_file::read_private;

/// Largest file with certificates.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// Most names of a peer.
const MAX_NAMES: usize = 64;
/// The keys of the table.
const KEYS: &str = "cert-file, key-file, client-ca-file, peer-names";
const CERT_FILE: &str = "tls.cert-file";
const KEY_FILE: &str = "tls.key-file";
const AUTHORITY_FILE: &str = "tls.client-ca-file";
const PEER_NAMES: &str = "tls.peer-names";

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
    let (identity, peers) = (identity(&section)?, peers(&section)?);
    let unusable = |error: PeerTlsError| wrong("tls", format!("usable; it {error}"));
    match mode {
        LinkMode::Listen { .. } => {
            let identity = identity.ok_or_else(|| wrong(CERT_FILE, "set where a link listens"))?;
            let verifies_clients = peers.is_some();
            let config = server_tls(identity, peers).map_err(unusable)?;
            Ok(Some(LinkTls::Server { config, verifies_clients }))
        }
        LinkMode::Connect { .. } => {
            let should_be = "set where a link connects: the server's authority";
            let peers = peers.ok_or_else(|| wrong(AUTHORITY_FILE, should_be))?;
            client_tls(identity, peers).map(LinkTls::Client).map(Some).map_err(unusable)
        }
    }
}

fn identity(section: &Section) -> Result<Option<TlsIdentity>, Refused> {
    let (certificate, key) = match (&section.cert_file, &section.key_file) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (None, Some(_)) => return Err(wrong(CERT_FILE, "set where key-file is")),
        (Some(_), None) => return Err(wrong(KEY_FILE, "set where cert-file is")),
    };
    let chain = read(CERT_FILE, certificate)?;
    let private = read_private(key).map_err(|problem| {
        let path = key.display();
        wrong(KEY_FILE, format!("a readable file of mode 0600; {path}: {problem}"))
    })?;
    let identity = TlsIdentity::from_pem(&chain, private.as_bytes());
    identity.map(Some).map_err(|error| match error {
        PeerTlsError::Certificate => refused(CERT_FILE, certificate, &error),
        _ => refused(KEY_FILE, key, &error),
    })
}

fn peers(section: &Section) -> Result<Option<TlsPeers>, Refused> {
    let names = &section.peer_names;
    if names.len() > MAX_NAMES {
        return Err(wrong(PEER_NAMES, format!("at most {MAX_NAMES}")));
    }
    let Some(file) = &section.client_ca_file else {
        return match names.is_empty() {
            true => Ok(None),
            false => Err(wrong(AUTHORITY_FILE, "set where peer-names is")),
        };
    };
    let peers = TlsPeers::new(&read(AUTHORITY_FILE, file)?, names);
    peers.map(Some).map_err(|error| match error {
        PeerTlsError::Name => wrong(PEER_NAMES, "names of hosts or addresses"),
        _ => refused(AUTHORITY_FILE, file, &error),
    })
}

/// Reads a file that holds no secret.
fn read(key: &str, path: &Path) -> Result<Vec<u8>, Refused> {
    let bytes = std::fs::metadata(path).and_then(|metadata| match metadata.len() {
        0..=MAX_FILE_BYTES => std::fs::read(path),
        _ => Err(std::io::Error::other("larger than 256 KiB")),
    });
    bytes.map_err(|error| wrong(key, format!("a readable file; {}: {error}", path.display())))
}

fn refused(key: &str, path: &Path, error: &PeerTlsError) -> Refused {
    wrong(key, format!("usable; {} {error}", path.display()))
}
