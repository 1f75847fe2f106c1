//! The simulated purchase (cardbridge-open-api.md section 6.9).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{AuthType, ErrorCode, Merchant, Mode, TransactionType};
use scheme::{CardReference, Purchase};
use wire::cardbridge::simulation::{FundAuth, FundAuthBody};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `POST simulation/v1/fund-auth`. A declined purchase is a success of the call.
pub(crate) async fn fund_auth(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<FundAuthBody> {
    if state.settings.mode == Mode::Production {
        return Err(ErrorCode::OperationNotSupport.into());
    }
    let request = FundAuth::parse(&signed.body)?;
    let card = state.cards.card(signed.enterprise_id, &request.card_id).await?;
    let purchase = Purchase {
        pin: None,
        card: CardReference::Id(card.card_id),
        amount_text: request.amount.to_major(),
        currency: request.amount.currency(),
        transaction_type: TransactionType::Purchase,
        auth_type: AuthType::Normal,
        merchant: Merchant::default(),
        original_auth_id: None,
        stan: None,
        rrn: None,
    };
    let answer = state.network.purchase(purchase).await?;
    Ok(Success(FundAuthBody::from(&answer.authorisation)))
}
