//! 3DS challenges (cardbridge-open-api.md section 6.4).

use domain::ErrorCode;
use store::ChallengeChangeError;
use wire::cardbridge::three_ds::{Authenticate, ChallengeBody};

use super::call::Call;
use super::reply::{Failure, Reply, Success};

/// `POST 3ds-challenge/v1/authenticate`.
pub(crate) async fn authenticate(call: Call<Authenticate>) -> Reply<ChallengeBody> {
    let Authenticate { challenge_id, approve_status } = call.body()?;
    let changed =
        call.state.challenges.authenticate(call.enterprise_id, &challenge_id, approve_status).await;
    Ok(Success(ChallengeBody::from(&changed?)))
}

impl From<ChallengeChangeError> for Failure {
    fn from(error: ChallengeChangeError) -> Self {
        match error {
            ChallengeChangeError::NotFound => Self::illegal("challengeId names no challenge"),
            ChallengeChangeError::Over(_) => ErrorCode::OperationNotSupport.into(),
            ChallengeChangeError::Store(error) => error.into(),
        }
    }
}
