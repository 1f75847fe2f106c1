//! Background work.

use std::sync::Arc;
use std::time::Duration;

use authorise::{HoldExpiryWorker, challenge_expiry_worker};
use cards::{CardsSettings, intent_ticket_worker, kyc_review_worker, order_worker};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
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

/// The upper bounds of the buckets in which times are counted, which processes can add up.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

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
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::run(format_args!("metrics cannot be recorded: {error}")))
}

/// Keeps the recorder small, and records how far this machine's clock is from the database's, until
/// `stopped` turns true.
pub async fn upkeep(metrics: PrometheusHandle, store: Store, mut stopped: watch::Receiver<bool>) {
    let ended = stopped.wait_for(|stopped| *stopped);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = tokio::time::sleep(UPKEEP_INTERVAL) => {
                metrics.run_upkeep();
                let skew = Duration::from_millis(store.clock_skew_ms().unsigned_abs());
                metrics::gauge!("cardbridge_clock_skew_seconds").set(skew.as_secs_f64());
            }
        }
    }
}
