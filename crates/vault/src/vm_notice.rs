//! The secrets of dialect 2's webhooks: the one-time code of a 3DS challenge, and the secret that
//! signs an app's webhooks if the app wants that (vm-api.md section 10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::hmac_sha256;
use domain::{ChallengeId, EnterpriseId, VmAppId, WebhookId};
use zeroize::Zeroizing;

use crate::data_key::Purpose;
use crate::{SecretText, Vault, VaultError};

/// Purpose of the sealed bodies of 3DS notices.
const CHALLENGE_NOTICE: &str = "vm-challenge-notice";
/// Keeps the code records of challenges apart from those of hosted pages.
const CHALLENGE_CODE_RECORD: &[u8; 24] = b"vm 3ds challenge\0\0\0\0\0\0\0\0";

impl Vault {
    /// Seals the body of a 3DS notice, which carries a one-time code.
    #[must_use]
    pub fn seal_challenge_notice(
        &self,
        enterprise: EnterpriseId,
        webhook_id: WebhookId,
        body: &[u8],
    ) -> Vec<u8> {
        self.seal_secret(enterprise, CHALLENGE_NOTICE, &webhook_id.to_string(), body)
    }

    /// Opens what [`Vault::seal_challenge_notice`] made for the same webhook.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for anything else, including a wiped body.
    pub fn open_challenge_notice(
        &self,
        enterprise: EnterpriseId,
        webhook_id: WebhookId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open_secret(enterprise, CHALLENGE_NOTICE, &webhook_id.to_string(), sealed)
    }

    /// The keyed hash by which the code of a challenge is compared.
    #[must_use]
    pub fn challenge_code_hash(&self, challenge_id: ChallengeId, code: &str) -> [u8; 32] {
        let mut record = [0; 32];
        record[..24].copy_from_slice(CHALLENGE_CODE_RECORD);
        record[24..].copy_from_slice(&challenge_id.as_i64().to_be_bytes());
        self.one_time_password_hash(&record, code)
    }

    /// The signing secret of an app that wants its webhooks signed, the base64 of 32 bytes. It is
    /// derived and never stored; the same master key always gives the same secret.
    #[must_use]
    pub fn vm_webhook_secret(&self, enterprise: EnterpriseId, vm_app_id: VmAppId) -> SecretText {
        let key = self.keys.derive(Purpose::VmWebhook, enterprise);
        let id = vm_app_id.as_i64().to_be_bytes();
        let secret = Zeroizing::new(hmac_sha256(key.as_slice(), &[&id]));
        SecretText::new(STANDARD.encode(secret.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;

    use super::*;
    use crate::MasterKey;

    const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(7);

    fn vault() -> Vault {
        Vault::new(MasterKey::from_hex(&"5a".repeat(32)).unwrap(), Arc::new(SystemRandom))
    }

    #[test]
    fn a_notice_opens_for_its_own_webhook_only_and_not_once_wiped() {
        let (vault, id) = (vault(), WebhookId::from_i64(1));
        let sealed = vault.seal_challenge_notice(ENTERPRISE, id, b"045000");
        assert!(!sealed.windows(6).any(|it| it == b"045000"));
        assert_eq!(*vault.open_challenge_notice(ENTERPRISE, id, &sealed).unwrap(), b"045000");
        for (webhook_id, sealed) in [(2, &sealed[..]), (1, &[])] {
            let opened =
                vault.open_challenge_notice(ENTERPRISE, WebhookId::from_i64(webhook_id), sealed);
            assert!(opened.is_err());
        }
    }

    #[test]
    fn every_app_has_its_own_lasting_secret() {
        let secret = |enterprise, app| {
            let (enterprise, app) = (EnterpriseId::from_i64(enterprise), VmAppId::from_i64(app));
            vault().vm_webhook_secret(enterprise, app).expose().to_owned()
        };
        assert_eq!(secret(1, 2), secret(1, 2));
        assert_ne!(secret(1, 2), secret(1, 3));
        assert_ne!(secret(1, 2), secret(2, 2));
        assert_eq!(STANDARD.decode(secret(1, 2)).unwrap().len(), 32);
    }

    #[test]
    fn the_same_code_of_another_challenge_has_another_hash() {
        let hash = |id, code| vault().challenge_code_hash(ChallengeId::from_i64(id), code);
        assert_eq!(hash(1, "045000"), hash(1, "045000"));
        assert_ne!(hash(1, "045000"), hash(2, "045000"));
        assert_ne!(hash(1, "045000"), hash(1, "045001"));
    }
}
