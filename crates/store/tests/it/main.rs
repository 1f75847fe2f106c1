//! One suite of behaviour, run on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod money;

/// Writes a test once and runs it on both engines, each time on a fresh store.
macro_rules! both_engines {
    ($name:ident, |$store:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn behaviour($store: store::Store) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let database = crate::database::Embedded::new();
                let store = database.open().await;
                behaviour(store.clone()).await;
                store.close().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let database = crate::database::Server::new().await;
                let store = database.open().await;
                behaviour(store.clone()).await;
                store.close().await;
                database.drop().await;
            }
        }
    };
}
pub(crate) use both_engines;
