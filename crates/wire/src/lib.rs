//! The wire dialects as bytes: signatures, envelopes and JSON types, and the reader of request
//! bodies. No I/O, no clock, no state; the server and the client crate use the same code.

mod byte_order_mark;
pub mod cardbridge;
pub mod country;
pub mod dialling;
pub mod field;
mod repeated;
pub mod vm;

pub use repeated::repeated_fields;
