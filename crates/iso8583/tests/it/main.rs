//! The crate as its users see it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod frames;
mod messages;
mod mutations;
mod overrides;
mod properties;
mod vectors;
mod written_page;
