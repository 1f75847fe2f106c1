//! Builds the mailer from the `[smtp]` table.

use domain::{Clock, Mode};
use mail::{Mailer, SmtpPassword, SmtpSettings};
use zeroize::Zeroizing;

use super::secrets::read_private;
use crate::config::{Config, SmtpConfig, read_authority};
use crate::failure::Failure;

/// The mailer of this configuration.
///
/// # Errors
/// One line that names the key and what it should be.
pub fn mailer(config: &Config, clock: Clock) -> Result<Mailer, Failure> {
    let settings = config.smtp.as_ref().map(|smtp| settings(config, smtp)).transpose()?;
    let mailer = match config.mode {
        Mode::Sandbox => Mailer::sandbox(clock, settings),
        Mode::Production => Mailer::production(clock, settings),
    };
    mailer.map_err(|error| match &config.smtp {
        Some(smtp) => smtp.refused(error.key, error.problem),
        None => Failure::configuration(error),
    })
}

fn settings(config: &Config, smtp: &SmtpConfig) -> Result<SmtpSettings, Failure> {
    let credentials = match &smtp.account {
        None => None,
        Some((username, file)) => {
            let text = match file {
                Some(path) => read_private("smtp.password-file", path)?,
                None => config.smtp_password.clone().unwrap_or_default(),
            };
            let password = Zeroizing::new(text.trim().to_owned());
            Some((username.clone(), SmtpPassword::new(password)))
        }
    };
    let authority_pem =
        smtp.authority_file.as_deref().map(|path| read_authority(smtp, path)).transpose()?;
    Ok(SmtpSettings {
        host: smtp.host.clone(),
        port: smtp.port,
        from: smtp.from.clone(),
        credentials,
        tls: smtp.tls,
        authority_pem,
    })
}
