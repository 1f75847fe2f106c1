//! The client against real servers on this machine.

mod guard;
mod limits;
mod server;
