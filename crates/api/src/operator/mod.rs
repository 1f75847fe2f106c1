//! The operator API on the admin listener (operator-and-sandbox.md section 3).

mod health;
mod routes;

pub use routes::admin_service;
