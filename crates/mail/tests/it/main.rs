//! Mail to a real mail server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mail;
