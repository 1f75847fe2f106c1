//! Dialect 1, the CardBridge open API, on the public listener.

mod routes;

pub use routes::public_service;
