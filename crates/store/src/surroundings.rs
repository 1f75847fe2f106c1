//! What an authorisation needs to know besides its card, in one reading.

use domain::{ApiKey, AuthId, Card, CardId, CardProfile, Enterprise, EnterpriseId, VmCard, VmFees};

use crate::engine::{Row, Tx, Value};
use crate::rows::{
    API_KEY_COLUMNS, CARD_COLUMNS, ENTERPRISE_COLUMNS, PLATFORM_KEY_COLUMNS, PROFILE_COLUMNS,
    VM_CARD_COLUMNS, VM_FEES_COLUMNS, api_key_from, card_from, enterprise_from, platform_key_from,
    prefixed, profile_from, vm_card_from, vm_fees_from,
};
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
    /// What a card of dialect 2 has beside the card.
    pub vm_card: Option<VmCard>,
    /// What the app of a card of dialect 2 is charged for.
    pub vm_fees: VmFees,
}

impl Store {
    /// The surroundings of a card, all as of one moment on the embedded store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn card_surroundings(&self, card: &Card) -> Result<CardSurroundings, StoreError> {
        let enterprise_id: Value = card.enterprise_id.into();
        let profile = [enterprise_id.clone(), card.profile_id.into()];
        let pan = [enterprise_id.clone(), card.pan_id.into()];
        let vm = [enterprise_id.clone(), card.card_id.into()];
        let is_forwarded = card.account.is_forwarded();
        let enterprise = [enterprise_id];
        self.read(move |tx| {
            let (enterprise, profile, pan) = (enterprise.clone(), profile.clone(), pan.clone());
            let vm = vm.clone();
            Box::pin(async move {
                let mut found = read(tx, &enterprise, &profile, &pan).await?;
                if !is_forwarded {
                    (found.vm_card, found.vm_fees) = charged_vm_card(tx, &vm).await?;
                }
                Ok(found)
            })
        })
        .await
    }

    /// What a card of dialect 2 has beside the card; none of another card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_card_of(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<Option<VmCard>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move { vm_card(tx, &[enterprise_id.into(), card_id.into()]).await })
        })
        .await
    }

    /// What the card of an authorisation has beside the card; none of another dialect's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_card_of_authorisation(
        &self,
        auth_id: AuthId,
    ) -> Result<Option<VmCard>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {} FROM authorisation it JOIN vm_card card \
                     ON card.enterprise_id = it.enterprise_id AND card.card_id = it.card_id \
                     WHERE it.auth_id = $1",
                    prefixed("card", VM_CARD_COLUMNS)
                );
                let row = tx.query_opt(&sql, &[auth_id.into()]).await?;
                row.as_ref().map(vm_card_from).transpose()
            })
        })
        .await
    }
}

/// On a server the statements travel together.
async fn read(
    tx: &Tx,
    enterprise: &[Value; 1],
    profile: &[Value; 2],
    pan: &[Value; 2],
) -> Result<CardSurroundings, StoreError> {
    let of_enterprise =
        format!("SELECT {ENTERPRISE_COLUMNS} FROM enterprise WHERE enterprise_id = $1");
    let of_profile = format!(
        "SELECT {PROFILE_COLUMNS} FROM card_profile WHERE enterprise_id = $1 AND profile_id = $2"
    );
    let of_pan = format!(
        "SELECT {CARD_COLUMNS} FROM card WHERE enterprise_id = $1 AND pan_id = $2 ORDER BY card_id"
    );
    let of_platform = format!(
        "SELECT {PLATFORM_KEY_COLUMNS} FROM platform_key WHERE enterprise_id = $1 \
         ORDER BY version DESC LIMIT 1"
    );
    let of_keys = format!(
        "SELECT {API_KEY_COLUMNS} FROM api_key WHERE enterprise_id = $1 \
         ORDER BY created_at, api_key"
    );
    let (enterprise, profile, cards, platform_key, api_keys) = tokio::try_join!(
        tx.query_opt(&of_enterprise, enterprise),
        tx.query_opt(&of_profile, profile),
        tx.query(&of_pan, pan),
        tx.query_opt(&of_platform, enterprise),
        tx.query(&of_keys, enterprise),
    )?;
    Ok(CardSurroundings {
        enterprise: enterprise.as_ref().map(enterprise_from).transpose()?,
        profile: profile.as_ref().map(profile_from).transpose()?,
        cards_of_pan: cards.iter().map(card_from).collect::<Result<_, _>>()?,
        platform_key: platform_key.as_ref().map(platform_key_from).transpose()?,
        api_keys: api_keys.iter().map(api_key_from).collect::<Result<_, _>>()?,
        vm_card: None,
        vm_fees: VmFees::NONE,
    })
}

/// A card of dialect 2 with its app's fees, in one statement.
async fn charged_vm_card(
    tx: &Tx,
    card: &[Value; 2],
) -> Result<(Option<VmCard>, VmFees), StoreError> {
    let sql = format!(
        "SELECT {}, {} FROM vm_card card JOIN vm_app app \
         ON app.enterprise_id = card.enterprise_id AND app.vm_app_id = card.vm_app_id \
         WHERE card.enterprise_id = $1 AND card.card_id = $2",
        prefixed("card", VM_CARD_COLUMNS),
        prefixed("app", VM_FEES_COLUMNS)
    );
    let Some(row) = tx.query_opt(&sql, card).await? else { return Ok((None, VmFees::NONE)) };
    let own = VM_CARD_COLUMNS.split(',').count();
    let fees = vm_fees_from(&Row(row.0[own..].to_vec()))?;
    Ok((Some(vm_card_from(&row)?), fees))
}

async fn vm_card(tx: &Tx, card: &[Value; 2]) -> Result<Option<VmCard>, StoreError> {
    let sql =
        format!("SELECT {VM_CARD_COLUMNS} FROM vm_card WHERE enterprise_id = $1 AND card_id = $2");
    tx.query_opt(&sql, card).await?.as_ref().map(vm_card_from).transpose()
}
