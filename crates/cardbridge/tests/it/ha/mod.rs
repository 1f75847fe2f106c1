//! Several machines: fail-overs of PostgreSQL, restarts of one process after another, clocks that
//! differ. `cargo xtask test --ha` installs the programs and runs these tests; others pass over
//! them.
//!
//! Elsewhere are: what a process leaves that does not come back (`left_behind`), node numbers and
//! starts at once (`node_numbers`), newer schemas (`schema_versions`), a stop that drains
//! (`drain`), and a process that hangs inside a transaction (`store_away`).

mod balancer;
mod clocks;
mod failover;
mod machines;
mod network;
mod patroni;
mod pooler;
mod rolling;
mod strict;

use std::path::PathBuf;

/// The path that `cargo xtask test --ha` gives for a program.
fn given(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("no {variable}: run `cargo xtask test --ha`")).into()
}
