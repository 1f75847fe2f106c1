//! One suite of behaviour, run on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod advices;
mod apart;
mod authorisations;
mod backlog;
mod cards;
mod commit_in_doubt;
mod continuing;
mod customers;
mod enterprises;
mod feed;
mod guidance;
mod histories;
mod idempotency;
mod jobs;
mod ledger_model;
mod link_totals;
mod locks;
mod money;
mod node_lease;
mod orders;
mod outbox;
mod retention;
mod round_trips;
mod samples;
mod settings;
mod settlement;
mod stand_in;
mod sweeping;
mod velocity;
mod verify;
mod vm_cards;
mod vm_fees;
mod vm_histories;

/// Writes a test once and runs it on both engines, each time on a fresh store. A second
/// name gives the test the database below the store.
macro_rules! both_engines {
    ($name:ident, |$store:ident| $body:block) => {
        crate::both_engines!($name, |$store, _database| $body);
    };
    ($name:ident, |$store:ident, $database:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn behaviour($store: store::Store, $database: &testkit::database::Database) $body

            async fn run(database: testkit::database::Database) {
                let store = database.open().await;
                behaviour(store.clone(), &database).await;
                store.close().await;
                database.drop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(testkit::database::Database::embedded()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(testkit::database::Database::on_server().await).await;
            }
        }
    };
}
pub(crate) use both_engines;
