//! The only way out: every HTTP request of the platform is sent through [`Outbound`].
//!
//! It enforces an absolute deadline, caps what it reads, follows no redirects, uses no proxy from
//! the environment, and connects only to addresses that the [`AddressPolicy`] permits: the address
//! that was checked is the one that is connected to.

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
