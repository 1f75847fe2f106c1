//! The sandbox API on the admin listener (operator-and-sandbox.md section 4): the card
//! network, the shopper and time, played on demand.

mod authorisations;
mod clock;
mod later;
mod mailbox;
mod problems;
mod purchase;
mod refunds;
mod routes;
mod three_ds;

pub(crate) use routes::routes;
