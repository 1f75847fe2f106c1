//! The keys of a `[[links]]` table that protect its messages (network-iso8583.md sections 3.5, 7.1
//! and 8).

use iso8583::{Packager, field_of};
use scheme::{CardReading, Cvv2Place, LinkSecurity, MacUse};
use serde::Deserialize;
use toml::Value;
use vault::PinBlockFormat;

use super::link_keys::{Keys, Refused, wrong};

/// Most characters of a track's discretionary data before the CVV.
const MAX_TRACK_OFFSET: usize = 30;
/// Most characters of a field before the CVV2.
const MAX_FIELD_OFFSET: usize = 996;

/// The table `cvv2` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cvv2Table {
    field: u8,
    tag: Option<String>,
    skip: Option<usize>,
    offset: Option<usize>,
    length: Option<usize>,
}

/// Reads what protects the messages of a link.
pub fn link_security(keys: &Keys<'_>, packager: Packager) -> Result<LinkSecurity, Refused> {
    let choices = [("none", MacUse::None), ("verify", MacUse::Verify), ("all", MacUse::All)];
    let mac = keys.choice("mac", &choices)?.unwrap_or_default();
    let needed = match mac {
        MacUse::None => None,
        // The first key may come by a message, which needs no code then.
        MacUse::Verify => Some("zmk-files"),
        MacUse::All => Some("zak"),
    };
    if let Some(needed) = needed.filter(|needed| !has_key(keys, needed)) {
        let should_be = format!("none without {needed} in [links.keys]: no message could verify");
        return Err(wrong("mac", should_be));
    }
    let answers_bad_mac = keys.choice("mac-failure", &[("drop", false), ("answer", true)])?;
    let choices = [("iso0", PinBlockFormat::Iso0), ("iso3", PinBlockFormat::Iso3)];
    let pin_block = keys.choice("pin-block", &choices)?.unwrap_or(PinBlockFormat::Iso0);
    let reading = CardReading { track_cvv: track_cvv(keys)?, cvv2: cvv2(keys)? };
    let key_field = key_field(keys, packager)?;
    let trusts = keys.choice("chip-unverified", &[("decline", false), ("approve", true)])?;
    Ok(LinkSecurity {
        mac,
        answers_bad_mac: answers_bad_mac.unwrap_or(false),
        pin_block,
        reading,
        key_field,
        trusts_unverified_chips: trusts.unwrap_or(false),
    })
}

/// The field of a key that comes. Dialect 1993 has one of its own for it.
fn key_field(keys: &Keys<'_>, packager: Packager) -> Result<u8, Refused> {
    let (fields, should_be): (&[u8], _) = match packager.version() {
        0 => (&[48, 125], "48 or 125"),
        _ => (&[48, 96, 125], "48, 96 or 125"),
    };
    let Some(number) = keys.number("key-field") else {
        return Ok(LinkSecurity::default().key_field);
    };
    let field = fields.iter().find(|field| u64::from(**field) == number);
    field.copied().ok_or_else(|| wrong("key-field", should_be))
}

/// Whether the table of keys has this one.
fn has_key(keys: &Keys<'_>, key: &str) -> bool {
    let table = keys.value("keys").and_then(Value::as_table);
    table.is_some_and(|table| table.keys().any(|written| written.replace('_', "-") == key))
}

fn track_cvv(keys: &Keys<'_>) -> Result<Option<usize>, Refused> {
    match keys.value("track-cvv") {
        None => Ok(CardReading::default().track_cvv),
        Some(Value::String(text)) if text == "off" => Ok(None),
        Some(value) => {
            let offset = value.as_integer().and_then(|it| usize::try_from(it).ok());
            let offset = offset.filter(|it| *it <= MAX_TRACK_OFFSET);
            let should_be = format!("a number from 0 to {MAX_TRACK_OFFSET}, or off");
            offset.map(Some).ok_or_else(|| wrong("track-cvv", should_be))
        }
    }
}

fn cvv2(keys: &Keys<'_>) -> Result<Option<Cvv2Place>, Refused> {
    let should_be = "a table of field and tag, or of field, offset and length";
    let Some(it) = keys.sub_table::<Cvv2Table>("cvv2", should_be)? else { return Ok(None) };
    // Only what no answer, log or record shows may hold a CVV2.
    let is_hidden = field_of(it.field).is_some_and(|field| field.uses.is_masked);
    if !is_hidden {
        return Err(wrong("cvv2.field", "a field that is never shown, such as 48 or 126"));
    }
    let is_tag = |tag: &String| tag.len() == 2 && tag.bytes().all(|byte| byte.is_ascii_digit());
    let is_near = |offset: &usize| *offset <= MAX_FIELD_OFFSET;
    let place = match (it.tag, it.skip, it.offset, it.length) {
        (Some(tag), skip, None, None) => {
            let skip = Some(skip.unwrap_or(0)).filter(is_near);
            skip.filter(|_| is_tag(&tag)).map(|skip| Cvv2Place::Tag { field: it.field, tag, skip })
        }
        (None, None, Some(offset), Some(length @ 3..=4)) => Some(offset)
            .filter(is_near)
            .map(|offset| Cvv2Place::Fixed { field: it.field, offset, length }),
        _ => None,
    };
    place.map(Some).ok_or_else(|| wrong("cvv2", should_be))
}
