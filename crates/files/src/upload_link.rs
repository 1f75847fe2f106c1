//! The pre-signed addresses of the embedded store:
//! `<public URL>/uploads/<key>?expires=<seconds>&signature=<hexadecimal>`.

use domain::Timestamp;
use vault::Vault;

use crate::error::LinkError;
use crate::{ObjectKey, UPLOAD_SECONDS};

/// Prefix of every path of the embedded store, on the public listener.
pub const PATH_PREFIX: &str = "/uploads/";
const EXPIRES: &str = "expires=";
const SIGNATURE: &str = "signature=";

/// Path and query of the address of `key`, valid for [`UPLOAD_SECONDS`] from `now`.
pub(crate) fn make(vault: &Vault, key: &ObjectKey, now: Timestamp) -> String {
    let expires = (now.as_millis() / 1000).saturating_add(i64::from(UPLOAD_SECONDS)).to_string();
    let tag = vault.upload_link_tag(&signed_text(key.as_str(), &expires));
    format!("{PATH_PREFIX}{key}?{EXPIRES}{expires}&{SIGNATURE}{}", hex::encode(tag))
}

/// The key that an address opens at `now`.
pub(crate) fn open(
    vault: &Vault,
    path: &str,
    query: Option<&str>,
    now: Timestamp,
) -> Result<ObjectKey, LinkError> {
    let (key, expires_s) = read(vault, path, query)?;
    if now.as_millis() / 1000 >= expires_s {
        return Err(LinkError::Expired);
    }
    Ok(key)
}

/// The key that an address is for, and the second it expires. Path and query are read as they were
/// sent: an encoded or reordered address counts as altered. The signature is checked first, so the
/// time in a forged address is not even read.
pub(crate) fn read(
    vault: &Vault,
    path: &str,
    query: Option<&str>,
) -> Result<(ObjectKey, i64), LinkError> {
    let forged = LinkError::Forged;
    let key = path.strip_prefix(PATH_PREFIX).ok_or(forged)?;
    let rest = query.and_then(|query| query.strip_prefix(EXPIRES)).ok_or(forged)?;
    let (expires, rest) = rest.split_once('&').ok_or(forged)?;
    let tag = rest.strip_prefix(SIGNATURE).and_then(|text| hex::decode(text).ok()).ok_or(forged)?;
    if !vault.upload_link_matches(&signed_text(key, expires), &tag) {
        return Err(forged);
    }
    let key = key.parse().map_err(|_| forged)?;
    let expires_s: i64 = expires.parse().map_err(|_| forged)?;
    Ok((key, expires_s))
}

/// No key and no number contains a line break, so two addresses never share their text.
fn signed_text(key: &str, expires: &str) -> String {
    format!("PUT\n{key}\n{expires}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{EnterpriseId, FileType, SystemRandom};
    use vault::MasterKey;

    use super::*;
    use crate::Folder;

    fn vault(digit: &str) -> Vault {
        Vault::new(MasterKey::from_hex(&digit.repeat(64)).unwrap(), Arc::new(SystemRandom))
    }

    fn opened(vault: &Vault, link: &str, now: Timestamp) -> Result<ObjectKey, LinkError> {
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        open(vault, path, Some(query), now)
    }

    #[test]
    fn an_address_opens_its_own_key_for_one_hour() {
        let now = Timestamp::parse_rfc3339("2026-01-12T00:00:00Z").unwrap();
        let enterprise = EnterpriseId::from_i64(7);
        let key = ObjectKey::new(Folder::Edd, enterprise, FileType::Pdf, now, &SystemRandom);
        let link = make(&vault("a"), &key, now);
        assert_eq!(opened(&vault("a"), &link, now), Ok(key.clone()));
        assert_eq!(opened(&vault("a"), &link, now.plus_seconds(3_599)), Ok(key.clone()));
        let late = opened(&vault("a"), &link, now.plus_seconds(3_600));
        assert_eq!(late, Err(LinkError::Expired));
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(read(&vault("a"), path, Some(query)).map(|(key, _)| key), Ok(key));
        assert_eq!(read(&vault("b"), path, Some(query)), Err(LinkError::Forged));
        assert_eq!(opened(&vault("b"), &link, now), Err(LinkError::Forged));
    }

    #[test]
    fn an_altered_address_opens_nothing() {
        let now = Timestamp::parse_rfc3339("2026-01-12T00:00:00Z").unwrap();
        let enterprise = EnterpriseId::from_i64(7);
        let key = ObjectKey::new(Folder::Kyc, enterprise, FileType::Jpg, now, &SystemRandom);
        let link = make(&vault("a"), &key, now);
        for (part, other) in [
            ("/7/", "/8/"),
            (".jpg", ".pdf"),
            ("kyc", "edd"),
            ("expires=1", "expires=2"),
            ("expires=", "expires=0"),
            ("expires=", "Expires="),
            ("signature=", "signature=00"),
            ("/uploads/", "/uploads/../uploads/"),
            ("/uploads/", "/"),
            ("-", "%2d"),
            ("&", "&x=1&"),
            ("?", ""),
            ("&signature", "&signature=&signature"),
        ] {
            let altered = link.replace(part, other);
            assert_ne!(altered, link, "{part}");
            assert_eq!(opened(&vault("a"), &altered, now), Err(LinkError::Forged), "{altered}");
        }
        let (path, _) = link.split_once('?').unwrap();
        assert_eq!(open(&vault("a"), path, None, now), Err(LinkError::Forged));
        for length in 0..link.len() {
            assert_eq!(opened(&vault("a"), &link[..length], now), Err(LinkError::Forged));
        }
    }
}
