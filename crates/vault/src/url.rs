//! URLs that the platform calls, which may contain a secret of their receiver.

use domain::{EnterpriseId, SealedUrl, UrlUse};

use crate::{SecretText, Vault, VaultError};

/// Purpose of enterprises' URLs; the record is their use.
const ENTERPRISE_URL: &str = "enterprise-url";
/// Purpose of the URLs of apps; the record is the app.
const APP_URL: &str = "vm-app-url";

impl Vault {
    /// Seals a URL.
    #[must_use]
    pub fn seal_url(&self, enterprise: EnterpriseId, of: UrlUse, url: &str) -> SealedUrl {
        let (purpose, record) = named(of);
        SealedUrl::from_sealed(self.seal_secret(enterprise, purpose, &record, url.as_bytes()))
    }

    /// Opens a URL.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed for this use of this enterprise.
    pub fn open_url(
        &self,
        enterprise: EnterpriseId,
        of: UrlUse,
        url: &SealedUrl,
    ) -> Result<SecretText, VaultError> {
        let (purpose, record) = named(of);
        let opened = self.open_secret(enterprise, purpose, &record, url.as_sealed())?;
        SecretText::from_utf8(&opened).ok_or(VaultError::Refused)
    }
}

fn named(of: UrlUse) -> (&'static str, String) {
    match of {
        UrlUse::Webhook => (ENTERPRISE_URL, "webhook".to_owned()),
        UrlUse::Auth => (ENTERPRISE_URL, "auth".to_owned()),
        UrlUse::AppWebhook(vm_app_id) => (APP_URL, vm_app_id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{SystemRandom, VmAppId};

    use super::*;
    use crate::MasterKey;

    #[test]
    fn a_sealed_url_opens_for_its_own_use_only_and_shows_nothing() {
        let key = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(key, Arc::new(SystemRandom));
        let (one, two) = (EnterpriseId::from_i64(1), EnterpriseId::from_i64(2));
        let app = |id| UrlUse::AppWebhook(VmAppId::from_i64(id));
        let url = "https://hook.example/very-secret";
        for of in [UrlUse::Webhook, UrlUse::Auth, app(7)] {
            let sealed = vault.seal_url(one, of, url);
            assert!(!sealed.as_sealed().windows(4).any(|it| it == b"hook"));
            assert_eq!(vault.open_url(one, of, &sealed).unwrap().expose(), url);
            assert!(vault.open_url(two, of, &sealed).is_err());
            for other in [UrlUse::Webhook, UrlUse::Auth, app(7), app(8)] {
                assert_eq!(vault.open_url(one, other, &sealed).is_ok(), other == of);
            }
        }
    }
}
