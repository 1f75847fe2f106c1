//! The client against real servers on this machine.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guard;
mod limits;
mod server;
