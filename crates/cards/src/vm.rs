//! The cards of dialect 2: opened, revealed to their app, changed (vm-api.md section 6).

use domain::{
    AccountOwner, Card, CardId, CardProfile, CardStatus, Customer, CustomerId, Money, Reveal,
    RevealId, RevealPurpose, VmApp, VmCard, VmFunding, VmLimits, VmProduct,
};
use ledger::LedgerError;
use store::{
    ChangeVmCard, MoneyError, OpenVmCard, StoreError, VmCardError, VmCardOperation, VmCardView,
    VmFlowPage, VmLimitChange,
};
use thiserror::Error;
use vault::{ClearPan, Cvv2, VaultError, expiry_yymm};
use wire::vm::VmError;
use wire::vm::amount::CURRENCY;
use wire::vm::card::{CreateCard, FreezeRequest, Holder, LimitChange};
use wire::vm::parameters::PageRequest;
use wire::vm::time::Offset;
use zeroize::Zeroizing;

use crate::Cards;
use crate::issue::draw_card_of;
use crate::worker::MAX_PAN_DRAWS;

/// The purpose under which the vault seals the holder's data of a card.
const HOLDER_PURPOSE: &str = "vm-card-holder";

/// Why a request about a card of dialect 2 was not carried out; nothing was changed.
#[derive(Debug, Clone, Error)]
pub enum VmRefusal {
    /// Refused, in the dialect's own terms.
    #[error(transparent)]
    Refused(#[from] VmError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger refused what its rules should allow.
    #[error(transparent)]
    Money(MoneyError),
    /// Something sealed cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The data sealed with a card is malformed.
    #[error("what is kept cannot be read")]
    Unreadable,
}

/// A card of dialect 2 with its data in clear. It cannot be printed or serialised, and is wiped
/// when it goes out of scope.
pub struct OpenedVmCard {
    /// The card as stored.
    pub view: VmCardView,
    /// Its number.
    pub pan: ClearPan,
    /// Expiry, YYMM.
    pub expiry_yymm: String,
    /// Its CVV2.
    pub cvv2: Cvv2,
    /// Its holder.
    pub holder: Holder,
}

impl Cards {
    /// Opens a card; returns its id on the wire. Checked in this order: whether applications are
    /// accepted, the product, its count, the app's balance.
    ///
    /// # Errors
    /// [`VmRefusal`]; nothing was moved or written.
    pub async fn open_vm_card(
        &self,
        app: &VmApp,
        request: &CreateCard,
    ) -> Result<String, VmRefusal> {
        if !self.settings.takes_applications() {
            return Err(VmError::ApplicationsRefused.into());
        }
        let products = self.store.vm_products(app.enterprise_id, app.vm_app_id).await?;
        let product = products.into_iter().find(|it| it.product_code == request.product_code);
        let Some(product) = product else {
            let is_anothers =
                self.store.has_vm_product(app.enterprise_id, &request.product_code).await?;
            return Err(if is_anothers { VmError::CardBin } else { VmError::ProductCode }.into());
        };
        let profile =
            self.store.find::<CardProfile>((app.enterprise_id, product.profile_id)).await?;
        let profile = profile.filter(|it| it.currency == CURRENCY).ok_or(VmError::CardBin)?;
        for _ in 0..MAX_PAN_DRAWS {
            let card = self.draw_vm_card(app, &product, &profile, request);
            match self.store.open_vm_card(card).await {
                Ok(opened) => return Ok(opened),
                Err(VmCardError::PanTaken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        tracing::error!(
            profile_id = %profile.profile_id, "no free PAN found in the profile's range"
        );
        Err(VmError::CardBin.into())
    }

    fn draw_vm_card(
        &self,
        app: &VmApp,
        product: &VmProduct,
        profile: &CardProfile,
        request: &CreateCard,
    ) -> OpenVmCard {
        let now = self.store.clock().now();
        let enterprise_id = app.enterprise_id;
        let card_id = CardId::from_i64(self.store.ids().next());
        let customer_id = CustomerId::from_i64(self.store.ids().next());
        let (account, total_minor) = match product.funding {
            VmFunding::Prepaid => (AccountOwner::Card(card_id), 0),
            VmFunding::CreditLine => {
                (AccountOwner::VmWallet(app.vm_app_id), request.amount.amount_minor())
            }
        };
        let (bearer, card) = ((enterprise_id, customer_id), (card_id, account));
        let issued = draw_card_of(&self.vault, &self.store, bearer, card, profile, now);
        let holder = serde_json::to_vec(&request.holder).expect("a struct of texts is JSON");
        let holder = Zeroizing::new(holder);
        let record = card_id.to_string();
        OpenVmCard {
            issued,
            customer: Customer {
                enterprise_id,
                customer_id,
                customer_ref: None,
                email: None,
                phone: None,
                phone_country_code: None,
                created_at: now,
                modified_at: now,
            },
            vm_card: VmCard {
                enterprise_id,
                card_id,
                vm_app_id: app.vm_app_id,
                card_uuid: self.vault.new_uuid(),
                product_code: product.product_code.clone(),
                funding: product.funding,
                label: request.label.clone(),
                sealed_holder: self.vault.seal_secret(
                    enterprise_id,
                    HOLDER_PURPOSE,
                    &record,
                    &holder,
                ),
                limits: VmLimits {
                    single_minor: request.limits.single_minor,
                    day_minor: request.limits.day_minor,
                    month_minor: request.limits.month_minor,
                    total_minor,
                },
                created_at: now,
            },
            load: request.amount,
            opening_fee: Money::new(app.fees.opening_minor, CURRENCY),
        }
    }

    /// A card with its data in clear, deleted or not; the days and months of its limits begin at
    /// midnight of `offset`. An audit row naming the app is committed first.
    ///
    /// # Errors
    /// Not a card of this app, or the store failed; nothing was opened then.
    pub async fn reveal_vm_card(
        &self,
        app: &VmApp,
        card_uuid: &str,
        offset: Offset,
    ) -> Result<OpenedVmCard, VmRefusal> {
        let (owner, offset_seconds) = (app.enterprise_id, offset.seconds());
        let view = self.store.vm_card_view(owner, app.vm_app_id, card_uuid, offset_seconds).await?;
        let view = view.ok_or(VmError::CardId)?;
        let enterprise_id = app.enterprise_id;
        let reveal = Reveal {
            enterprise_id,
            reveal_id: RevealId::from_i64(self.store.ids().next()),
            card_id: view.card.card_id,
            purpose: RevealPurpose::VmCardDetail,
            actor: app.app_id.clone(),
            revealed_at: self.store.clock().now(),
        };
        self.store.record_reveal(reveal).await?;
        let record = view.card.card_id.to_string();
        let sealed = &view.vm_card.sealed_holder;
        let holder = self.vault.open_secret(enterprise_id, HOLDER_PURPOSE, &record, sealed)?;
        let holder = serde_json::from_slice(&holder).map_err(|_| VmRefusal::Unreadable)?;
        let pan = self.vault.open_pan(enterprise_id, view.card.pan_id, &view.pan.sealed_pan)?;
        let expiry_yymm = expiry_yymm(view.card.valid_until);
        let cvv2 = self.vault.cvv2(enterprise_id, &pan, &expiry_yymm)?;
        Ok(OpenedVmCard { view, pan, expiry_yymm, cvv2, holder })
    }

    /// Freezes a card or lifts its app's freeze.
    ///
    /// # Errors
    /// Not a card of this app; already frozen; ended, or blocked by the issuer.
    pub async fn freeze_vm_card(
        &self,
        app: &VmApp,
        card_uuid: String,
        operation: FreezeRequest,
    ) -> Result<Card, VmRefusal> {
        let (operation, is_freeze) = match operation {
            FreezeRequest::Freeze => (VmCardOperation::Freeze, true),
            FreezeRequest::Unfreeze => (VmCardOperation::Unfreeze, false),
        };
        match self.change_vm_card(app, card_uuid, operation).await {
            // Both are shown as CANCELLED.
            Err(VmCardError::Status(CardStatus::Frozen | CardStatus::Blocked)) if is_freeze => {
                Err(VmError::CardCanceled.into())
            }
            changed => Ok(changed?),
        }
    }

    /// Loads a prepaid card from its app's balance.
    ///
    /// # Errors
    /// Not a card of this app, not prepaid, not active, or the balance has less.
    pub async fn recharge_vm_card(
        &self,
        app: &VmApp,
        card_uuid: String,
        amount: Money,
    ) -> Result<Card, VmRefusal> {
        Ok(self.change_vm_card(app, card_uuid, VmCardOperation::Recharge(amount)).await?)
    }

    /// Moves money of a prepaid card back to its app's balance.
    ///
    /// # Errors
    /// Not a card of this app, not prepaid, not active, or the card has less.
    pub async fn refund_vm_card(
        &self,
        app: &VmApp,
        card_uuid: String,
        amount: Money,
    ) -> Result<Card, VmRefusal> {
        Ok(self.change_vm_card(app, card_uuid, VmCardOperation::Refund(amount)).await?)
    }

    /// Deletes a card; its money goes back to its app's balance.
    ///
    /// # Errors
    /// Not a card of this app, or not active.
    pub async fn delete_vm_card(&self, app: &VmApp, card_uuid: String) -> Result<Card, VmRefusal> {
        match self.change_vm_card(app, card_uuid, VmCardOperation::Delete).await {
            Err(VmCardError::Status(_)) => Err(VmError::AbnormalCardStatus.into()),
            changed => changed.map_err(VmRefusal::from),
        }
    }

    /// Changes the limits of a credit-line card.
    ///
    /// # Errors
    /// Not a card of this app, prepaid, or ended.
    pub async fn change_vm_limits(
        &self,
        app: &VmApp,
        card_uuid: String,
        change: LimitChange,
    ) -> Result<(), VmRefusal> {
        let change = VmLimitChange {
            single_minor: change.single_minor,
            day_minor: change.day_minor,
            month_minor: change.month_minor,
            total_minor: change.total_minor,
        };
        let (owner, vm_app_id) = (app.enterprise_id, app.vm_app_id);
        Ok(self.store.change_vm_limits(owner, vm_app_id, card_uuid, change).await?)
    }

    /// The movements of the balances of an app's cards, or of one of them.
    ///
    /// # Errors
    /// Not a card of this app, or the store failed.
    pub async fn vm_flows(
        &self,
        app: &VmApp,
        card_uuid: Option<&str>,
        page: PageRequest,
    ) -> Result<VmFlowPage, VmRefusal> {
        let (enterprise_id, vm_app_id) = (app.enterprise_id, app.vm_app_id);
        let card_id = match card_uuid {
            None => None,
            Some(card_uuid) => {
                let card = self.store.vm_card(enterprise_id, vm_app_id, card_uuid).await?;
                Some(card.ok_or(VmError::CardId)?.card_id)
            }
        };
        let PageRequest { skipped_rows, rows } = page;
        Ok(self.store.vm_flows(enterprise_id, vm_app_id, card_id, skipped_rows, rows).await?)
    }

    async fn change_vm_card(
        &self,
        app: &VmApp,
        card_uuid: String,
        operation: VmCardOperation,
    ) -> Result<Card, VmCardError> {
        let now = self.store.clock().now();
        let (enterprise_id, vm_app_id) = (app.enterprise_id, app.vm_app_id);
        let request = ChangeVmCard { enterprise_id, vm_app_id, card_uuid, operation, now };
        self.store.change_vm_card(request).await
    }
}

impl From<VmCardError> for VmRefusal {
    fn from(error: VmCardError) -> Self {
        let refused = match error {
            VmCardError::NotFound => VmError::CardId,
            VmCardError::NoneLeft => VmError::OpenCardLimit,
            VmCardError::PanTaken => VmError::CardBin,
            VmCardError::NotPrepaid | VmCardError::Status(_) => VmError::CardStatus,
            VmCardError::Money(MoneyError::Ledger(LedgerError::InsufficientFunds)) => {
                VmError::Balance
            }
            VmCardError::Money(MoneyError::Store(error)) | VmCardError::Store(error) => {
                return Self::Store(error);
            }
            VmCardError::Money(error) => return Self::Money(error),
        };
        Self::Refused(refused)
    }
}
