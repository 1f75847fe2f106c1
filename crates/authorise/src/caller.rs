//! The caller that waits for an answer.

use tokio::sync::oneshot;

use crate::request::{AuthorisationAnswer, AuthoriseError};

/// The way to the caller, who may have gone away.
pub(crate) type Reply = oneshot::Sender<Result<AuthorisationAnswer, AuthoriseError>>;

/// Sends the answer; logs an error, at error level if it is a fault of ours.
pub(crate) fn answer(reply: Reply, result: Result<AuthorisationAnswer, AuthoriseError>) {
    match &result {
        Err(error) if error.is_fault() => {
            tracing::error!(%error, "an authorisation has no answer");
        }
        Err(error) => tracing::debug!(%error, "a message was refused"),
        Ok(_) => {}
    }
    // The caller may have gone away; the decision stands anyway.
    let _ = reply.send(result);
}
