//! The head of a script: where it connects, and how messages are written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use crypto::TdesKey;
use iso8583::{
    FieldSettings, Framing, FramingSettings, Layout, LayoutSettings, NumberOrText, SettingsError,
};
use serde::Deserialize;
use toml::Table;
use zeroize::Zeroizing;

use super::codec::Codec;
use super::given::Given;
use super::step::{Fields, duration, fields};
use super::tls::{Tls, TlsKeys};

/// Most connections of a script.
const MAX_CONNECTIONS: usize = 64;
/// How long an answer or a connection may take unless the script says otherwise.
const TIMEOUT_MS: u64 = 10_000;
/// What a value from the environment begins with.
const ENVIRONMENT: &str = "env:";

/// Which side of the connections a script is.
pub enum Side {
    /// It connects to this address.
    Target(String),
    /// It takes connections at this address.
    Listen(String),
}

/// The head.
pub struct Head {
    /// Which side it is.
    pub side: Side,
    /// TLS of its connections, if they have it.
    pub tls: Option<Tls>,
    /// How messages are written and read.
    pub codec: Codec,
    /// How long an answer or a connection may take.
    pub timeout: Duration,
    /// How many connections there are.
    pub connections: usize,
    /// The variables.
    pub vars: BTreeMap<String, Zeroizing<String>>,
    /// Variables of the command line that `[vars]` does not have; values must use them.
    pub undeclared: Vec<String>,
    /// The network management codes that are answered without a step.
    pub auto: Vec<String>,
    /// The fields of every message that a step sends first.
    pub defaults: Fields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    target: Option<String>,
    listen: Option<String>,
    packager: Option<String>,
    dialect: Option<String>,
    bitmap: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, FieldSettings>,
    length: Option<String>,
    #[serde(default)]
    length_includes_itself: bool,
    header: Option<NumberOrText>,
    header_own: Option<String>,
    header_answer: Option<String>,
    max_frame: Option<usize>,
    timeout_ms: Option<u64>,
    connections: Option<usize>,
    tls: Option<TlsKeys>,
    #[serde(default)]
    keys: KeyTexts,
    #[serde(default)]
    vars: BTreeMap<String, String>,
    auto: Option<Vec<String>>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct KeyTexts {
    zpk: Option<String>,
    zak: Option<String>,
}

/// True if an address ends in a port.
fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

impl Head {
    /// Reads the head; `table` no longer has the steps.
    ///
    /// # Errors
    /// The key at fault and what is wrong with it.
    pub fn parse(table: Table, given: &Given<'_>) -> Result<Self, String> {
        let keys: Keys = table.try_into().map_err(|error: toml::de::Error| error.to_string())?;
        let side = match (keys.target, keys.listen) {
            (None, Some(_)) if given.target.is_some() => {
                return Err("--target: means nothing for a script with listen".to_owned());
            }
            (None, Some(listen)) => Side::Listen(listen),
            (Some(_), Some(_)) => return Err("listen: cannot stand beside target".to_owned()),
            (target, None) => {
                let name = if given.target.is_some() { "--target" } else { "target" };
                let target = given.target.clone().or(target);
                let target = target.ok_or("target: should be an address, or listen one")?;
                if !has_port(&target) {
                    return Err(format!("{name}: should be HOST:PORT"));
                }
                Side::Target(target)
            }
        };
        let tls = keys.tls.map(|tls| match &side {
            Side::Target(target) => Tls::client(tls, target),
            Side::Listen(_) => Tls::server(tls),
        });
        let tls = tls.transpose()?;
        let connections = keys.connections.unwrap_or(1);
        if !(1..=MAX_CONNECTIONS).contains(&connections) {
            return Err(format!("connections: should be from 1 to {MAX_CONNECTIONS}"));
        }
        let KeyTexts { zpk, zak } = keys.keys;
        let key = |name: &str, text: Option<String>| {
            let text = text.map(|text| value(&format!("keys.{name}"), text, given)).transpose()?;
            let key = text.map(|text| TdesKey::from_hex(&text)).transpose();
            key.map_err(|_| format!("keys.{name}: should be 32 hexadecimal digits"))
        };
        let (zpk, zak) = (key("zpk", zpk)?, key("zak", zak)?);
        let (packager, dialect, bitmap) = (keys.packager, keys.dialect, keys.bitmap);
        let layout = LayoutSettings { packager, dialect, bitmap, fields: keys.fields };
        let layout = Layout::new(&layout).map_err(setting)?;
        let framing = FramingSettings {
            length: keys.length,
            length_includes_itself: keys.length_includes_itself,
            header: keys.header,
            header_own: keys.header_own,
            header_answer: keys.header_answer,
            max_frame: keys.max_frame,
        };
        let framing = Framing::new(&framing).map_err(setting)?;
        let echo = if layout.packager().version() == 0 { "301" } else { "831" };
        let names = given.vars.iter().map(|(name, _)| name);
        let undeclared = names.filter(|name| !keys.vars.contains_key(*name)).cloned().collect();
        Ok(Self {
            side,
            tls,
            codec: Codec { layout, framing, zpk, zak },
            timeout: duration("timeout-ms", keys.timeout_ms.unwrap_or(TIMEOUT_MS))?,
            connections,
            vars: variables(keys.vars, given)?,
            undeclared,
            auto: keys.auto.unwrap_or_else(|| vec![echo.to_owned()]),
            defaults: fields("defaults", keys.defaults)?,
        })
    }
}

/// The error of a link's setting, which has the same name here.
fn setting(error: SettingsError) -> String {
    let line = error.to_string();
    line.strip_prefix("links.").unwrap_or(&line).to_owned()
}

fn variables(
    texts: BTreeMap<String, String>,
    given: &Given<'_>,
) -> Result<BTreeMap<String, Zeroizing<String>>, String> {
    let mut vars: BTreeMap<_, _> = given.vars.iter().cloned().collect();
    for (name, text) in texts {
        // A variable of the command line takes the place of the script's, also if the environment
        // does not have that one.
        if let Entry::Vacant(free) = vars.entry(name) {
            let text = value(&format!("vars.{}", free.key()), text, given)?;
            free.insert(text);
        }
    }
    Ok(vars)
}

/// The text, or what the environment has under the name after `env:`.
fn value(key: &str, text: String, given: &Given<'_>) -> Result<Zeroizing<String>, String> {
    let Some(name) = text.strip_prefix(ENVIRONMENT) else { return Ok(Zeroizing::new(text)) };
    let found = (given.environment)(name);
    found.ok_or_else(|| format!("{key}: the environment has no {name}"))
}
