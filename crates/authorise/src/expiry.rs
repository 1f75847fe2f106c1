//! Holds that expire.

use domain::{Authorisation, Timestamp};
use schedule::{Boxed, Worker};
use store::{MoneyError, Store, StoreError};
use wire::vm::VmSettings;

use crate::webhooks::{told_card, transactions};

/// Most holds that one call releases.
const MAX_BATCH_HOLDS: u32 = 100;
/// The pause before the next try of a hold that cannot be released, in business time: it must
/// neither block those behind it nor keep an advance of time from finishing.
const REFUSED_PAUSE_SECONDS: i64 = 86_400;

/// Releases what is left of expired holds.
pub struct HoldExpiryWorker {
    store: Store,
    vm_settings: Option<VmSettings>,
}

impl HoldExpiryWorker {
    /// A worker on this store; it notifies apps according to `vm_settings`, if there are any.
    #[must_use]
    pub const fn new(store: Store, vm_settings: Option<VmSettings>) -> Self {
        Self { store, vm_settings }
    }

    async fn expire(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut expired = 0;
        for hold in self.store.expired_holds(now, MAX_BATCH_HOLDS).await? {
            let (enterprise_id, auth_id, ended) = match hold {
                Ok(it) => (it.enterprise_id, it.auth_id, self.expire_one(&it, now).await),
                Err(it) => (it.enterprise_id, it.auth_id, Err(it.error.into())),
            };
            match ended {
                Ok(true) => expired += 1,
                Ok(false) => {}
                // An unreadable record will be unreadable tomorrow too; any other failure of the
                // store is temporary.
                Err(MoneyError::Store(error)) if !matches!(error, StoreError::Corrupt(_)) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(%auth_id, %error, "a hold does not expire");
                    let again = now.plus_seconds(REFUSED_PAUSE_SECONDS);
                    self.store.postpone_expiry(enterprise_id, auth_id, again).await?;
                    expired += 1;
                }
            }
        }
        Ok(expired)
    }

    async fn expire_one(&self, hold: &Authorisation, now: Timestamp) -> Result<bool, MoneyError> {
        let card = told_card(&self.store, self.vm_settings, hold).await?;
        let webhooks = transactions(card.as_ref(), self.vm_settings);
        self.store.expire_hold(hold.enterprise_id, hold.auth_id, now, webhooks).await
    }
}

impl Worker for HoldExpiryWorker {
    fn name(&self) -> &'static str {
        "hold-expiry"
    }

    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.store.next_hold_expiry())
    }

    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
        Box::pin(self.expire(now))
    }

    fn settled(&self) -> Boxed<'_, ()> {
        // `start_due` leaves nothing running.
        Box::pin(std::future::ready(()))
    }

    fn changed(&self) -> Boxed<'_, ()> {
        // A new hold expires days later, longer than any worker sleeps.
        Box::pin(std::future::pending())
    }
}
