//! The `[[links]]` tables: links to card networks (network-iso8583.md section 7.1).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use domain::{Currency, Mode, Money};
use iso8583::{Framing, Layout, LayoutSettings, Packager};
use scheme::{Codes, LinkMode, LinkSettings, LinkTls, MacUse, Place, RequestRules, SignOn};
use serde::Deserialize;
use toml::Value;

use super::document::Document;
use super::layers::Layers;
use super::link_keys::{Keys, Refused, TARGETS, wrong};
use super::link_security::link_security;
use super::link_tls;
use super::values;
use crate::failure::Failure;

/// The option that opens one link with all defaults.
pub const ISO_LISTEN: &str = "iso-listen";
/// The name of that link.
const DEFAULT_NAME: &str = "default";
/// Most links.
const MAX_LINKS: usize = 64;
/// Bytes of DE41.
const TERMINAL_BYTES: usize = 8;
/// Most digits of DE32.
const ACQUIRER_DIGITS: usize = 11;

/// The links of the file, and the one of `iso-listen`.
pub fn links(layers: &Layers, mode: Mode) -> Result<Vec<LinkSettings>, Failure> {
    let mut links = Vec::new();
    if let Some(given) = layers.optional(ISO_LISTEN) {
        if mode == Mode::Production {
            return Err(given.refused(
                "left out in production: a link without TLS takes the word of whoever connects",
            ));
        }
        let listen = values::socket_address(&given)?;
        let link = LinkSettings::new(DEFAULT_NAME, LinkMode::listen(listen));
        links.push(link.map_err(Failure::configuration)?);
    }
    let Some(document) = layers.file() else { return Ok(links) };
    for value in document.links() {
        links.push(link(value).map_err(|(key, should_be)| {
            Failure::configuration(format_args!(
                "{}: {key}: should be {should_be}",
                document.name()
            ))
        })?);
    }
    check_all(document, &links, mode)?;
    Ok(links)
}

/// Names differ, and production knows its peers.
fn check_all(document: &Document, links: &[LinkSettings], mode: Mode) -> Result<(), Failure> {
    let refused =
        |line: String| Failure::configuration(format_args!("{}: {line}", document.name()));
    if mode == Mode::Production {
        links.iter().try_for_each(check_production).map_err(refused)?;
    }
    if links.len() > MAX_LINKS {
        return Err(refused(format!("links: should be at most {MAX_LINKS}")));
    }
    let mut names = BTreeSet::new();
    match links.iter().find(|link| !names.insert(link.name.as_str())) {
        None => Ok(()),
        Some(link) => {
            Err(refused(format!("links.name: should be unique; {:?} is there twice", link.name)))
        }
    }
}

/// Production takes messages of known peers only (network-iso8583.md section 7.1).
fn check_production(link: &LinkSettings) -> Result<(), String> {
    let name = &link.name;
    let is_limited = matches!(&link.mode, LinkMode::Listen { allow, .. } if !allow.is_empty());
    if link.tls.is_none() && !is_limited {
        return Err(format!(
            "links.tls: should be set in production for the link {name}, or allow; otherwise \
             anybody could send messages"
        ));
    }
    let shows_certificate = link.tls.as_ref().is_some_and(LinkTls::verifies_peers);
    if !shows_certificate && link.security.mac == MacUse::None {
        return Err(format!(
            "links.tls.client-ca-file: should be set in production for the link {name}, or mac: \
             a peer that states facts about money shows a certificate or signs its messages"
        ));
    }
    if link.max_forced_per_day.is_none() {
        return Err(format!(
            "links.max-forced-per-day: should be set in production for the link {name}: advices \
             move money without any other limit"
        ));
    }
    Ok(())
}

