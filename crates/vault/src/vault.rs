//! The vault: seals and opens, fingerprints, draws.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::card_verification::{CVV2_SERVICE_CODE, cvv};
use crypto::{hmac_sha256, hmac_sha256_matches, luhn};
use domain::{BinRange, EnterpriseId, PanId, Random};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::data_key::{DataKeys, Purpose};
use crate::keyring::Keyring;
use crate::link_keyring::LinkKeys;
use crate::sealed::{associated, with_header, without_header};
use crate::{ClearPan, Cvv2, MasterKey, SecretText};

/// Why the vault gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The sealed bytes are damaged, or were sealed for another record or enterprise or under
    /// another master key.
    #[error("the sealed record cannot be opened")]
    Refused,
    /// The expiry is not four digits, or the service code not three.
    #[error("the expiry is not YYMM, or the service code not three digits")]
    Expiry,
}

/// A value that differs between master keys and reveals nothing about them: kept in the store, it
/// exposes a wrong master key at start.
pub type KeyCheckValue = [u8; 8];

/// Kind of PAN records in the associated data.
const PAN_KIND: &str = "pan";
/// Prefix of the kinds of secrets; it keeps them apart from all other kinds.
const SECRET_KIND: &str = "secret:";
const API_KEY_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// Seals, opens and draws under one master key. It caches derived keys and, for a while, what it
/// opened.
pub struct Vault {
    pub(crate) keys: DataKeys,
    pub(crate) keyring: Keyring,
    pub(crate) link_keys: LinkKeys,
    fingerprint_key: Zeroizing<[u8; 32]>,
    caller_name_key: Zeroizing<[u8; 32]>,
    random: Arc<dyn Random>,
}

impl Vault {
    /// Digits of the PANs that [`Vault::draw_pan`] draws.
    pub const PAN_DIGITS: usize = 16;

    /// A vault under `master`.
    #[must_use]
    pub fn new(master: MasterKey, random: Arc<dyn Random>) -> Self {
        let keys = DataKeys::new(master);
        let fingerprint_key = keys.derive_global(Purpose::Fingerprint);
        let caller_name_key = keys.derive_global(Purpose::CallerName);
        Self {
            fingerprint_key,
            caller_name_key,
            keys,
            keyring: Keyring::default(),
            link_keys: LinkKeys::default(),
            random,
        }
    }

    /// The value by which the store recognises its master key.
    #[must_use]
    pub fn key_check_value(&self) -> KeyCheckValue {
        let key = self.keys.derive_global(Purpose::KeyCheck);
        let tag = hmac_sha256(key.as_slice(), &[]);
        tag.first_chunk().copied().expect("a tag is longer than its first eight bytes")
    }

    /// Seals the PAN of one PAN record.
    #[must_use]
    pub fn seal_pan(&self, enterprise: EnterpriseId, pan_id: PanId, pan: &ClearPan) -> Vec<u8> {
        let record = pan_id.to_string();
        self.seal(Purpose::Pan, enterprise, PAN_KIND, &record, pan.expose().as_bytes())
    }

    /// Opens what [`Vault::seal_pan`] made for the same enterprise and record.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for anything else.
    pub fn open_pan(
        &self,
        enterprise: EnterpriseId,
        pan_id: PanId,
        sealed: &[u8],
    ) -> Result<ClearPan, VaultError> {
        let record = pan_id.to_string();
        let digits = self.open(Purpose::Pan, enterprise, PAN_KIND, &record, sealed)?;
        let text = std::str::from_utf8(&digits).map_err(|_| VaultError::Refused)?;
        ClearPan::parse(text).map_err(|_| VaultError::Refused)
    }

    /// Seals a secret for `record`, a name that is unique within `purpose` (such as an
    /// API key under `api-secret`).
    #[must_use]
    pub fn seal_secret(
        &self,
        enterprise: EnterpriseId,
        purpose: &str,
        record: &str,
        secret: &[u8],
    ) -> Vec<u8> {
        let kind = [SECRET_KIND, purpose].concat();
        self.seal(Purpose::Secret, enterprise, &kind, record, secret)
    }

