//! Prints the platform's answers to the operator's commands.

use std::io::Write as _;

use platform::Failure;
use sdk::{Operator, OperatorError};
use serde_json::Value;

/// Most pages of a listing that are fetched.
const MAX_PAGES: usize = 1_000;

/// Prints every page of a listing.
pub async fn list(client: &Operator, path: &str) -> Result<(), Failure> {
    let mut next = path.to_owned();
    for _ in 0..MAX_PAGES {
        let page = client.get(&next).await.map_err(refused)?;
        show(&page)?;
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("{path}?cursor={cursor}"),
            None => return Ok(()),
        }
    }
    Err(Failure::run("the listing has no end"))
}

/// An enterprise's id that is safe in a path.
pub fn id(text: &str) -> Result<&str, Failure> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(text).ok_or_else(|| Failure::configuration("enterprise-id: should be an id"))
}

/// The failure for a call that did not succeed.
pub fn refused(error: OperatorError) -> Failure {
    Failure::run(format_args!("the platform did not do it: {error}"))
}

/// Writes an answer to stdout.
pub fn show(value: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    writeln!(std::io::stdout(), "{text}")
        .map_err(|error| Failure::run(format_args!("stdout: {error}")))
}
