//! Authorisations over a real store, real RSA and a real HTTP server that plays the
//! enterprise.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod bed;
mod enterprise;
mod later;
mod network;
mod own_money;
mod recovery;
mod refusals;
mod stuck_hold;