    /// Opens what [`Vault::seal_secret`] made for the same enterprise, purpose and
    /// record.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for anything else.
    pub fn open_secret(
        &self,
        enterprise: EnterpriseId,
        purpose: &str,
        record: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let kind = [SECRET_KIND, purpose].concat();
        self.open(Purpose::Secret, enterprise, &kind, record, sealed)
    }

    /// The keyed fingerprint by which a PAN is found: the same for all enterprises and useless
    /// without the master key.
    #[must_use]
    pub fn fingerprint(&self, pan: &ClearPan) -> [u8; 32] {
        hmac_sha256(self.fingerprint_key.as_slice(), &[pan.expose().as_bytes()])
    }

    /// The name of a caller in what processes report to one another: the same in all processes
    /// under one master key, and it tells nobody else who it is.
    #[must_use]
    pub fn caller_name(&self, caller: &[u8]) -> u128 {
        let tag = hmac_sha256(self.caller_name_key.as_slice(), &[caller]);
        let half = tag.first_chunk().copied().expect("a tag is longer than its first half");
        u128::from_be_bytes(half)
    }

    /// The tag of an upload link for `text`. All processes under one master key compute the same
    /// tag.
    #[must_use]
    pub fn upload_link_tag(&self, text: &str) -> [u8; 32] {
        let key = self.keys.derive_global(Purpose::UploadLink);
        hmac_sha256(key.as_slice(), &[text.as_bytes()])
    }

    /// Returns whether `tag` is [`Vault::upload_link_tag`] of `text`, in time that does not depend
    /// on where they differ.
    #[must_use]
    pub fn upload_link_matches(&self, text: &str, tag: &[u8]) -> bool {
        let key = self.keys.derive_global(Purpose::UploadLink);
        hmac_sha256_matches(key.as_slice(), &[text.as_bytes()], tag)
    }

    /// Draws a PAN of [`Vault::PAN_DIGITS`] digits, each number in `range` equally likely. The
    /// caller checks by the fingerprint whether it is already taken.
    #[must_use]
    pub fn draw_pan(&self, range: &BinRange) -> ClearPan {
        let digits = range.digits();
        let prefix = range.low() + self.random.below(range.high() - range.low() + 1);
        // A range has at most 11 digits, so at least four remain before the check digit.
        let width = Self::PAN_DIGITS - 1 - digits;
        let account = self.random.below(10_u64.pow(u32::try_from(width).unwrap_or(0)));
        let mut text = Zeroizing::new(String::with_capacity(Self::PAN_DIGITS));
        text.push_str(&Zeroizing::new(format!("{prefix:0digits$}{account:0width$}")));
        let check = luhn::check_digit(&text).expect("the text consists of digits");
        text.push(char::from(b'0' + check));
        ClearPan::parse(&text).expect("sixteen digits with their check digit are a PAN")
    }

    /// The CVV2 of a PAN with its expiry as YYMM, computed under the enterprise's own key pair and
    /// never stored.
    ///
    /// # Errors
    /// [`VaultError::Expiry`] if the expiry is not four digits.
    pub fn cvv2(
        &self,
        enterprise: EnterpriseId,
        pan: &ClearPan,
        expiry_yymm: &str,
    ) -> Result<Cvv2, VaultError> {
        self.cvv(enterprise, pan, expiry_yymm, CVV2_SERVICE_CODE)
    }

