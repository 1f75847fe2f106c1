//! The keys of links to card networks (network-iso8583.md sections 8.2 to 8.4). Callers name a link
//! and get a verdict, so a hardware module could take the place of the keys in memory
//! (network-iso8583.md section 12). No key can be printed, serialised or copied, and each is wiped
//! when it goes out of use.

use std::sync::Arc;

use crypto::{
    CryptoError, KeyUsage, MacPadding, PinBlockFormat, ProtectionAlgorithm, ProtectionKey, TdesKey,
    constant_time_eq, open_key_block, pin_of,
};
use domain::{LinkKey, LinkKeyKind, Timestamp};
use thiserror::Error;

use crate::data_key::{ALL_ENTERPRISES, Purpose};
use crate::link_keyring::{KeysOfLink, ZoneKey};
use crate::{ClearPan, ClearPin, Vault, VaultError};

/// The version of a key that the configuration names; those that come by messages count from it.
const FIRST_VERSION: u32 = 0;
/// Kind of zone keys in the associated data.
const SEAL_KIND: &str = "link-key";
/// The letter after the kind of a key under a master key: 3DES of double length, block by block.
const DOUBLE_LENGTH: u8 = b'X';
/// Hexadecimal digits of a key and of its check value.
const KEY_DIGITS: usize = 32;
const CHECK_DIGITS: usize = 6;

/// Why a key of a link was not taken. The key itself is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkKeyError {
    /// The text does not have the form of a key.
    #[error("it does not have the form of a key")]
    Form,
    /// The key has another check value, or the master key did not make its block.
    #[error("the key does not belong to its check value or master key")]
    CheckValue,
    /// The link has no master key.
    #[error("the link has no zone master key")]
    NoMasterKey,
    /// The key is for something else.
    #[error("the key has another use")]
    OtherUse,
}

/// The PIN inside a block.
pub enum BlockPin {
    /// It has as many digits as the PIN of a card.
    Pin(ClearPin),
    /// It has another number of digits, so it is no card's.
    OtherLength,
    /// The block is not one of the link's format and keys and of the PAN, or there is no key.
    Unreadable,
}

/// Signs the messages of a link.
pub struct LinkSigner(Arc<TdesKey>);

impl LinkSigner {
    /// The authentication code of a message, from its type to the last byte before the code.
    #[must_use]
    pub fn mac(&self, text: &[u8]) -> [u8; 8] {
        self.0.mac(text, MacPadding::Zeros)
    }
}

impl Vault {
    /// Gives a link its zone master key, in components of hexadecimal digits.
    ///
    /// # Errors
    /// [`LinkKeyError::Form`] for components that make no key, [`LinkKeyError::CheckValue`] if
    /// they make another one.
    pub fn set_link_master_key(
        &self,
        link: &str,
        algorithm: ProtectionAlgorithm,
        components: &[&str],
        check_value: &str,
    ) -> Result<(), LinkKeyError> {
        let key = ProtectionKey::of_components(algorithm, components);
        let key = key.map_err(|_| LinkKeyError::Form)?;
        let own = key.check_value().map_err(|_| LinkKeyError::Form)?;
        if !is_check_value(check_value, &own) {
            return Err(LinkKeyError::CheckValue);
        }
        self.link_keys.write(link, |keys| keys.master = Some(key));
        Ok(())
    }

    /// Gives a link its first zone key of a kind, in a form of network-iso8583.md section 8.4.
    ///
    /// # Errors
    /// [`LinkKeyError`].
    pub fn set_link_key(
        &self,
        link: &str,
        kind: LinkKeyKind,
        text: &str,
        now: Timestamp,
    ) -> Result<(), LinkKeyError> {
        let (found, key) = self.opened_link_key(link, text)?;
        if found != kind {
            return Err(LinkKeyError::OtherUse);
        }
        let key = ZoneKey { key: Arc::new(key), version: FIRST_VERSION, activated_at: now };
        self.link_keys.write(link, |keys| keys.slot_mut(kind).current = Some(key));
        Ok(())
    }

    /// Opens a zone key that the link's master key protects.
    fn opened_link_key(
        &self,
        link: &str,
        text: &str,
    ) -> Result<(LinkKeyKind, TdesKey), LinkKeyError> {
        let opened = self.link_keys.read(link, |keys| Some(open(keys.master.as_ref()?, text)));
        opened.unwrap_or(Err(LinkKeyError::NoMasterKey))
    }

    /// Whether a link has a zone master key, without which no zone key can come.
    #[must_use]
    pub fn has_link_master_key(&self, link: &str) -> bool {
        self.link_keys.read(link, |keys| keys.master.as_ref().map(drop)).is_some()
    }

