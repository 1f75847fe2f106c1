//! Commands of a call with an idempotency key: the key is looked for before they are decided, and
//! kept with the call's answer when they are written.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::{BeginOutcome, Command, MoneyError, Outcome};
use crate::engine::Tx;
use crate::{Claim, Kept, StoreError};

/// A command of a group, separated from the key that it may have come with.
pub(super) struct Ordered<'a> {
    /// The command.
    pub(super) command: &'a Command,
    claim: Option<&'a Claim>,
    is_taken: bool,
}

/// Separates commands from their keys, and finds out which keys are taken: by an earlier commit, or
/// by an earlier command of the group.
pub(super) async fn ordered<'a>(
    tx: &Tx,
    commands: &[&'a Command],
) -> Result<Vec<Ordered<'a>>, StoreError> {
    let mut keys = BTreeSet::new();
    let ordered = commands.iter().copied().map(|command| {
        let Command::Claimed(claim, command) = command else {
            return (Ordered { command, claim: None, is_taken: false }, None);
        };
        let is_taken = !keys.insert(claim.key());
        let sought = (!is_taken).then_some(claim);
        (Ordered { command, claim: Some(claim), is_taken }, sought)
    });
    let ordered: Vec<_> = ordered.collect();
    try_join_all(ordered.into_iter().map(|(mut it, sought)| async move {
        if let Some(claim) = sought {
            it.is_taken = claim.is_there(tx).await?;
        }
        Ok(it)
    }))
    .await
}

/// The commands that no earlier run has carried out.
pub(super) fn open<'a>(ordered: &[Ordered<'a>]) -> Vec<&'a Command> {
    ordered.iter().filter(|it| !it.is_taken).map(|it| it.command).collect()
}

/// Keeps the keys of the commands that were carried out. `results` are those of the open commands,
/// in order; returns the results of all commands.
pub(super) async fn keep(
    tx: &Tx,
    ordered: &[Ordered<'_>],
    results: Vec<Result<Outcome, MoneyError>>,
) -> Result<Vec<Result<Outcome, MoneyError>>, StoreError> {
    let mut open = results.into_iter();
    let mut all = Vec::with_capacity(ordered.len());
    let mut left = Vec::new();
    for it in ordered {
        let result = match it.claim.filter(|_| it.is_taken) {
            Some(claim) => Err(claim.taken().into()),
            None => open.next().unwrap_or(Err(StoreError::Overloaded.into())),
        };
        if let (Some(claim), Ok(outcome)) = (it.claim, &result)
            && let Some(kept) = left_by(claim, outcome)?
        {
            left.push(claim.leave(tx, kept));
        }
        all.push(result);
    }
    try_join_all(left).await?;
    Ok(all)
}

/// The record to keep of an outcome. The answer to a message of the network depends on its
/// authorisation, which may wait for the enterprise.
fn left_by(claim: &Claim, outcome: &Outcome) -> Result<Option<Kept>, StoreError> {
    let it = match outcome {
        Outcome::Begin(
            BeginOutcome::Held(it) | BeginOutcome::Refused(it) | BeginOutcome::Repeated(it),
        ) => it,
        Outcome::Reversal(it) => it,
        Outcome::Advised(it) => {
            return Ok(Some(Kept::Begun(it.auth_id.map(|auth_id| auth_id.to_string()))));
        }
        Outcome::Posting(posting) => return claim.left_by(&**posting),
        Outcome::Moved(moved) => return claim.left_by(&**moved),
        _ => return Ok(None),
    };
    Ok(Some(Kept::Begun(Some(it.auth_id.to_string()))))
}
