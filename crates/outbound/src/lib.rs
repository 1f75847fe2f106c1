//! The one door out: every HTTP request of the platform leaves through [`Outbound`].
//!
//! It keeps an absolute deadline, caps what it reads, follows no redirect, uses no
//! proxy from the environment, and connects only to addresses that the
//! [`AddressPolicy`] lets through: the address that was checked is the address that
//! is connected to.

mod address;
mod client;
mod connection;
mod error;
mod excerpt;
mod resolver;

pub use address::AddressPolicy;
pub use client::{Answer, Outbound, Post};
pub use error::{OutboundError, SetupError};
pub use excerpt::{EXCERPT_BYTES, excerpt, mask_url};
