//! Orders and cards over a real embedded store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod applying;
mod bed;
mod crashes;
mod life;
mod orders;
mod pans;
