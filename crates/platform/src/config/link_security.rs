//! The keys of a `[[links]]` table that protect its messages (network-iso8583.md sections 7.1 and
//! 8).

use scheme::{LinkSecurity, MacUse};
use vault::PinBlockFormat;

use super::link_keys::{Keys, Refused, wrong};

/// Reads what protects the messages of a link.
pub fn link_security(keys: &Keys<'_>) -> Result<LinkSecurity, Refused> {
    let choices = [("none", MacUse::None), ("verify", MacUse::Verify), ("all", MacUse::All)];
    let mac = keys.choice("mac", &choices)?.unwrap_or_default();
    if mac != MacUse::None && !keys.has("keys") {
        return Err(wrong("mac", "none without [links.keys]: there is no key to verify with"));
    }
    let answers_bad_mac = keys.choice("mac-failure", &[("drop", false), ("answer", true)])?;
    let choices = [("iso0", PinBlockFormat::Iso0), ("iso3", PinBlockFormat::Iso3)];
    let pin_block = keys.choice("pin-block", &choices)?.unwrap_or(PinBlockFormat::Iso0);
    Ok(LinkSecurity { mac, answers_bad_mac: answers_bad_mac.unwrap_or(false), pin_block })
}
