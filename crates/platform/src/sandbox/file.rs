//! `sandbox.json`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Identity;
use crate::failure::Failure;
use crate::listeners::Addresses;
use crate::private_file::write_private;

/// The file's name inside the data directory.
pub const FILE_NAME: &str = "sandbox.json";

#[derive(Serialize)]
struct Written<'a> {
    public_url: &'a str,
    admin_url: &'a str,
    admin_token: &'a str,
    enterprise: WrittenEnterprise<'a>,
    vm_app: WrittenVmApp<'a>,
    /// Addresses of the links to card networks, if there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links: &'a BTreeMap<String, SocketAddr>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEnterprise<'a> {
    enterprise_id: String,
    api_key: &'a str,
    secret_key: &'a str,
    profile_id: String,
    platform_public_key: &'a str,
}

#[derive(Serialize)]
struct WrittenVmApp<'a> {
    app_id: &'a str,
    app_secret: &'a str,
    platform_public_key: &'a str,
    product_codes: WrittenProductCodes<'a>,
}

#[derive(Serialize)]
struct WrittenProductCodes<'a> {
    save: &'a str,
    share: &'a str,
}

/// Writes the file atomically, with mode 0600.
///
/// # Errors
/// It cannot be written.
pub fn write_file(
    data_dir: &Path,
    addresses: &Addresses,
    admin_token: &str,
    identity: &Identity,
) -> Result<(), Failure> {
    let written = Written {
        public_url: &addresses.public_url,
        admin_url: &addresses.admin_url,
        admin_token,
        enterprise: WrittenEnterprise {
            enterprise_id: identity.enterprise_id.to_string(),
            api_key: &identity.api_key,
            secret_key: identity.secret_key.expose(),
            profile_id: identity.profile_id.to_string(),
            platform_public_key: &identity.platform_public_key,
        },
        vm_app: WrittenVmApp {
            app_id: &identity.vm_app.app_id,
            app_secret: identity.vm_app.app_secret.expose(),
            platform_public_key: &identity.vm_app.platform_public_key,
            product_codes: WrittenProductCodes {
                save: &identity.vm_app.prepaid_code,
                share: &identity.vm_app.credit_line_code,
            },
        },
        links: &addresses.links,
    };
    let mut text =
        Zeroizing::new(serde_json::to_vec_pretty(&written).expect("a struct of texts is JSON"));
    text.push(b'\n');
    let path = data_dir.join(FILE_NAME);
    write_private(&path, &text).map_err(|error| {
        Failure::run(format_args!("data-dir: {} cannot be written: {error}", path.display()))
    })
}

/// The parts of the file that a command reads.
#[derive(Deserialize)]
pub struct Known {
    /// The admin listener.
    pub admin_url: String,
    /// The operator's token.
    pub admin_token: String,
    /// The sandbox's enterprise.
    pub enterprise: KnownEnterprise,
}

/// The enterprise's parts that a command reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownEnterprise {
    /// Its id.
    pub enterprise_id: String,
    /// The secret that webhooks are signed with.
    pub secret_key: String,
    /// The platform's public key for it.
    pub platform_public_key: String,
}

/// Reads the file, if there is one.
///
/// # Errors
/// It exists but is not a valid sandbox.json.
pub fn read_file(data_dir: &Path) -> Result<Option<Known>, Failure> {
    let path = data_dir.join(FILE_NAME);
    let Ok(text) = std::fs::read(&path).map(Zeroizing::new) else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).map_err(|_| {
        Failure::configuration(format_args!(
            "data-dir: {} should be what `cardbridge serve` writes",
            path.display()
        ))
    })
}
