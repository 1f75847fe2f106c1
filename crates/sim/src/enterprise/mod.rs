//! An enterprise: its server on a free loopback port, its keys, and the messages it received.

mod answers;
mod record;
mod server;
mod state;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crypto::{RsaPool, RsaPrivateKey, RsaPublicKey};
use domain::RsaPadding;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::behaviour::{Behaviour, Script};
use record::Record;
use state::{Inner, Known};

pub use record::{Notice, Webhook};

/// Length of the enterprise's own key (cardbridge-open-api.md section 8.3).
const KEY_BITS: u32 = 2048;

/// Facts that the enterprise knows about the platform, once it has an account there.
#[derive(Clone)]
pub struct Trust {
    /// The platform's public key for this enterprise, PEM or bare base64.
    pub platform_public_key: String,
    /// The secret of the API key that webhooks are signed with.
    pub secret_key: String,
    /// The padding with which notices are encrypted.
    pub padding: RsaPadding,
}

/// An enterprise with its server. The server ends when this is dropped.
pub struct Enterprise {
    inner: Arc<Inner>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Enterprise {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Enterprise {
    /// Makes a key pair and starts the server on a free loopback port.
    ///
    /// # Errors
    /// No port is free, or no key can be made.
    pub async fn start() -> std::io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// As [`Enterprise::start`], on a given address.
    ///
    /// # Errors
    /// The address is taken, or no key can be made.
    pub async fn start_on(address: SocketAddr) -> std::io::Result<Self> {
        let key = tokio::task::spawn_blocking(|| RsaPrivateKey::generate(KEY_BITS))
            .await
            .map_err(std::io::Error::other)?
            .map_err(std::io::Error::other)?;
        let inner = Arc::new(Inner {
            key,
            pool: RsaPool::new(RsaPool::default_threads(), RsaPool::DEFAULT_QUEUE_LIMIT),
            known: RwLock::new(None),
            script: Mutex::new(Script::new()),
            webhook_status: Mutex::new(200),
            gate: Semaphore::new(0),
            record: Record::new(),
        });
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(server::serve(listener, Arc::clone(&inner)));
        Ok(Self { inner, address, server })
    }

    /// Lets one answer of [`Behaviour::Held`] through, now or once it is held.
    pub fn release(&self) {
        self.inner.gate.add_permits(1);
    }

    /// The URL for authorisation notices.
    #[must_use]
    pub fn auth_url(&self) -> String {
        format!("http://{}{}", self.address, server::AUTH_PATH)
    }

    /// The URL for webhooks.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("http://{}{}", self.address, server::WEBHOOK_PATH)
    }

    /// The enterprise's public key, bare base64 of its SPKI.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.inner.key.public_key().to_base64()
    }

    /// Gives the enterprise these facts about the platform. Earlier notices are answered with 503.
    ///
    /// # Errors
    /// The platform's key is not an RSA key.
    pub fn trust(&self, trust: Trust) -> Result<(), crypto::CryptoError> {
        let platform_key = RsaPublicKey::from_text(&trust.platform_public_key)?;
        let known = Known { platform_key, secret_key: trust.secret_key, padding: trust.padding };
        *self.inner.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
        Ok(())
    }

    /// Sets how notices are answered by default; at first they are approved.
    pub fn answer(&self, behaviour: Behaviour) {
        self.script(|script| script.set_default(behaviour));
    }

    /// Sets how notices about a card are answered.
    pub fn answer_card(&self, card_id: &str, behaviour: Behaviour) {
        self.script(|script| script.set_for_card(card_id, behaviour));
    }

    /// Sets how notices of an amount are answered; `amount` as written in the notice (`20.50`).
    pub fn answer_amount(&self, amount: &str, behaviour: Behaviour) {
        self.script(|script| script.set_for_amount(amount, behaviour));
    }

    fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.inner.script.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Sets the HTTP status that webhooks are answered with; at first 200.
    pub fn answer_webhooks(&self, status: u16) {
        *self.inner.webhook_status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// Notices so far, in order of arrival.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.inner.record.notices()
    }

    /// The number of notices so far.
    #[must_use]
    pub fn notice_count(&self) -> usize {
        self.inner.record.notice_count()
    }

    /// Webhooks so far, in order of arrival; a resend counts again.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.inner.record.webhooks()
    }

    /// The number of webhooks so far.
    #[must_use]
    pub fn webhook_count(&self) -> usize {
        self.inner.record.webhook_count()
    }

    /// Waits until `find` finds something among the webhooks so far; it is called again whenever
    /// one arrives. `None` when the time is up.
    pub async fn wait_for<T>(
        &self,
        timeout: Duration,
        mut find: impl FnMut(&[Webhook]) -> Option<T>,
    ) -> Option<T> {
        let mut arrived: watch::Receiver<usize> = self.inner.record.arrived();
        let search = async {
            loop {
                arrived.borrow_and_update();
                if let Some(found) = self.inner.record.search(&mut find) {
                    return Some(found);
                }
                arrived.changed().await.ok()?;
            }
        };
        tokio::time::timeout(timeout, search).await.ok().flatten()
    }

    /// Waits for the first webhook for which `is_wanted` is true.
    pub async fn wait_for_webhook(
        &self,
        timeout: Duration,
        is_wanted: impl Fn(&Webhook) -> bool,
    ) -> Option<Webhook> {
        self.wait_for(timeout, |all| all.iter().find(|one| is_wanted(one)).cloned()).await
    }
}
