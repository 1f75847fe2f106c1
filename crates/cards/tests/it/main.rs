//! Orders and cards over a real embedded store.

mod applying;
mod bed;
mod crashes;
mod life;
mod orders;
mod pans;
