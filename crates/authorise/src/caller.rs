//! Who waits for an answer.

use tokio::sync::oneshot;

use crate::request::{AuthorisationAnswer, AuthoriseError};

/// Where the answer is wanted; the caller may have gone away.
pub(crate) type Reply = oneshot::Sender<Result<AuthorisationAnswer, AuthoriseError>>;

/// Gives the answer, and tells the log what it is not.
pub(crate) fn answer(reply: Reply, result: Result<AuthorisationAnswer, AuthoriseError>) {
    match &result {
        Err(error) if error.is_fault() => {
            tracing::error!(%error, "an authorisation has no answer");
        }
        Err(error) => tracing::debug!(%error, "a message was refused"),
        Ok(_) => {}
    }
    // The caller may have gone away; the decision stands all the same.
    let _ = reply.send(result);
}
