//! Card data and PINs (cardbridge-open-api.md sections 6.2.5 and 6.2.7).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use crypto::field_cipher::IV_BYTES;
use domain::{Enterprise, ErrorCode, RevealPurpose};
use wire::cardbridge::card::CardIdBody;
use wire::cardbridge::secure_card::{ResetPin, SecureCardBody};

use super::authenticate::Signed;
use super::reply::{Failure, Reply, Success, UncachedSuccess};
use crate::state::ApiState;

/// `POST card/v1/retrieve-secure-card`, for enterprises with PCI papers only.
pub(crate) async fn retrieve(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Result<UncachedSuccess<SecureCardBody>, Failure> {
    let CardIdBody { card_id } = CardIdBody::parse(&signed.body)?;
    let enterprise = state.store.find::<Enterprise>(signed.enterprise_id).await?;
    if !enterprise.is_some_and(|enterprise| enterprise.pci) {
        return Err(ErrorCode::PermissionDenied.into());
    }
    let purpose = RevealPurpose::RetrieveSecureCard;
    let card = state.cards.reveal(signed.enterprise_id, &card_id, purpose, &signed.api_key).await?;
    let mut iv = [0; IV_BYTES];
    state.random.fill(&mut iv);
    let fields = [card.pan.expose(), &card.expiry_yymm, card.cvv2.expose()];
    let body = SecureCardBody::seal(card.card_id.to_string(), fields, signed.secret.expose(), iv);
    body.map(UncachedSuccess).map_err(|error| {
        tracing::error!(%error, card_id = %card.card_id, "card data cannot be encrypted");
        Failure::internal()
    })
}

/// `POST card/v1/reset-pin`.
pub(crate) async fn reset_pin(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<bool> {
    let request = ResetPin::parse(&signed.body, signed.secret.expose())?;
    state.cards.reset_pin(signed.enterprise_id, request).await?;
    Ok(Success(true))
}
