//! The platform assembled, for the binary and for tests.
//!
//! [`Platform::start`] turns a [`config::Config`] into two listeners, and [`Platform::stop`] undoes
//! that. [`Parts::assemble`] is its core: everything that requests and workers share, over a given
//! store and secrets.

mod assembly;
pub mod config;
mod data_dir;
mod document_files;
mod durability;
mod exports;
mod failure;
mod file_handles;
mod holder;
mod link_secrets;
mod listeners;
mod mail;
mod missing;
mod platform;
mod private_file;
mod public_listener;
pub mod sandbox;
mod secrets;
mod store_opening;
mod workers;

pub use assembly::{Doors, Ground, Parts, Services};
pub use failure::Failure;
pub use listeners::Addresses;
pub use platform::Platform;
pub use private_file::{try_lock_file, write_private};
pub use store_opening::{migrate, pending_migrations};
