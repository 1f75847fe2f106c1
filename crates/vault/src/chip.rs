//! Cryptograms of chip cards, verified and answered under an issuer's master key
//! (network-iso8583.md section 3.6).

use std::sync::Arc;

use crypto::TdesKey;
use crypto::constant_time_eq;
use crypto::emv::{arpc_1, arpc_2, arqc_10, arqc_18, card_key, session_key};
use zeroize::Zeroizing;

use crate::link_keyring::{IssuerKey, StatusUpdates};
use crate::{ClearPan, LinkKeyError, Vault};

/// Where the cryptogram's version stands in the issuer's application data, and the bytes behind it
/// that version 10 covers.
const VERSION_AT: usize = 2;
const RESULTS: std::ops::Range<usize> = 3..7;
/// The versions that are verified.
const VERSION_10: u8 = 0x0A;
const VERSION_18: u8 = 0x12;

/// A chip's request, as its terminal sent it.
pub struct ChipRequest<'a> {
    /// The card's sequence number, two digits.
    pub sequence: &'a str,
    /// The values of tags 9F02, 9F03, 9F1A, 95, 5F2A, 9A, 9C, 9F37, 82 and 9F36, one after the
    /// other.
    pub data: &'a [u8],
    /// Tag 9F36: the transaction counter.
    pub counter: [u8; 2],
    /// Tag 9F10: the issuer's application data.
    pub application_data: &'a [u8],
    /// Tag 9F26: the cryptogram.
    pub cryptogram: [u8; 8],
}

/// What became of a cryptogram.
pub enum Cryptogram {
    /// It is right.
    Right(ChipAnswer),
    /// It is not that of the card and the data.
    Wrong,
    /// No key covers the PAN, or its version is not known.
    Unverified,
}

/// Answers a chip whose cryptogram was right.
pub struct ChipAnswer {
    /// The card's key, or that of the transaction.
    key: TdesKey,
    cryptogram: [u8; 8],
    /// `None` for version 10, which has none.
    status_updates: Option<StatusUpdates>,
}

impl ChipAnswer {
    /// The issuer's authentication data: the value of tag 91 beside a response code.
    #[must_use]
    pub fn authentication_data(&self, is_approved: bool, code: [u8; 2]) -> Vec<u8> {
        match self.status_updates {
            None => [&arpc_1(&self.key, self.cryptogram, code)[..], &code].concat(),
            Some(updates) => {
                let update = if is_approved { updates.approved } else { updates.declined };
                [arpc_2(&self.key, self.cryptogram, update), update].concat()
            }
        }
    }
}

impl Vault {
    /// Gives a link the issuer's master key for the cards whose PAN begins with `pan_prefix`, in
    /// hexadecimal.
    ///
    /// # Errors
    /// [`LinkKeyError::Form`] for any other text than 32 digits.
    pub fn add_link_issuer_key(
        &self,
        link: &str,
        pan_prefix: &str,
        text: &str,
        status_updates: StatusUpdates,
    ) -> Result<(), LinkKeyError> {
        let key = Arc::new(TdesKey::from_hex(text).map_err(|_| LinkKeyError::Form)?);
        let pan_prefix = pan_prefix.to_owned();
        let issuer = IssuerKey { pan_prefix, key, status_updates };
        self.link_keys.write(link, |keys| keys.issuers.push(issuer));
        Ok(())
    }