/// Reads one table.
fn link(value: &Value) -> Result<LinkSettings, Refused> {
    let Some(table) = value.as_table() else {
        return Err(("links".to_owned(), "a list of tables, [[links]]".to_owned()));
    };
    let keys = Keys::new(table)?;
    let name = keys.name("name")?.ok_or_else(|| wrong("name", "set"))?;
    let mut link = LinkSettings::new(name, mode(&keys)?).map_err(|it| (it.key, it.should_be))?;
    link.tls = link_tls::tls(&keys, &link.mode)?;
    if let Some(network) = keys.name("network")? {
        link.network = network.to_owned();
    }
    link.layout = layout(&keys)?;
    let packager = link.layout.packager();
    link.framing = Framing::new(&keys.part()?).map_err(|it| (it.key, it.should_be))?;
    let choices = [("ignore", false), ("echo", true)];
    link.multi_clearing = keys.flag("multi-clearing").unwrap_or(false);
    link.echoes_keep_alive = keys.choice("keep-alive", &choices)?.unwrap_or(false);
    let choices = [("peer", SignOn::Peer), ("us", SignOn::Us), ("none", SignOn::Nobody)];
    link.sign_on = keys.choice("sign-on", &choices)?.unwrap_or(SignOn::Peer);
    link.place = place(&keys, packager)?.unwrap_or_default();
    let should_be = format!("at most {TERMINAL_BYTES} printable characters");
    link.sender.terminal = keys.parsed("terminal", &should_be, terminal)?;
    let should_be = format!("1 to {ACQUIRER_DIGITS} digits");
    link.sender.acquirer = keys.parsed("acquirer", &should_be, acquirer)?;
    link.requires_balances = keys.flag("balance-required").unwrap_or(false);
    let choices = [("same", false), ("any", true)];
    link.answers_anywhere = keys.choice("answer-on", &choices)?.unwrap_or(false);
    link.max_forced_per_day = max_forced_per_day(&keys)?;
    link.codes = codes(&keys, packager)?;
    link.rules = rules(&keys)?;
    link.echo = keys.echo(packager)?.unwrap_or_else(|| packager.default_echo());
    link.security = link_security(&keys, packager)?;
    set_times(&keys, &mut link)?;
    set_caps(&keys, &mut link);
    Ok(link)
}

/// How much advices may state in a day.
fn max_forced_per_day(keys: &Keys<'_>) -> Result<Option<Money>, Refused> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Limit {
        amount: String,
        currency: String,
    }
    const KEY: &str = "max-forced-per-day";
    const SHOULD_BE: &str =
        "a table such as { amount = \"100000.00\", currency = \"USD\" }, above zero";
    let Some(limit) = keys.sub_table::<Limit>(KEY, SHOULD_BE)? else { return Ok(None) };
    let currency = Currency::parse(&limit.currency);
    let amount = currency.and_then(|it| Money::parse_major(&limit.amount, it).ok());
    let amount = amount.filter(|it| it.is_positive());
    amount.map(Some).ok_or_else(|| wrong(KEY, SHOULD_BE))
}

/// Who makes the connections, with the keys that mean something then.
fn mode(keys: &Keys<'_>) -> Result<LinkMode, Refused> {
    if keys.choice("mode", &[("listen", false), ("connect", true)])?.unwrap_or(false) {
        keys.refuse_all(&["listen", "allow", "max-connections"], "left out with mode = connect")?;
        let targets = keys.targets()?.filter(|it| !it.is_empty());
        let targets = targets.ok_or_else(|| wrong("connect", TARGETS))?;
        let connections = keys.count("connections").unwrap_or(LinkMode::CONNECTIONS);
        return Ok(LinkMode::Connect { targets, connections });
    }
    keys.refuse_all(&["connect", "connections"], "left out unless mode = connect")?;
    let should_be = "an address and port such as 0.0.0.0:8583";
    let address: Option<SocketAddr> = keys.parsed("listen", should_be, |text| text.parse().ok())?;
    Ok(LinkMode::Listen {
        address: address.ok_or_else(|| wrong("listen", should_be))?,
        allow: keys.allow()?.unwrap_or_default(),
        max_connections: keys.count("max-connections").unwrap_or(LinkMode::MAX_CONNECTIONS),
    })
}

/// The layout.
fn layout(keys: &Keys<'_>) -> Result<Layout, Refused> {
    let settings = LayoutSettings { fields: keys.fields()?, ..keys.part()? };
    Layout::new(&settings).map_err(|it| (it.key, it.should_be))
}