    /// The verification value of a PAN with its expiry as YYMM under a service code of three
    /// digits: that of the stripe, or [`CHIP_SERVICE_CODE`](crate::CHIP_SERVICE_CODE) for the
    /// stripe's image on the chip. It is computed under the key pair of CVV2 and never stored.
    ///
    /// # Errors
    /// [`VaultError::Expiry`] if the expiry is not four digits or the service code not three.
    pub fn cvv(
        &self,
        enterprise: EnterpriseId,
        pan: &ClearPan,
        expiry_yymm: &str,
        service_code: &str,
    ) -> Result<Cvv2, VaultError> {
        let pair = self.keys.derive(Purpose::CardVerification, enterprise);
        let mut halves = Zeroizing::new([[0; 8]; 2]);
        halves[0].copy_from_slice(&pair[..8]);
        halves[1].copy_from_slice(&pair[8..16]);
        cvv(&halves[0], &halves[1], pan.expose(), expiry_yymm, service_code)
            .map(Cvv2::new)
            .map_err(|_| VaultError::Expiry)
    }

    /// A new API key: 32 upper-case hexadecimal digits. It is not secret.
    #[must_use]
    pub fn new_api_key(&self) -> String {
        hex::encode_upper(self.drawn::<API_KEY_BYTES>().as_slice())
    }

    /// A new API secret: the base64 of 32 bytes (cardbridge-open-api.md section 5).
    #[must_use]
    pub fn new_secret_key(&self) -> SecretText {
        SecretText::new(STANDARD.encode(self.drawn::<SECRET_BYTES>().as_slice()))
    }

    /// A new token of 43 characters that need no escaping in a URL.
    #[must_use]
    pub fn new_token(&self) -> SecretText {
        SecretText::new(URL_SAFE_NO_PAD.encode(self.drawn::<SECRET_BYTES>().as_slice()))
    }

    /// A new UUID of version 4.
    #[must_use]
    pub fn new_uuid(&self) -> String {
        uuid::Builder::from_random_bytes(*self.drawn()).into_uuid().to_string()
    }

    /// A new one-time password: six digits, every value equally likely.
    #[must_use]
    pub fn new_one_time_password(&self) -> SecretText {
        SecretText::new(format!("{:06}", self.random.below(1_000_000)))
    }

    /// The keyed hash that is stored instead of a one-time password of `record`: without the master
    /// key the six digits cannot be found by trying them all.
    #[must_use]
    pub fn one_time_password_hash(&self, record: &[u8; 32], password: &str) -> [u8; 32] {
        let key = self.keys.derive_global(Purpose::OneTimePassword);
        hmac_sha256(key.as_slice(), &[record, password.as_bytes()])
    }

