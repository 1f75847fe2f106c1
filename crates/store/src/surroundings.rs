//! The data that an authorisation needs besides its card, in one reading.

use domain::{ApiKey, AuthId, Card, CardProfile, Enterprise, VmCard, VmFees};

use crate::engine::{Tx, with};
use crate::records::{columns_of, select, sql};
use crate::{PlatformKey, Store, StoreError};

/// The surroundings of a card.
#[derive(Clone)]
pub struct CardSurroundings {
    /// Its owner.
    pub enterprise: Option<Enterprise>,
    /// Its profile.
    pub profile: Option<CardProfile>,
    /// Every record of its PAN, oldest first.
    pub cards_of_pan: Vec<Card>,
    /// The newest version of the platform's key pair for its owner.
    pub platform_key: Option<PlatformKey>,
    /// All API keys of its owner, oldest first.
    pub api_keys: Vec<ApiKey>,
    /// The card's data of dialect 2; None for a card of another dialect.
    pub vm_card: Option<VmCard>,
    /// The fees of the app of a card of dialect 2.
    pub vm_fees: VmFees,
}

impl Store {
    /// The surroundings of a card, all as of one moment on the embedded store.
    pub async fn card_surroundings(&self, card: &Card) -> Result<CardSurroundings, StoreError> {
        self.read(with(card.clone(), async |tx, card| {
            let mut found = read(tx, card).await?;
            if !card.account.is_forwarded() {
                (found.vm_card, found.vm_fees) = charged_vm_card(tx, card).await?;
            }
            Ok(found)
        }))
        .await
    }

    /// The dialect 2 data of an authorisation's card; None for a card of another dialect.
    pub async fn vm_card_of_authorisation(
        &self,
        auth_id: AuthId,
    ) -> Result<Option<VmCard>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM authorisation it JOIN vm_card card \
             ON card.enterprise_id = it.enterprise_id AND card.card_id = it.card_id \
             WHERE it.auth_id = $1",
            columns_of::<VmCard>("card")
        );
        self.one(sql, [auth_id.into()]).await
    }
}

/// On a server the statements travel together.
async fn read(tx: &Tx, card: &Card) -> Result<CardSurroundings, StoreError> {
    let enterprise_id = [card.enterprise_id.into()];
    let pan = [card.enterprise_id.into(), card.pan_id.into()];
    let of_pan =
        sql!("{} WHERE enterprise_id = $1 AND pan_id = $2 ORDER BY card_id", select::<Card>());
    let of_platform =
        sql!("{} WHERE enterprise_id = $1 ORDER BY version DESC LIMIT 1", select::<PlatformKey>());
    let of_keys =
        sql!("{} WHERE enterprise_id = $1 ORDER BY created_at, api_key", select::<ApiKey>());
    let (enterprise, profile, cards_of_pan, platform_key, api_keys) = tokio::try_join!(
        tx.by_key(card.enterprise_id),
        tx.by_key((card.enterprise_id, card.profile_id)),
        tx.all(of_pan, &pan),
        tx.one(of_platform, &enterprise_id),
        tx.all(of_keys, &enterprise_id),
    )?;
    Ok(CardSurroundings {
        enterprise,
        profile,
        cards_of_pan,
        platform_key,
        api_keys,
        vm_card: None,
        vm_fees: VmFees::NONE,
    })
}

/// A card of dialect 2 with its app's fees, in one statement.
async fn charged_vm_card(tx: &Tx, card: &Card) -> Result<(Option<VmCard>, VmFees), StoreError> {
    let sql = sql!(
        "SELECT {}, {} FROM vm_card card JOIN vm_app app \
         ON app.enterprise_id = card.enterprise_id AND app.vm_app_id = card.vm_app_id \
         WHERE card.enterprise_id = $1 AND card.card_id = $2",
        columns_of::<VmCard>("card"),
        columns_of::<VmFees>("app")
    );
    let found = tx.one(sql, &[card.enterprise_id.into(), card.card_id.into()]).await?;
    Ok(found.map_or((None, VmFees::NONE), |(vm_card, fees)| (Some(vm_card), fees)))
}
