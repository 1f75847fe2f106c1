//! A repeated network key: gives the first answer again, once there is one.

use std::time::Duration;

use domain::{Authorisation, AuthorisationStatus, Enterprise};
use store::{MoneyError, Store};
use tokio::time::Instant;

use crate::request::AuthoriseError;

/// Pause between two looks at the first message.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait: the longest deadline plus a second for the commit.
const MAX_WAIT: Duration = Duration::from_millis(Enterprise::MAX_AUTH_DEADLINE_MS as u64 + 1_000);

/// Messages refused because their network key belongs to another message.
const CONFLICTS_COUNTER: &str = "cardbridge_network_key_conflicts_total";

/// Counts a message that arrived under another message's key.
pub(crate) fn count_conflict(error: &MoneyError) {
    if matches!(error, MoneyError::NetworkKeyConflict) {
        metrics::counter!(CONFLICTS_COUNTER).increment(1);
    }
}

/// The first message's authorisation, decided. It may be under way in another process, so this asks
/// the store. Nobody waits longer than until `answer_by`.
pub(crate) async fn decided(
    store: &Store,
    first: Authorisation,
    answer_by: Option<Instant>,
) -> Result<Authorisation, AuthoriseError> {
    let longest = Instant::now() + MAX_WAIT;
    let give_up = answer_by.map_or(longest, |answer_by| answer_by.min(longest));
    let mut latest = first;
    while latest.status == AuthorisationStatus::Pending {
        if Instant::now() >= give_up {
            return Err(AuthoriseError::Undecided);
        }
        tokio::time::sleep(PAUSE).await;
        let found = store.find_of_anyone::<Authorisation>(latest.auth_id).await?;
        latest = found.ok_or(AuthoriseError::Missing("authorisation"))?;
    }
    Ok(latest)
}