/// How DE43 is divided, where the dialect leaves that to the link.
fn place(keys: &Keys<'_>, packager: Packager) -> Result<Option<Place>, Refused> {
    if packager.version() == 1 {
        keys.refuse_all(&["place"], "left out with dialect 1993, where DE43 has backslashes")?;
    }
    let should_be = "three or four numbers such as 25,13,2 that make 40 and end with 2";
    keys.parsed("place", should_be, Place::parse)
}

/// The codes for decisions, in the link's dialect.
fn codes(keys: &Keys<'_>, packager: Packager) -> Result<Codes, Refused> {
    let mut codes = Codes::new(packager);
    let should_be = codes.should_be();
    let choose = |text: &str| codes.choose_no_answer(text).then_some(());
    keys.parsed("no-answer-code", should_be, choose)?;
    for (word, text) in keys.texts("codes")? {
        if !codes.choose(word, text) {
            let should_be = format!("the word of a decline, with {should_be}");
            return Err(wrong(&format!("codes.{word}"), should_be));
        }
    }
    Ok(codes)
}

/// What the link changes in how requests are read.
fn rules(keys: &Keys<'_>) -> Result<RequestRules, Refused> {
    let mut rules = RequestRules::default();
    rules.prefixes = keys.prefixes()?.unwrap_or_default();
    rules.is_strict = keys.flag("strict").unwrap_or(false);
    for (code, text) in keys.texts("processing-codes")? {
        let is_added =
            text.parse().is_ok_and(|transaction_type| rules.add_type(code, transaction_type));
        if !is_added {
            let should_be = "two digits without a meaning of their own, with R, C, P or Q";
            return Err(wrong(&format!("processing-codes.{code}"), should_be));
        }
    }
    Ok(rules)
}

fn terminal(text: &str) -> Option<String> {
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_right = is_printable && (1..=TERMINAL_BYTES).contains(&text.len());
    is_right.then(|| format!("{text:TERMINAL_BYTES$}"))
}

fn acquirer(text: &str) -> Option<String> {
    let is_right = text.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=ACQUIRER_DIGITS).contains(&text.len());
    is_right.then(|| text.to_owned())
}

fn set_times(keys: &Keys<'_>, link: &mut LinkSettings) -> Result<(), Refused> {
    let times = &mut link.times;
    let seconds = |key| keys.number(key).map(Duration::from_secs);
    let millis = |key, own: &mut Duration| {
        if let Some(millis) = keys.number(key) {
            *own = Duration::from_millis(millis);
        }
    };
    // 0 = never.
    if let Some(idle) = seconds("idle-timeout-s") {
        times.idle = Some(idle).filter(|it| !it.is_zero());
    }
    if let Some(interval) = seconds("echo-interval-s") {
        times.echo_interval = Some(interval).filter(|it| !it.is_zero());
    }
    millis("echo-timeout-ms", &mut times.echo_timeout);
    millis("frame-timeout-ms", &mut times.frame);
    millis("write-timeout-ms", &mut times.write);
    millis("response-time-ms", &mut times.response);
    millis("answer-margin-ms", &mut times.answer_margin);
    if times.answer_margin >= times.response {
        return Err(wrong("answer-margin-ms", "below response-time-ms"));
    }
    Ok(())
}

fn set_caps(keys: &Keys<'_>, link: &mut LinkSettings) {
    let caps = &mut link.caps;
    caps.in_flight = keys.count("max-in-flight").unwrap_or(caps.in_flight);
    let per_second = keys.number("max-per-second").and_then(|it| u32::try_from(it).ok());
    caps.per_second = per_second.unwrap_or(caps.per_second);
    let facts = |key| keys.number(key).and_then(|it| u32::try_from(it).ok());
    caps.advices_in_flight = facts("max-advices-in-flight").unwrap_or(caps.advices_in_flight);
    caps.advices_waiting = facts("max-advices-waiting").unwrap_or(caps.advices_waiting);
}

#[cfg(test)]
mod tests;
