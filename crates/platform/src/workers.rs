//! Background work.

use std::sync::Arc;
use std::time::Duration;

use authorise::{HoldExpiryWorker, challenge_expiry_worker};
use cards::{CardsSettings, intent_ticket_worker, kyc_review_worker, order_worker};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use outbound::Outbound;
use reconciliation::{SettlementWorker, recut_worker};
use schedule::Worker;
use store::Store;
use tokio::sync::watch;
use vault::Vault;
use webhooks::WebhookWorker;
use wire::vm::VmSettings;

use crate::failure::Failure;

/// The interval at which histograms are folded; otherwise they would only grow between scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Every worker that waits for business time.
pub fn all(
    store: &Store,
    vault: &Arc<Vault>,
    outbound: &Outbound,
    settings: CardsSettings,
    vm_settings: VmSettings,
) -> Vec<Arc<dyn Worker>> {
    vec![
        Arc::new(order_worker(store.clone(), Arc::clone(vault), settings)),
        Arc::new(kyc_review_worker(store.clone(), Arc::clone(vault), settings)),
        Arc::new(intent_ticket_worker(store.clone(), Arc::clone(vault), settings)),
        Arc::new(HoldExpiryWorker::new(store.clone(), Some(vm_settings))),
        Arc::new(SettlementWorker::new(store.clone())),
        Arc::new(recut_worker(store.clone())),
        Arc::new(challenge_expiry_worker(store.clone())),
        Arc::new(WebhookWorker::new(store.clone(), Arc::clone(vault), outbound.clone())),
    ]
}

/// Installs the recorder behind `/metrics`.
///
/// # Errors
/// A recorder is already installed.
pub fn metrics_recorder() -> Result<PrometheusHandle, Failure> {
    PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::run(format_args!("metrics cannot be recorded: {error}")))
}

/// Keeps the recorder small until `stopped` turns true.
pub async fn upkeep(metrics: PrometheusHandle, mut stopped: watch::Receiver<bool>) {
    let ended = stopped.wait_for(|stopped| *stopped);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = tokio::time::sleep(UPKEEP_INTERVAL) => metrics.run_upkeep(),
        }
    }
}