    fn drawn<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let mut bytes = Zeroizing::new([0; N]);
        self.random.fill(bytes.as_mut_slice());
        bytes
    }

    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        enterprise: EnterpriseId,
        kind: &str,
        record: &str,
        plain: &[u8],
    ) -> Vec<u8> {
        let key = self.keys.sealing(purpose, enterprise);
        with_header(&key.seal(&*self.random, &associated(enterprise, kind, record), plain))
    }

    pub(crate) fn open(
        &self,
        purpose: Purpose,
        enterprise: EnterpriseId,
        kind: &str,
        record: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let body = without_header(sealed).ok_or(VaultError::Refused)?;
        self.keys
            .sealing(purpose, enterprise)
            .open(&associated(enterprise, kind, record), body)
            .map_err(|_| VaultError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::SystemRandom;
    use proptest::prelude::*;

    use super::*;

    const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(4_591_298_458_535_677_185);
    const OTHER: EnterpriseId = EnterpriseId::from_i64(4_591_298_458_535_677_186);
    const PAN_ID: PanId = PanId::from_i64(7);

    fn vault_under(key: &str) -> Vault {
        Vault::new(MasterKey::from_hex(&key.repeat(32)).unwrap(), Arc::new(SystemRandom))
    }

    fn vault() -> Vault {
        vault_under("5a")
    }

    fn pan() -> ClearPan {
        ClearPan::parse("4111111111111111").unwrap()
    }

    proptest! {
        #[test]
        fn secrets_open_for_their_own_record_only(
            secret: Vec<u8>,
            record in "[a-z0-9]{1,8}",
            other in "[a-z0-9]{1,8}",
            position: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            prop_assume!(record != other);
            let vault = vault();
            let sealed = vault.seal_secret(ENTERPRISE, "order", &record, &secret);
            let open = |enterprise, purpose, record: &str, sealed: &[u8]| {
                vault.open_secret(enterprise, purpose, record, sealed)
            };
            prop_assert_eq!(&*open(ENTERPRISE, "order", &record, &sealed).unwrap(), &secret);
            for refused in [
                open(OTHER, "order", &record, &sealed),
                open(ENTERPRISE, "api-secret", &record, &sealed),
                open(ENTERPRISE, "order", &other, &sealed),
                open(ENTERPRISE, "order", &record, &sealed[..position.index(sealed.len())]),
            ] {
                prop_assert_eq!(refused.err(), Some(VaultError::Refused));
            }
            let mut tampered = sealed;
            let at = position.index(tampered.len());
            tampered[at] ^= 1 << bit;
            prop_assert!(open(ENTERPRISE, "order", &record, &tampered).is_err());
        }

        #[test]
        fn drawn_pans_have_sixteen_digits_a_check_digit_and_lie_in_the_range(
            digits in 6_usize..=11,
            low: u64,
            span: u64,
        ) {
            let all = 10_u64.pow(u32::try_from(digits).unwrap());
            let low = low % all;
            let high = low + span % (all - low);
            let range: BinRange = format!("{low:0digits$}-{high:0digits$}").parse().unwrap();
            let pan = vault().draw_pan(&range);
            prop_assert_eq!(pan.expose().len(), 16);
            prop_assert!(luhn::is_valid(pan.expose()));
            let prefix: u64 = pan.expose()[..digits].parse().unwrap();
            prop_assert!((low..=high).contains(&prefix));
        }

        #[test]
        fn drawn_pans_open_again(range in "4[0-9]{5,10}") {
            let vault = vault();
            let pan = vault.draw_pan(&range.parse().unwrap());
            prop_assert!(pan.expose().starts_with(&range));
            let sealed = vault.seal_pan(ENTERPRISE, PAN_ID, &pan);
            let opened = vault.open_pan(ENTERPRISE, PAN_ID, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), pan.expose());
        }
    }

    #[test]
    fn a_pan_opens_for_its_own_record_enterprise_and_master_key_only() {
        let sealed = vault().seal_pan(ENTERPRISE, PAN_ID, &pan());
        assert!(vault().open_pan(ENTERPRISE, PAN_ID, &sealed).is_ok());
        for refused in [
            vault().open_pan(OTHER, PAN_ID, &sealed),
            vault().open_pan(ENTERPRISE, PanId::from_i64(8), &sealed),
            vault().open_pan(ENTERPRISE, PAN_ID, &[]),
            vault_under("a5").open_pan(ENTERPRISE, PAN_ID, &sealed),
        ] {
            assert_eq!(refused.err(), Some(VaultError::Refused));
        }
        let as_secret = vault().open_secret(ENTERPRISE, "pan", &PAN_ID.to_string(), &sealed);
        assert_eq!(as_secret.err(), Some(VaultError::Refused));
    }

    #[test]
    fn sealing_the_same_pan_twice_gives_different_bytes_without_its_digits() {
        let vault = vault();
        let sealed = vault.seal_pan(ENTERPRISE, PAN_ID, &pan());
        assert_ne!(sealed, vault.seal_pan(ENTERPRISE, PAN_ID, &pan()));
        assert!(!sealed.windows(4).any(|window| window == b"1111"));
    }

    #[test]
    fn fingerprints_follow_the_pan_and_the_master_key() {
        let other = ClearPan::parse("4012888888881881").unwrap();
        assert_eq!(vault().fingerprint(&pan()), vault().fingerprint(&pan()));
        assert_ne!(vault().fingerprint(&pan()), vault().fingerprint(&other));
        assert_ne!(vault().fingerprint(&pan()), vault_under("a5").fingerprint(&pan()));
    }

    #[test]
    fn key_check_values_distinguish_master_keys() {
        assert_eq!(vault().key_check_value(), vault().key_check_value());
        assert_ne!(vault().key_check_value(), vault_under("a5").key_check_value());
    }

    #[test]
    fn cvv2_has_three_digits_and_follows_pan_expiry_and_enterprise() {
        let vault = vault();
        let value = |enterprise, expiry: &str| {
            vault.cvv2(enterprise, &pan(), expiry).map(|cvv2| cvv2.expose().to_owned())
        };
        let first = value(ENTERPRISE, "2912").unwrap();
        assert!(first.len() == 3 && first.bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(value(ENTERPRISE, "2912").unwrap(), first);
        // There are only a thousand values, so a few of the twenty may coincide, but not half of
        // them.
        let months: HashSet<_> =
            (10..30).map(|year| value(ENTERPRISE, &format!("{year}12")).unwrap()).collect();
        assert!(months.len() > 10);
        let enterprises: HashSet<_> =
            (1..20).map(|id| value(EnterpriseId::from_i64(id), "2912").unwrap()).collect();
        assert!(enterprises.len() > 10);
        for bad in ["", "29123", "12/9", "291"] {
            assert_eq!(value(ENTERPRISE, bad), Err(VaultError::Expiry), "{bad}");
        }
    }

    /// Bytes that were sealed under these derivations must open after every later change.
    #[test]
    fn derivations_and_the_sealed_form_never_change() {
        let vault = vault();
        assert_eq!(hex::encode(vault.key_check_value()), "c01d63704204947d");
        assert_eq!(
            hex::encode(vault.fingerprint(&pan())),
            "fec170922fc355d1bf40ef85635c30e257e10d40f21b7a0002c6ee5acae67d83"
        );
        assert_eq!(vault.cvv2(ENTERPRISE, &pan(), "2912").unwrap().expose(), "624");
        let sealed = hex::decode(
            "0101000102030405060708090a0b49a5bbb413038bbeaa7572132e0c09cb56d77c7eeb15\
             8511d28baa17747b76f5",
        )
        .unwrap();
        assert_eq!(vault.open_pan(ENTERPRISE, PAN_ID, &sealed).unwrap().expose(), pan().expose());
        let sealed =
            hex::decode("0101000102030405060708090a0b43c75ac3fea3de557c77bf18b769b30605cd28a94b91")
                .unwrap();
        let secret = vault.open_secret(ENTERPRISE, "api-secret", "AK1", &sealed).unwrap();
        assert_eq!(&**secret, b"secret");
    }

    #[test]
    fn one_time_passwords_have_six_digits_and_a_hash_for_their_record_only() {
        let password = vault().new_one_time_password();
        assert_eq!(password.expose().len(), 6);
        assert!(password.expose().bytes().all(|b| b.is_ascii_digit()));
        let hash = |key: &str, record: u8, text: &str| {
            vault_under(key).one_time_password_hash(&[record; 32], text)
        };
        assert_eq!(hash("5a", 1, "123456"), hash("5a", 1, "123456"));
        for other in [hash("5a", 1, "123457"), hash("5a", 2, "123456"), hash("a5", 1, "123456")] {
            assert_ne!(hash("5a", 1, "123456"), other);
        }
    }

    #[test]
    fn new_keys_and_tokens_have_their_form_and_never_repeat() {
        let vault = vault();
        let api_key = vault.new_api_key();
        assert_eq!(api_key.len(), 32);
        assert!(api_key.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
        assert_ne!(api_key, vault.new_api_key());

        let secret = vault.new_secret_key();
        assert_eq!(STANDARD.decode(secret.expose()).unwrap().len(), 32);
        assert!(secret.matches(secret.expose()));
        assert!(!secret.matches(vault.new_secret_key().expose()));
        assert!(crypto::field_cipher::encrypt(secret.expose(), &[0; 12], b"3012").is_ok());

        let token = vault.new_token();
        assert_eq!(token.expose().len(), 43);
        let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        assert!(token.expose().bytes().all(safe));
    }
}
