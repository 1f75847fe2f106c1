//! `cardbridge migrate`.

use platform::config::Config;
use platform::{Failure, migrate, pending_migrations};
use serde_json::json;

use crate::answers::show;

/// Brings the schema up to date, or with `is_check` only says what it lacks.
///
/// # Errors
/// The store cannot be opened, or it is only looked at and lacks something.
pub async fn run(config: Config, is_check: bool) -> Result<(), Failure> {
    if !is_check {
        return show(&json!({ "applied": migrate(&config).await? }));
    }
    let pending = pending_migrations(&config).await?;
    show(&json!({ "pending": pending }))?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(Failure::run("the schema is not up to date: `cardbridge migrate` brings it there"))
}
