//! The simulated purchase (cardbridge-open-api.md section 6.9).

use domain::{AuthType, ErrorCode, Merchant, Mode, TransactionType};
use scheme::{CardReference, MessageClass, Purchase};
use wire::cardbridge::simulation::{FundAuth, FundAuthBody};

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST simulation/v1/fund-auth`. A declined purchase is a success of the call.
pub(crate) async fn fund_auth(call: Call<FundAuth>) -> Reply<FundAuthBody> {
    if call.state.settings.mode == Mode::Production {
        return Err(ErrorCode::OperationNotSupport.into());
    }
    let request = call.body()?;
    let card = call.state.cards.card(call.enterprise_id, &request.card_id).await?;
    let purchase = Purchase {
        class: MessageClass::Request,
        pin: None,
        card: CardReference::Id(card.card_id),
        amount_text: request.amount.to_major(),
        currency: request.amount.currency(),
        transaction_type: TransactionType::Purchase,
        auth_type: AuthType::Normal,
        merchant: Merchant::default(),
        entry_mode: None,
        cash_back: None,
        original_auth_id: None,
        stan: None,
        rrn: None,
    };
    let answer = call.state.network.purchase(purchase).await?;
    Ok(Success(FundAuthBody::from(&answer.authorisation)))
}
