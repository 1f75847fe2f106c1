//! The `[[links]]` tables: links to card networks (network-iso8583.md section 7.1).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use domain::Mode;
use iso8583::{Framing, Layout, LayoutSettings, Packager};
use scheme::{Code, LinkSettings, Place, SignOn};
use toml::Value;

use super::document::Document;
use super::layers::Layers;
use super::link_keys::{Keys, Refused, wrong};
use super::link_security::link_security;
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
        links.push(LinkSettings::new(DEFAULT_NAME, listen).map_err(Failure::configuration)?);
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

/// Names differ; production has no link yet.
fn check_all(document: &Document, links: &[LinkSettings], mode: Mode) -> Result<(), Failure> {
    let refused =
        |line: String| Failure::configuration(format_args!("{}: {line}", document.name()));
    if mode == Mode::Production && !document.links().is_empty() {
        return Err(refused(
            "links: should be left out in production: links have no TLS yet, and an address is \
             not enough to say who states facts about money"
                .to_owned(),
        ));
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

/// Reads one table.
fn link(value: &Value) -> Result<LinkSettings, Refused> {
    let Some(table) = value.as_table() else {
        return Err(("links".to_owned(), "a list of tables, [[links]]".to_owned()));
    };
    let keys = Keys::new(table)?;
    let name = keys.name("name")?.ok_or_else(|| wrong("name", "set"))?;
    let should_be = "an address and port such as 0.0.0.0:8583";
    let listen: Option<SocketAddr> = keys.parsed("listen", should_be, |text| text.parse().ok())?;
    let listen = listen.ok_or_else(|| wrong("listen", should_be))?;
    keys.parsed("mode", "listen: the platform does not connect to others yet", |text| {
        (text == "listen").then_some(())
    })?;
    let mut link = LinkSettings::new(name, listen).map_err(|it| (it.key, it.should_be))?;
    if let Some(network) = keys.name("network")? {
        link.network = network.to_owned();
    }
    link.layout = layout(&keys)?;
    link.framing = Framing::new(&keys.part()?).map_err(|it| (it.key, it.should_be))?;
    if let Some(allow) = keys.allow()? {
        link.allow = allow;
    }
    let choices = [("ignore", false), ("echo", true)];
    link.echoes_keep_alive = keys.choice("keep-alive", &choices)?.unwrap_or(false);
    let choices = [("peer", SignOn::Peer), ("none", SignOn::Nobody)];
    link.sign_on = keys.choice("sign-on", &choices)?.unwrap_or(SignOn::Peer);
    let should_be = "three or four numbers such as 25,13,2 that make 40 and end with 2";
    if let Some(place) = keys.parsed("place", should_be, Place::parse)? {
        link.place = place;
    }
    let should_be = format!("at most {TERMINAL_BYTES} printable characters");
    link.terminal = keys.parsed("terminal", &should_be, terminal)?;
    let own = Code::DO_NOT_HONOUR;
    if let Some(code) = keys.parsed("no-answer-code", "two digits", |text| own.with_iso87(text))? {
        link.no_answer_code = code;
    }
    if let Some(echo) = keys.echo()? {
        link.echo = echo;
    }
    link.security = link_security(&keys)?;
    set_times(&keys, &mut link)?;
    set_caps(&keys, &mut link);
    Ok(link)
}

/// The layout. Messages of 1993 are not translated yet.
fn layout(keys: &Keys<'_>) -> Result<Layout, Refused> {
    let settings = LayoutSettings { fields: keys.fields()?, ..keys.part()? };
    let layout = Layout::new(&settings).map_err(|it| (it.key, it.should_be))?;
    if layout.packager() == Packager::Iso93Ascii {
        return Err(wrong("packager", "iso87ascii or iso87binary: 1993 is not translated yet"));
    }
    Ok(layout)
}

fn terminal(text: &str) -> Option<String> {
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_right = is_printable && (1..=TERMINAL_BYTES).contains(&text.len());
    is_right.then(|| format!("{text:TERMINAL_BYTES$}"))
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
    let number = |key| keys.number(key).and_then(|number| usize::try_from(number).ok());
    let caps = &mut link.caps;
    caps.connections = number("max-connections").unwrap_or(caps.connections);
    caps.in_flight = number("max-in-flight").unwrap_or(caps.in_flight);
    let per_second = keys.number("max-per-second").and_then(|it| u32::try_from(it).ok());
    caps.per_second = per_second.unwrap_or(caps.per_second);
}

#[cfg(test)]
mod tests;
