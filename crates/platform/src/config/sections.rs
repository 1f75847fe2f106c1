//! The tables of a TOML file as written, before any value is checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Value;

/// A table that a file may have.
pub trait Section: DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// The keys that it may contain, for failures.
    const WANTED: &'static str;

    /// Reads the table's value.
    ///
    /// # Errors
    /// It is not a table, lacks a key, or has an unknown one; the error repeats no secret.
    fn read(value: Value) -> Result<Self, String> {
        let name = Self::NAME;
        if !value.is_table() {
            return Err(format!("{name}: should be a table"));
        }
        value.try_into().map_err(|error: toml::de::Error| {
            format!("{name}: should be a table of {}; {}", Self::WANTED, error.message())
        })
    }
}

/// The `[fx]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FxSection {
    /// Rates, pair by pair.
    #[serde(default)]
    pub rates: Vec<RateEntry>,
    /// Units of each currency for one US dollar: a rate for every pair of them, both ways.
    #[serde(default, alias = "per_usd")]
    pub per_usd: BTreeMap<String, Value>,
}

/// One rate as written in a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateEntry {
    /// ISO 4217 code, numeric or alphabetic.
    pub from: String,
    /// ISO 4217 code.
    pub to: String,
    /// Units of `to` for one of `from`: text, so no digit is lost, or a number.
    pub rate: Value,
}

/// The `[vm]` table. Its values are checked one by one, so each failure names its key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VmSection {
    #[serde(alias = "utc_offset")]
    pub utc_offset: Option<Value>,
    #[serde(alias = "first_status")]
    pub first_status: Option<Value>,
    #[serde(alias = "token_lifetime_s")]
    pub token_lifetime_s: Option<Value>,
    #[serde(alias = "extra_fields")]
    pub extra_fields: Option<Value>,
    #[serde(alias = "error_codes")]
    pub error_codes: Option<Value>,
}

impl Section for VmSection {
    const NAME: &'static str = "vm";
    const WANTED: &'static str =
        "utc-offset, first-status, token-lifetime-s, extra-fields, error-codes";
}

/// The `[smtp]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpSection {
    pub host: String,
    pub port: Option<u16>,
    pub from: String,
    pub username: Option<String>,
    #[serde(alias = "password_file")]
    pub password_file: Option<PathBuf>,
    pub tls: Option<String>,
    #[serde(alias = "ca_file")]
    pub ca_file: Option<PathBuf>,
}

impl Section for SmtpSection {
    const NAME: &'static str = "smtp";
    const WANTED: &'static str = "host, port, from, username, password-file, tls, ca-file";
}

/// The `[s3]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct S3Section {
    /// Address of the service.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key id; not secret.
    #[serde(alias = "access_key_id", alias = "accessKeyId")]
    pub access_key_id: String,
    /// File of mode 0600 with the secret access key.
    #[serde(default, alias = "secret_access_key_file", alias = "secretAccessKeyFile")]
    pub secret_access_key_file: Option<PathBuf>,
    /// True if the bucket's name is in the path instead of before the host.
    #[serde(default, alias = "path_style", alias = "pathStyle")]
    pub path_style: bool,
}

impl Section for S3Section {
    const NAME: &'static str = "s3";
    const WANTED: &'static str =
        "endpoint, region, bucket, access-key-id, secret-access-key-file, path-style";
}
