//! Card data and PINs (cardbridge-open-api.md sections 6.2.5 and 6.2.7).

use crypto::field_cipher::IV_BYTES;
use domain::{Enterprise, ErrorCode, RevealPurpose};
use wire::cardbridge::card::CardIdBody;
use wire::cardbridge::secure_card::{ResetPin, ResetPinBody, SecureCardBody};

use super::call::Call;
use super::reply::{Failure, Reply, Success, UncachedSuccess};

/// `POST card/v1/retrieve-secure-card`, for enterprises with PCI papers only.
pub(crate) async fn retrieve(
    call: Call<CardIdBody>,
) -> Result<UncachedSuccess<SecureCardBody>, Failure> {
    let CardIdBody { card_id } = call.body()?;
    let enterprise = call.state.store.find::<Enterprise>(call.enterprise_id).await?;
    if !enterprise.is_some_and(|enterprise| enterprise.pci) {
        return Err(ErrorCode::PermissionDenied.into());
    }
    let purpose = RevealPurpose::RetrieveSecureCard;
    let card = call
        .state
        .cards
        .reveal(call.enterprise_id, &card_id, purpose, &call.signed.api_key)
        .await?;
    let mut iv = [0; IV_BYTES];
    call.state.random.fill(&mut iv);
    let fields = [card.pan.expose(), &card.expiry_yymm, card.cvv2.expose()];
    let body =
        SecureCardBody::seal(card.card_id.to_string(), fields, call.signed.secret.expose(), iv);
    body.map(UncachedSuccess).map_err(|error| {
        tracing::error!(%error, card_id = %card.card_id, "card data cannot be encrypted");
        Failure::internal()
    })
}

/// `POST card/v1/reset-pin`.
pub(crate) async fn reset_pin(call: Call<ResetPinBody>) -> Reply<bool> {
    let request = ResetPin::deciphered(call.body()?, call.signed.secret.expose());
    call.state.cards.reset_pin(call.enterprise_id, request).await?;
    Ok(Success(true))
}
