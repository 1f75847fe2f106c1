//! Zone keys that come by messages (network-iso8583.md section 8.4).

use std::sync::Arc;
use std::time::Duration;

use domain::LinkKey;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use vault::LinkKeyError;

use super::shared::Link;
use crate::error::SchemeError;
use crate::translate::Refusal;

/// How often a process looks for keys that others received.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// Longest wait for the store while a message waits for a key.
const LOOK_DEADLINE: Duration = Duration::from_secs(1);

impl Link {
    /// Takes the keys that the store has into use; returns whether any was new.
    ///
    /// # Errors
    /// The store fails, or a key cannot be opened.
    pub async fn load_keys(&self) -> Result<bool, SchemeError> {
        let (name, mut is_changed) = (&self.settings().name, false);
        if !self.intake.vault.has_link_master_key(name) {
            return Ok(false);
        }
        for key in self.intake.store.link_keys(name).await? {
            is_changed |= self.intake.vault.adopt_link_key(&key)?;
        }
        Ok(is_changed)
    }

    /// Looks for keys that other processes received; returns whether there was a new one.
    pub(crate) async fn look_for_keys(&self) -> bool {
        let name = &self.settings().name;
        match timeout(LOOK_DEADLINE, self.load_keys()).await {
            Ok(Ok(is_changed)) => is_changed,
            Ok(Err(error)) => {
                tracing::error!(link = name, %error, "the keys of a link could not be read");
                false
            }
            Err(_) => {
                tracing::error!(link = name, "the keys of a link could not be read in time");
                false
            }
        }
    }

    /// Takes a key that came by a message into use, and keeps it for other processes.
    ///
    /// # Errors
    /// What the message is answered.
    pub(crate) async fn take_key(&self, text: &str) -> Result<(), Refusal> {
        let (name, vault) = (&self.settings().name, &self.intake.vault);
        // Another process may have received a key before, which counts as a version.
        self.look_for_keys().await;
        let received = vault.receive_link_key(name, text, self.real_now());
        let key = received.map_err(|error| match error {
            LinkKeyError::NoMasterKey => Refusal::NotSupported,
            LinkKeyError::Form | LinkKeyError::CheckValue | LinkKeyError::OtherUse => {
                tracing::warn!(link = name, %error, "a key that came was refused");
                Refusal::Key
            }
        })?;
        let Some(key) = key else { return Ok(()) };
        let failed = |error: SchemeError| {
            tracing::error!(link = name, %error, "a key that came could not be kept");
            Refusal::Fault
        };
        self.intake.store.keep_link_key(key.clone()).await.map_err(|it| failed(it.into()))?;
        vault.adopt_link_key(&key).map_err(|it| failed(it.into()))?;
        let LinkKey { kind, version, check_value, .. } = key;
        let kind = kind.as_str();
        tracing::info!(link = name, kind, version, check_value, "a key of a link was changed");
        Ok(())
    }
}

/// Looks for keys that other processes received, until `stop` turns true.
pub async fn keep_keys(link: Arc<Link>, mut stop: watch::Receiver<bool>) {
    if !link.intake.vault.has_link_master_key(&link.settings().name) {
        return;
    }
    let mut looks = interval(LOOK_PAUSE);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        link.look_for_keys().await;
    }
}
