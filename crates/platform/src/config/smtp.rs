//! The `[smtp]` table: the outgoing mail server.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use domain::Mode;
use mail::SmtpTls;

use super::layers::{Layers, SMTP_PASSWORD_VARIABLE};
use crate::failure::Failure;

/// The table, checked. The password is read when the platform starts.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Name or address of the server.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Sender.
    pub from: String,
    /// The account and the file with its password; without a file the password comes from the
    /// environment.
    pub account: Option<(String, Option<PathBuf>)>,
    /// The protection of the connection.
    pub tls: SmtpTls,
    /// PEM file of an authority that is trusted in addition to the system's.
    pub authority_file: Option<PathBuf>,
    /// Name of the file, for failures.
    pub origin: String,
}

impl SmtpConfig {
    /// The failure that says which values a key takes.
    pub fn refused(&self, key: &str, should_be: impl std::fmt::Display) -> Failure {
        Failure::configuration(format_args!("{}: smtp.{key}: {should_be}", self.origin))
    }
}

/// The mail server of the file, if it names one.
pub fn settings(layers: &Layers, mode: Mode) -> Result<Option<SmtpConfig>, Failure> {
    let Some((section, origin)) =
        layers.file().and_then(|file| Some((file.smtp()?.clone(), file.name().to_owned())))
    else {
        return Ok(None);
    };
    let refused = |key: &str, should_be: &str| {
        Failure::configuration(format_args!("{origin}: smtp.{key}: should be {should_be}"))
    };
    let tls = match section.tls.as_deref() {
        None | Some("starttls") => SmtpTls::StartTls,
        Some("tls") => SmtpTls::Implicit,
        Some("none") => SmtpTls::None,
        Some(_) => return Err(refused("tls", "starttls, tls or none")),
    };
    if section.host.trim().is_empty() {
        return Err(refused("host", "the name of a mail server"));
    }
    // Mails carry one-time secrets, and a password would travel in the clear too.
    if tls == SmtpTls::None && mode == Mode::Production && !is_this_machine(&section.host) {
        return Err(refused("tls", "starttls or tls in production, unless host is this machine"));
    }
    let account = match (section.username, section.password_file) {
        (None, None) => None,
        (None, Some(_)) => return Err(refused("username", "set where password-file is")),
        (Some(username), file) => {
            if file.is_none() && layers.smtp_password().is_none() {
                let wanted = format!("set where username is (or {SMTP_PASSWORD_VARIABLE})");
                return Err(refused("password-file", &wanted));
            }
            Some((username, file))
        }
    };
    let port = section.port.unwrap_or(tls.default_port());
    Ok(Some(SmtpConfig {
        host: section.host,
        port,
        from: section.from,
        account,
        tls,
        authority_file: section.ca_file,
        origin,
    }))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Reads a small file that holds no secret.
pub fn read_authority(config: &SmtpConfig, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        config.refused("ca-file", format_args!("{} should be readable: {error}", path.display()))
    })
}
