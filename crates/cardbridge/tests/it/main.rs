//! The real binary: started, spoken to, stopped and killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bills;
mod clock_steps;
mod crash;
mod demo;
mod dumps;
mod engine;
mod failed_sync;
mod faults;
mod file_handles;
mod forwarding;
mod full_disk;
mod keyed_calls;
mod life;
mod log_failure;
mod lost_key;
mod mail;
mod mail_server;
mod node_numbers;
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
