//! An operator's change of an enterprise, checked before anything is written.

use std::net::IpAddr;

use crypto::RsaPublicKey;
use domain::{EnterpriseId, Mode, SealedUrl, StandIn, UrlUse};
use http::Uri;
use ipnet::IpNet;
use store::EnterprisePatch;
use wire::field;
use wire::field::Field;

use super::enterprise_body::{APPROVE_UP_TO, DECLINE};
use crate::fields::{Fields, currency, required_money};
use crate::problem::Problem;
use crate::request_bodies::{ENTERPRISE_CHANGE as BODY, STAND_IN};
use crate::state::ApiState;

/// Reads and checks a change.
pub(crate) async fn read(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    fields: &Fields<'_>,
) -> Result<EnterprisePatch, Problem> {
    let url = |field, of| url(state, fields, field, (enterprise_id, of));
    let texts = |field, what, is_good| texts(fields, field, what, is_good);
    Ok(EnterprisePatch {
        webhook_url: url(field!(BODY, "webhookUrl"), UrlUse::Webhook)?,
        auth_url: url(field!(BODY, "authUrl"), UrlUse::Auth)?,
        external_public_key: public_key(fields, field!(BODY, "externalPublicKey"))?,
        webhook_key: webhook_key(state, enterprise_id, fields).await?,
        ip_allowlist: ip_allowlist(state, fields)?,
        redirect_hosts: texts(field!(BODY, "redirectHosts"), "must be host names", is_host)?,
        page_origins: texts(field!(BODY, "pageOrigins"), "must be web origins", is_origin)?,
        pci: fields.boolean(field!(BODY, "pci"))?,
        auth_deadline_ms: fields.whole(field!(BODY, "authDeadlineMs"))?,
        rsa_padding: fields.value(field!(BODY, "rsaPadding"), "is not PKCS1 or OAEP_SHA256")?,
        rsa_hash: fields.value(field!(BODY, "rsaHash"), "is not SHA256, SHA1 or SHA512")?,
        rsa_signed_bytes: fields.value(field!(BODY, "rsaSignedBytes"), "is not TEXT or RAW")?,
        stand_in: stand_in(fields)?,
    })
}

/// `Some(None)` for null, as the store's patch has it.
fn clearable<T>(fields: &Fields<'_>, field: Field, value: Option<T>) -> Option<Option<T>> {
    if fields.is_null(field) { Some(None) } else { value.map(Some) }
}

/// A URL that the guard of addresses lets out, sealed for its use.
pub(super) fn url(
    state: &ApiState,
    fields: &Fields<'_>,
    field: Field,
    (enterprise_id, of): (EnterpriseId, UrlUse),
) -> Result<Option<Option<SealedUrl>>, Problem> {
    let url = fields.text(field)?;
    if let Some(url) = &url {
        let vetted = state.outbound.vet_url(url);
        vetted.map_err(|error| fields.wrong(field, format!("is refused: {error}")))?;
    }
    let sealed = url.map(|url| state.vault.seal_url(enterprise_id, of, &url));
    Ok(clearable(fields, field, sealed))
}

/// DER of the SPKI of an RSA public key.
pub(super) fn public_key(
    fields: &Fields<'_>,
    field: Field,
) -> Result<Option<Option<Vec<u8>>>, Problem> {
    let key = match fields.text(field)? {
        Some(text) => {
            let key = RsaPublicKey::from_text(&text);
            Some(key.map_err(|why| fields.wrong(field, why.to_string()))?.to_spki_der().to_vec())
        }
        None => None,
    };
    Ok(clearable(fields, field, key))
}

async fn webhook_key(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    fields: &Fields<'_>,
) -> Result<Option<Option<String>>, Problem> {
    let field = field!(BODY, "webhookKey");
    let key = fields.text(field)?;
    if let Some(key) = &key {
        let row = state.store.api_key(key).await?;
        let is_usable =
            row.is_some_and(|row| row.enterprise_id == enterprise_id && row.revoked_at.is_none());
        if !is_usable {
            return Err(fields.wrong(field, "is not an active API key of this enterprise"));
        }
    }
    Ok(clearable(fields, field, key))
}

fn ip_allowlist(state: &ApiState, fields: &Fields<'_>) -> Result<Option<Vec<IpNet>>, Problem> {
    let field = field!(BODY, "ipAllowlist");
    let networks = networks(fields, field)?;
    if networks.as_ref().is_some_and(Vec::is_empty) && state.settings.mode == Mode::Production {
        return Err(fields.wrong(field, "must not be empty in production"));
    }
    Ok(networks)
}

/// Addresses and CIDR networks.
pub(super) fn networks(fields: &Fields<'_>, field: Field) -> Result<Option<Vec<IpNet>>, Problem> {
    let Some(entries) = fields.text_list(field)? else { return Ok(None) };
    let network =
        |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok();
    let networks: Option<Vec<_>> = entries.iter().map(network).collect();
    networks.map(Some).ok_or_else(|| fields.wrong(field, "must be CIDR networks"))
}

fn texts(
    fields: &Fields<'_>,
    field: Field,
    what: &str,
    is_good: fn(&str) -> bool,
) -> Result<Option<Vec<String>>, Problem> {
    let entries = fields.text_list(field)?;
    match &entries {
        Some(entries) if !entries.iter().all(|entry| is_good(entry)) => {
            Err(fields.wrong(field, what))
        }
        _ => Ok(entries),
    }
}

fn is_host(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
    is_web && is_bare && uri.authority().is_some_and(|host| !host.as_str().contains('@'))
}

/// `Some(None)` = declines.
fn stand_in(fields: &Fields<'_>) -> Result<Option<Option<StandIn>>, Problem> {
    let Some(fields) = fields.object(field!(BODY, "standIn"))? else { return Ok(None) };
    let mode = field!(STAND_IN, "mode");
    match fields.required_text(mode)?.as_str() {
        DECLINE => Ok(Some(None)),
        APPROVE_UP_TO => approve_up_to(&fields).map(|terms| Some(Some(terms))),
        _ => Err(fields.wrong(mode, "must be decline or approve_up_to")),
    }
}

fn approve_up_to(fields: &Fields<'_>) -> Result<StandIn, Problem> {
    let currency = currency(fields, field!(STAND_IN, "currency"))?;
    let minor = |field| required_money(fields, field, currency).map(|it| it.amount_minor());
    let amount_minor = minor(field!(STAND_IN, "amount"))?;
    let daily_total = field!(STAND_IN, "dailyTotal");
    let daily_total_minor = minor(daily_total)?;
    if daily_total_minor < amount_minor {
        return Err(fields.wrong(daily_total, "must not be below amount"));
    }
    Ok(StandIn { currency, amount_minor, daily_total_minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_origins_are_told_from_urls() {
        assert!(is_host("shop.example.com"));
        assert!(!is_host("https://shop.example.com"));
        assert!(is_origin("https://shop.example.com:8443"));
        for bad in ["shop.example.com", "https://a/b", "https://a/", "ftp://a", "https://u@a", "*"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
