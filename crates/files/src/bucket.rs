//! Files in an S3 bucket: the platform only makes the addresses, signed with Signature Version 4.

use std::time::Duration;

use domain::Timestamp;
use rusty_s3::{Bucket as Address, Credentials, S3Action as _, UrlStyle};
use url::Url;
use vault::SecretText;

use crate::error::BucketError;
use crate::{ObjectKey, UPLOAD_SECONDS};

/// The validity of an address that is used at once.
const USED_AT_ONCE: Duration = Duration::from_secs(60);

/// A bucket and the key it is used with.
pub struct BucketSettings {
    /// Address of the service, `https://s3.eu-west-1.amazonaws.com`.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub name: String,
    /// True if the name goes in the path; otherwise it goes before the host.
    pub path_style: bool,
    /// Access key id; not secret.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: SecretText,
}

/// An S3 bucket. The bucket must judge the size and content of uploads: a pre-signed address cannot
/// limit them.
pub struct Bucket {
    address: Address,
    credentials: Credentials,
}

impl Bucket {
    /// A bucket with these settings. Nothing is sent.
    ///
    /// # Errors
    /// No address can be made from them.
    pub fn new(settings: BucketSettings) -> Result<Self, BucketError> {
        let endpoint: Url = settings.endpoint.parse().map_err(|_| BucketError::Endpoint)?;
        let is_plain = matches!(endpoint.scheme(), "http" | "https")
            && endpoint.has_host()
            && endpoint.username().is_empty()
            && endpoint.password().is_none()
            && endpoint.query().is_none()
            && endpoint.fragment().is_none();
        if !is_plain {
            return Err(BucketError::Endpoint);
        }
        if settings.name.is_empty() || settings.name.contains(['/', '?', '#']) {
            return Err(BucketError::Name);
        }
        let style = if settings.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let address = Address::new(endpoint, style, settings.name, settings.region)
            .map_err(|_| BucketError::Name)?;
        let secret = settings.secret_access_key.expose();
        let credentials = Credentials::new(settings.access_key_id, secret);
        Ok(Self { address, credentials })
    }

    /// The upload address for `key`.
    pub(crate) fn upload_url(&self, key: &ObjectKey, now: Timestamp) -> String {
        self.put_url(key.as_str(), Duration::from_secs(UPLOAD_SECONDS.into()), now)
    }

    /// The address to which the platform itself writes an object, for one minute from `now`, a real
    /// time.
    #[must_use]
    pub fn object_put_url(&self, key: &str, now: Timestamp) -> String {
        self.put_url(key, USED_AT_ONCE, now)
    }

    fn put_url(&self, key: &str, validity: Duration, now: Timestamp) -> String {
        let action = self.address.put_object(Some(&self.credentials), key);
        action.sign_with_time(validity, &moment(now)).into()
    }

    /// The address from which the platform itself reads an object, for one minute from `now`, a
    /// real time.
    #[must_use]
    pub fn object_url(&self, key: &str, now: Timestamp) -> String {
        let action = self.address.get_object(Some(&self.credentials), key);
        action.sign_with_time(USED_AT_ONCE, &moment(now)).into()
    }

    /// The address from which `key` can be downloaded as a file, for one minute from `now`, a real
    /// time.
    #[must_use]
    pub fn read_url(&self, key: &ObjectKey, now: Timestamp) -> String {
        let mut action = self.address.get_object(Some(&self.credentials), key.as_str());
        action.query_mut().insert("response-content-disposition", "attachment");
        action.sign_with_time(USED_AT_ONCE, &moment(now)).into()
    }
}

fn moment(now: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use domain::{EnterpriseId, FileType, SystemRandom};

    use super::*;
    use crate::Folder;

    fn settings(endpoint: &str, name: &str, path_style: bool) -> BucketSettings {
        BucketSettings {
            endpoint: endpoint.to_owned(),
            region: "eu-west-1".to_owned(),
            name: name.to_owned(),
            path_style,
            access_key_id: "key-id".to_owned(),
            secret_access_key: SecretText::new("key-secret".to_owned()),
        }
    }

    #[test]
    fn addresses_name_bucket_key_and_hour_and_not_the_secret() {
        let now = Timestamp::parse_rfc3339("2026-01-12T00:00:00Z").unwrap();
        let enterprise = EnterpriseId::from_i64(7);
        let key = ObjectKey::new(Folder::Kyc, enterprise, FileType::Pdf, now, &SystemRandom);
        for (path_style, head) in
            [(true, "https://s3.test/documents/"), (false, "https://documents.s3.test/")]
        {
            let bucket = Bucket::new(settings("https://s3.test", "documents", path_style)).unwrap();
            let url = bucket.upload_url(&key, now);
            assert!(url.starts_with(&format!("{head}{key}?")), "{url}");
            assert!(url.contains("X-Amz-Expires=3600&"), "{url}");
            assert!(url.contains("X-Amz-Date=20260112T000000Z&"), "{url}");
            assert!(!url.contains("key-secret"), "{url}");
        }
    }

    #[test]
    fn settings_that_cannot_make_an_address_are_refused() {
        let refused =
            |endpoint: &str, name: &str| Bucket::new(settings(endpoint, name, true)).err();
        for endpoint in ["", "s3.test", "ftp://s3.test", "https://me:pw@s3.test", "https://s/?a"] {
            assert_eq!(refused(endpoint, "documents"), Some(BucketError::Endpoint), "{endpoint}");
        }
        for name in ["", "a/b", "a?b"] {
            assert_eq!(refused("https://s3.test", name), Some(BucketError::Name), "{name}");
        }
    }
}
