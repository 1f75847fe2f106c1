//! The real binary: started, spoken to, stopped and killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bills;
mod crash;
mod demo;
mod engine;
mod file_handles;
mod forwarding;
mod life;
mod log_failure;
mod lost_key;
mod mail;
mod mail_server;
mod operator;
mod options;
mod orders;
mod production;
mod recon;
mod repeats;
mod s3_server;
mod secrets;
mod server;
mod uploads;
mod velocity;
mod vm_apps;
mod vm_settings;
mod world;
