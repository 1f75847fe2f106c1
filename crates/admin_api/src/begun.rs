//! Calls that send a message of a network, once.

use authorise::AuthorisationAnswer;
use scheme::SchemeError;

use crate::call::Call;
use crate::problem::Problem;

/// The answer to a message. If an earlier run of the same call sent it, this is the outcome of
/// that message, and nothing is sent again.
pub(crate) async fn answer_of(
    call: &Call,
    message: impl Future<Output = Result<AuthorisationAnswer, SchemeError>>,
) -> Result<AuthorisationAnswer, Problem> {
    let Some(begun) = call.once.begun() else { return Ok(call.once.beginning(message).await?) };
    let auth_id = begun.parse().map_err(|_| Problem::internal())?;
    Ok(call.state.network.outcome(auth_id).await?)
}
