//! Plays a script of ISO 8583 messages against a host, or a host against an acquirer
//! (network-iso8583.md section 9.2).

mod burst;
mod codec;
mod context;
mod expected;
mod given;
mod head;
mod judge;
mod line;
mod outcome;
mod player;
mod report;
mod rules;
mod script;
mod step;
mod tls;
mod value;

pub use given::Given;
pub use outcome::Ended;
pub use player::play;
pub use report::{Report, StepReport};
pub use script::{Script, ScriptFault};
