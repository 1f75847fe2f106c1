//! The real service over real sockets, on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod authentication;
mod balance;
mod browser;
mod cards;
mod connections;
mod customers;
mod database;
mod described;
mod end_of_time;
mod enterprises;
mod error_codes;
mod foreign_fields;
mod foreign_objects;
mod guidance_links;
mod http;
mod idempotency;
mod identity_checks;
mod ill_formed_headers;
mod intent_tickets;
mod key_extraction;
mod keyed_calls;
mod keys;
mod kyc;
mod listing;
mod long_answers;
mod mailbox;
mod on_file;
mod open_api_document;
mod openapi;
mod openapi_rules;
mod operator_described;
mod orders;
mod page_in_browser;
mod page_pins;
mod page_questions;
mod page_tickets;
mod page_visits;
mod pages;
mod pages_in_browser;
mod pages_measured;
mod parked_jobs;
mod parts;
mod pasted_keys;
mod physical_cards;
mod pins;
mod platform;
mod problems;
mod purchases;
mod receiver;
mod recon;
mod recon_again;
mod recon_quiet;
mod recon_verify;
mod references;
mod replacements;
mod samples;
mod secure_card;
mod send_otp;
mod signing;
mod three_ds;
mod transport;
mod uploads;
mod uploads_in_browser;
mod velocity;
mod vm_acceptance;
mod vm_apps;
mod vm_cards;
mod vm_cards_elsewhere;
mod vm_client;
mod vm_described;
mod vm_envelope;
mod vm_fees;
mod vm_filters;
mod vm_listings;
mod vm_openapi;
mod vm_repeats;
mod vm_settings;
mod vm_storms;
mod vm_tokens;
mod vm_webhooks;
mod written_contract;

/// Writes a test once and runs it on both engines, each time on a fresh platform. A second
/// name gives the test the place of the database below, an expression before it the settings
/// of dialect 2.
macro_rules! both_engines {
    ($name:ident, |$platform:ident| $body:block) => {
        crate::both_engines!($name, |$platform, _location| $body);
    };
    ($name:ident, |$platform:ident, $location:ident| $body:block) => {
        crate::both_engines!($name, wire::vm::VmSettings::default(), |$platform, $location| $body);
    };
    ($name:ident, $telling:expr, |$platform:ident, $location:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn behaviour(
                $platform: &crate::platform::Platform,
                $location: &store::Location,
            ) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let database = crate::database::Embedded::new();
                let location = database.location();
                let platform =
                    crate::platform::Platform::start_telling(location, $telling).await;
                behaviour(&platform, &database.location()).await;
                platform.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let database = crate::database::Server::new().await;
                let location = database.location();
                let platform =
                    crate::platform::Platform::start_telling(location, $telling).await;
                behaviour(&platform, &database.location()).await;
                platform.stop().await;
                database.drop().await;
            }
        }
    };
}
pub(crate) use both_engines;