    /// Verifies the cryptogram of a chip's request under the key of a link for the longest prefix
    /// of its PAN.
    #[must_use]
    pub fn verify_cryptogram(
        &self,
        link: &str,
        pan: &ClearPan,
        request: &ChipRequest<'_>,
    ) -> Cryptogram {
        let covers = |it: &&IssuerKey| pan.expose().starts_with(&it.pan_prefix);
        let issuer = self.link_keys.read(link, |keys| {
            let longest =
                keys.issuers.iter().filter(covers).max_by_key(|it| it.pan_prefix.len())?;
            Some((Arc::clone(&longest.key), longest.status_updates))
        });
        let Some((master, status_updates)) = issuer else { return Cryptogram::Unverified };
        let Some(version) = request.application_data.get(VERSION_AT) else {
            return Cryptogram::Unverified;
        };
        let Ok(card) = card_key(&master, pan.expose(), request.sequence) else {
            return Cryptogram::Unverified;
        };
        let (key, own, status_updates) = match *version {
            VERSION_10 => {
                let results = request.application_data.get(RESULTS).unwrap_or_default();
                let data = Zeroizing::new([request.data, results].concat());
                let own = arqc_10(&card, &data);
                (card, own, None)
            }
            VERSION_18 => {
                let data = Zeroizing::new([request.data, request.application_data].concat());
                let session = session_key(&card, request.counter);
                let own = arqc_18(&session, &data);
                (session, own, Some(status_updates))
            }
            _ => return Cryptogram::Unverified,
        };
        let cryptogram = request.cryptogram;
        if constant_time_eq(&own, &cryptogram) {
            Cryptogram::Right(ChipAnswer { key, cryptogram, status_updates })
        } else {
            Cryptogram::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRandom;

    use super::*;
    use crate::MasterKey;

    /// The values of network-iso8583.md section 10.3.
    const IMK: &str = "1091A8C70120C18CE61A38250E37389D";
    const DATA: &str = "000000004250000000000000070280000480000978261129\
        0052BF458518000042";

    fn verdict(prefix: &str, application_data: &str, cryptogram: &str) -> Cryptogram {
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        vault.add_link_issuer_key("a", prefix, IMK, StatusUpdates::default()).unwrap();
        // Shorter prefixes of the same PAN with another key.
        let other = IMK.replace('1', "2");
        vault.add_link_issuer_key("a", "40009900999", &other, StatusUpdates::default()).unwrap();
        vault.add_link_issuer_key("a", "4", &other, StatusUpdates::default()).unwrap();
        let pan = ClearPan::parse("400099009999994").unwrap();
        let request = ChipRequest {
            sequence: "01",
            data: &hex::decode(DATA).unwrap(),
            counter: [0, 0x42],
            application_data: &hex::decode(application_data).unwrap(),
            cryptogram: hex::decode(cryptogram).unwrap().try_into().unwrap(),
        };
        vault.verify_cryptogram("a", &pan, &request)
    }

    fn answers(it: Cryptogram) -> [String; 2] {
        let Cryptogram::Right(answer) = it else { panic!("a right cryptogram") };
        [(true, *b"00"), (false, *b"05")].map(|(is_approved, code)| {
            hex::encode_upper(answer.authentication_data(is_approved, code))
        })
    }

    #[test]
    fn cryptograms_of_the_page_are_verified_and_answered() {
        let [approved, declined] =
            answers(verdict("400099009999", "06010A03A0B800", "29812AE91DC11737"));
        assert_eq!(approved, "B0748D3D8ED775243030", "as in V06");
        assert!(declined.ends_with("3035") && declined[..16] != approved[..16]);
        let [approved, declined] =
            answers(verdict("400099009999", "06011203A0B800", "906D53E1F0788714"));
        assert_eq!(approved, "5F0FCE5700820000");
        assert!(declined.ends_with("00000000"));
    }

    #[test]
    fn what_is_not_the_card_s_is_wrong_and_what_has_no_key_is_not_verified() {
        let is_wrong = |it| matches!(it, Cryptogram::Wrong);
        let is_unverified = |it| matches!(it, Cryptogram::Unverified);
        let right = "29812AE91DC11737";
        assert!(is_wrong(verdict("400099009999", "06010A03A0B801", right)));
        assert!(is_wrong(verdict("400099009999", "06010A03A0B800", "29812AE91DC11738")));
        assert!(is_wrong(verdict("400099009999", "06011203A0B800", right)));
        assert!(is_wrong(verdict("9", "06010A03A0B800", right)), "the longest prefix's key");
        assert!(is_unverified(verdict("400099009999", "06010B03A0B800", right)), "its version");
        assert!(is_unverified(verdict("400099009999", "0601", right)));
    }
}
