//! The message authentication codes of a link (network-iso8583.md section 8.3).

use domain::LinkKeyKind;
use iso8583::{Decoded, MacPlace, Message, WipedBytes};

use super::security::MacUse;
use super::session::is_new_key;
use super::shared::Link;

/// Bytes of a code.
const MAC_BYTES: usize = 8;

/// Whether a message is what its peer sent.
pub(crate) enum Proof {
    /// Its code is right, or it needs none.
    Given,
    /// It has no code.
    Missing,
    /// Its code is not that of any key in use.
    Wrong(Unproven),
}

/// What a code covers, as it came, and the code.
pub(crate) struct Unproven {
    text: WipedBytes,
    mac: [u8; MAC_BYTES],
}

impl Link {
    /// Verifies the code of a message over its bytes as they came.
    pub(crate) fn proof_of(&self, decoded: &Decoded, bytes: &[u8]) -> Proof {
        let message = &decoded.message;
        if !self.needs_proof(message) {
            return Proof::Given;
        }
        let Some(MacPlace { field, offset }) = decoded.mac else { return Proof::Missing };
        let mac = message.get(field).and_then(|mac| mac.try_into().ok());
        let (Some(mac), Some(covered)) = (mac, bytes.get(..offset)) else { return Proof::Missing };
        let mut text = WipedBytes::with_capacity(covered.len());
        text.extend(covered);
        let unproven = Unproven { text, mac };
        if self.proves(&unproven) { Proof::Given } else { Proof::Wrong(unproven) }
    }

    /// Whether a message needs a code. A new key does as soon as there is one to verify it with:
    /// otherwise whoever reaches the link could bring an old one back.
    fn needs_proof(&self, message: &Message) -> bool {
        let (name, mac) = (&self.settings().name, self.settings().security.mac);
        let has_key = || self.intake.vault.has_link_key(name, LinkKeyKind::Mac);
        mac.is_due(message.mti()) || (mac != MacUse::None && is_new_key(message) && has_key())
    }

    /// Whether a message is what its peer sent. If its code is unknown, another process may have
    /// received its key.
    pub(crate) async fn is_proven(&self, proof: Proof) -> bool {
        match proof {
            Proof::Given => true,
            Proof::Missing => false,
            Proof::Wrong(unproven) => self.look_for_keys().await && self.proves(&unproven),
        }
    }

    /// Whether a code is right under a key in use.
    fn proves(&self, Unproven { text, mac }: &Unproven) -> bool {
        self.intake.vault.link_mac_matches(&self.settings().name, text, mac, self.real_now())
    }
}