    /// Opens and seals a zone key that came by a message of a link; `None` if it is in use
    /// already. It is in use once it is adopted.
    ///
    /// # Errors
    /// [`LinkKeyError`].
    pub fn receive_link_key(
        &self,
        link: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<LinkKey>, LinkKeyError> {
        let (kind, key) = self.opened_link_key(link, text)?;
        let in_use = self.link_keys.read(link, |keys| {
            let current = keys.slot(kind).current.as_ref()?;
            Some((current.version, constant_time_eq(current.key.as_bytes(), key.as_bytes())))
        });
        let (version, is_same) = in_use.unwrap_or((FIRST_VERSION, false));
        if is_same {
            return Ok(None);
        }
        let version = version + 1;
        let record = sealed_record(link, kind, version);
        let bytes = key.as_bytes();
        Ok(Some(LinkKey {
            link: link.to_owned(),
            kind,
            version,
            sealed: self.seal(Purpose::LinkKey, ALL_ENTERPRISES, SEAL_KIND, &record, bytes),
            check_value: hex::encode_upper(key.check_value()),
            activated_at: now,
        }))
    }

    /// Takes a sealed zone key of a link into use, unless a newer one is; returns whether it did.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed for this link, use and version.
    pub fn adopt_link_key(&self, it: &LinkKey) -> Result<bool, VaultError> {
        let newest = |keys: &KeysOfLink| Some(keys.slot(it.kind).current.as_ref()?.version);
        if self.link_keys.read(&it.link, newest).is_some_and(|version| it.version <= version) {
            return Ok(false);
        }
        let record = sealed_record(&it.link, it.kind, it.version);
        let bytes = self.open(Purpose::LinkKey, ALL_ENTERPRISES, SEAL_KIND, &record, &it.sealed)?;
        let key = TdesKey::from_slice(&bytes).map_err(|_| VaultError::Refused)?;
        let key =
            ZoneKey { key: Arc::new(key), version: it.version, activated_at: it.activated_at };
        Ok(self.link_keys.write(&it.link, |keys| keys.slot_mut(it.kind).adopt(key)))
    }

    /// The zone keys of a link that are in use, as they may be shown: use, check value and when it
    /// came.
    #[must_use]
    pub fn shown_link_keys(&self, link: &str) -> Vec<(LinkKeyKind, String, Timestamp)> {
        let shown = |keys: &KeysOfLink| {
            let of_kind = |kind: &LinkKeyKind| {
                let current = keys.slot(*kind).current.as_ref()?;
                let check_value = hex::encode_upper(current.key.check_value());
                Some((*kind, check_value, current.activated_at))
            };
            Some(LinkKeyKind::ALL.iter().filter_map(of_kind).collect())
        };
        self.link_keys.read(link, shown).unwrap_or_default()
    }

    /// Whether a link has a zone key of this kind.
    #[must_use]
    pub fn has_link_key(&self, link: &str, kind: LinkKeyKind) -> bool {
        self.link_keys.read(link, |keys| keys.slot(kind).current.as_ref().map(drop)).is_some()
    }

    /// What signs the messages of a link; `None` without a key.
    #[must_use]
    pub fn link_signer(&self, link: &str) -> Option<LinkSigner> {
        let key = |keys: &KeysOfLink| Some(Arc::clone(&keys.mac.current.as_ref()?.key));
        self.link_keys.read(link, key).map(LinkSigner)
    }

    /// Whether `mac` is the authentication code of a message of a link under its current key, or
    /// for a minute after a change under the one before it. Takes time that does not depend on
    /// where codes differ.
    #[must_use]
    pub fn link_mac_matches(&self, link: &str, text: &[u8], mac: &[u8], now: Timestamp) -> bool {
        let matches = |keys: &KeysOfLink| {
            let mut accepted = keys.mac.accepted(now);
            Some(accepted.any(|key| key.mac_matches(text, MacPadding::Zeros, mac)))
        };
        self.link_keys.read(link, matches).unwrap_or(false)
    }

    /// The PIN inside a block for `pan`, under the link's current key, or for a minute after a
    /// change under the one before it.
    #[must_use]
    pub fn link_pin(
        &self,
        link: &str,
        format: PinBlockFormat,
        block: [u8; 8],
        pan: &ClearPan,
        now: Timestamp,
    ) -> BlockPin {
        let opened = self.link_keys.read(link, |keys| {
            keys.pin.accepted(now).find_map(|key| pin_of(key, format, block, pan.expose()).ok())
        });
        match opened.map(|digits| ClearPin::parse(&digits)) {
            Some(Ok(pin)) => BlockPin::Pin(pin),
            Some(Err(_)) => BlockPin::OtherLength,
            None => BlockPin::Unreadable,
        }
    }
}

/// The zone key of a text: a key block, or a letter for its kind, `X`, the encrypted key and its
/// check value.
fn open(master: &ProtectionKey, text: &str) -> Result<(LinkKeyKind, TdesKey), LinkKeyError> {
    let Some((kind, digits)) = plain_form(text) else {
        let (usage, key) = open_key_block(master, text).map_err(|error| match error {
            CryptoError::Refused => LinkKeyError::CheckValue,
            _ => LinkKeyError::Form,
        })?;
        let kind = match usage {
            KeyUsage::Pin => LinkKeyKind::Pin,
            KeyUsage::Mac => LinkKeyKind::Mac,
        };
        return Ok((kind, key));
    };
    let ProtectionKey::Tdes(master) = master else { return Err(LinkKeyError::Form) };
    let (sealed, check_value) = digits.split_at_checked(KEY_DIGITS).ok_or(LinkKeyError::Form)?;
    let sealed = TdesKey::from_hex(sealed).map_err(|_| LinkKeyError::Form)?;
    let key = master.decrypt_key(sealed.as_bytes());
    if is_check_value(check_value, &key.check_value()) {
        Ok((kind, key))
    } else {
        Err(LinkKeyError::CheckValue)
    }
}

/// The kind and the digits of a key that is not in a key block.
fn plain_form(text: &str) -> Option<(LinkKeyKind, &str)> {
    let kind = match text.as_bytes() {
        [b'P', DOUBLE_LENGTH, ..] => LinkKeyKind::Pin,
        [b'M', DOUBLE_LENGTH, ..] => LinkKeyKind::Mac,
        _ => return None,
    };
    Some((kind, text.get(2..)?))
}

/// The record of a sealed zone key. A link's name has no slash.
fn sealed_record(link: &str, kind: LinkKeyKind, version: u32) -> String {
    format!("{link}/{}/{version}", kind.as_str())
}

fn is_check_value(text: &str, own: &[u8]) -> bool {
    text.len() == CHECK_DIGITS && hex::decode(text).is_ok_and(|it| it == own)
}

#[cfg(test)]
mod tests;
