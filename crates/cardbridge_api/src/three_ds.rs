//! 3DS challenges (cardbridge-open-api.md section 6.4).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::ErrorCode;
use store::ChallengeChangeError;
use wire::cardbridge::three_ds::{Authenticate, ChallengeBody};

use super::authenticate::Signed;
use super::reply::{Failure, Reply, Success};
use crate::state::ApiState;

/// `POST 3ds-challenge/v1/authenticate`.
pub(crate) async fn authenticate(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<ChallengeBody> {
    let Authenticate { challenge_id, approve_status } = Authenticate::parse(&signed.body)?;
    let changed =
        state.challenges.authenticate(signed.enterprise_id, &challenge_id, approve_status).await;
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
