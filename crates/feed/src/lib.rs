//! The feed of events: gives committed events their numbers, so that readers can follow them
//! without missing any. What an event is stands in `domain/src/event.rs`, how it is stored in
//! `store/src/feed.rs`.

mod numberer;

pub use numberer::Numberer;
