//! Test beds and sample data shared by the tests of several crates. Only tests import it.
//!
//! Modules that need only a store are always there: [`database`], [`records`], [`front`]. The
//! feature `mail` adds a mail server. The feature `platform` adds a whole [`platform`] in the
//! test's process, the clients that call it ([`signing`], [`vm_client`], [`browser`]) and checks of
//! its answers against the documents.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "only tests import it, and most names say all there is")]

#[cfg(feature = "platform")]
pub mod browser;
pub mod counting_line;
pub mod database;
#[cfg(feature = "platform")]
pub mod described;
pub mod front;
#[cfg(feature = "platform")]
pub mod http;
#[cfg(feature = "mail")]
pub mod mail_server;
#[cfg(feature = "platform")]
pub mod on_file;
#[cfg(feature = "platform")]
pub mod operator_described;
#[cfg(feature = "platform")]
pub mod page_visits;
#[cfg(feature = "platform")]
pub mod plastic;
#[cfg(feature = "platform")]
pub mod platform;
#[cfg(feature = "platform")]
pub mod receiver;
pub mod records;
#[cfg(feature = "platform")]
pub mod signing;
#[cfg(feature = "platform")]
pub mod vm_client;
#[cfg(feature = "platform")]
pub mod vm_described;

/// Defines a test once and runs it on both engines, each time on a fresh platform. A second name
/// gives the test the location of the underlying database; an expression before it gives the
/// settings of dialect 2.
///
/// ```ignore
/// both_engines!(business_time_advances, |platform| {
///     platform.advance(60).await;
/// });
/// ```
#[cfg(feature = "platform")]
#[macro_export]
macro_rules! both_engines {
    ($name:ident, |$platform:ident| $body:block) => {
        $crate::both_engines!($name, |$platform, _location| $body);
    };
    ($name:ident, |$platform:ident, $location:ident| $body:block) => {
        $crate::both_engines!($name, Default::default(), |$platform, $location| $body);
    };
    ($name:ident, $telling:expr, |$platform:ident, $location:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn behaviour(
                $platform: &$crate::platform::Platform,
                $location: &$crate::database::Location,
            ) $body

            async fn run(database: $crate::database::Database) {
                let location = database.location();
                let platform =
                    $crate::platform::Platform::start_telling(location, $telling).await;
                behaviour(&platform, &database.location()).await;
                platform.stop().await;
                database.drop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run($crate::database::Database::embedded()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run($crate::database::Database::on_server().await).await;
            }
        }
    };
}
