//! The real binary: started, spoken to, stopped and killed.

mod crash;
mod demo;
mod engine;
mod life;
mod operator;
mod options;
mod orders;
mod production;
mod secrets;
mod server;
mod world;
