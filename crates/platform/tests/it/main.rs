//! Both listeners of a platform over real sockets, on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod transport;
