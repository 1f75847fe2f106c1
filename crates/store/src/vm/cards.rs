//! Cards of dialect 2: opened with their money, and read by their id on the wire.

use std::sync::Arc;

use domain::{
    AccountOwner, Card, CardId, CardStatus, Customer, EnterpriseId, IdGenerator, Money, Timestamp,
    VelocityUse, VmAppId, VmCard, VmFlow, VmFlowId, VmFlowKind, VmFunding,
};
use ledger::Account;
use thiserror::Error;

use super::flow_rows::insert_flows;
use super::listings::{CARD_ROW_TABLES, CardRow, card_row_columns};
use crate::customers::insert_customer;
use crate::engine::{Grouped as _, Repeats, Tx, Value, with};
use crate::error::OperationError;
use crate::money::{ChargeFee, Command, Outcome, TransferFunds};
use crate::orders::insert_issued;
use crate::records::{columns_of, select, sql};
use crate::{IssuedCard, MoneyError, PanRecord, Store, StoreError, VmCardRow};

/// The remark on a fee in a list of movements: it says whose money the fee was.
const OPENING_FEE: &str = "opening fee, charged to the account";

/// A card to be opened.
#[derive(Clone)]
pub struct OpenVmCard {
    /// The card and its PAN record.
    pub issued: IssuedCard,
    /// The cardholder: a new customer, whom no reference, e-mail or phone identifies.
    pub customer: Customer,
    /// The card's data of dialect 2.
    pub vm_card: VmCard,
    /// The amount that a prepaid card is loaded with; for other cards it is not moved.
    pub load: Money,
    /// The fee charged to the app; may be zero.
    pub opening_fee: Money,
}

/// The reason why a card of dialect 2 was not opened or changed; nothing was written.
#[derive(Debug, Clone, Error)]
pub enum VmCardError {
    /// No such card of this app.
    #[error("no such card of this app")]
    NotFound,
    /// The product has no card left to open.
    #[error("the product has no cards left")]
    NoneLeft,
    /// The PAN exists already: draw another.
    #[error("the PAN exists already")]
    PanTaken,
    /// The card is not prepaid.
    #[error("the card is not prepaid")]
    NotPrepaid,
    /// The card's status does not allow it.
    #[error("a {0} card does not allow this")]
    Status(CardStatus),
    /// The money did not move.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OperationError for VmCardError {
    fn below(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) | Self::Money(MoneyError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

/// A card of dialect 2 with the data that cardDetail shows.
#[derive(Clone)]
pub struct VmCardView {
    /// The card's data of dialect 2.
    pub vm_card: VmCard,
    /// The card.
    pub card: Card,
    /// Its number, sealed.
    pub pan: PanRecord,
    /// The money available on its account, or for a credit-line card on its app's wallet, minor
    /// units.
    pub available_minor: i64,
    /// Its use of limits.
    pub used: VelocityUse,
}

impl Store {
    /// Opens a card: its product's count, its money, its fee and its records in one commit; returns
    /// its id on the wire.
    pub async fn open_vm_card(&self, request: OpenVmCard) -> Result<String, VmCardError> {
        let request = (request, Arc::clone(&self.inner.ids));
        self.write_for_certain(request, async |tx, run| {
            let (request, ids) = &*run.request;
            let is_there = run.is_in_doubt && is_opened(tx, &request.vm_card).await?;
            if !is_there {
                open(tx, ids, request).await?;
            }
            Ok(request.vm_card.card_uuid.clone())
        })
        .await
    }

    /// A card of an app by its id on the wire.
    pub async fn vm_card(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
        card_uuid: &str,
    ) -> Result<Option<VmCard>, StoreError> {
        let request = (enterprise_id, vm_app_id, card_uuid.to_owned());
        self.read(with(request, async |tx, (owner, app, uuid)| {
            find_vm_card(tx, *owner, *app, uuid).await
        }))
        .await
    }

    /// A card of an app with its number, its money and its use of limits in the current day and
    /// month at `offset_seconds` east of UTC.
    pub async fn vm_card_view(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
        card_uuid: &str,
        offset_seconds: i64,
    ) -> Result<Option<VmCardView>, StoreError> {
        let sql = sql!(
            "SELECT {}, {} FROM {CARD_ROW_TABLES} \
             LEFT JOIN pan ON pan.enterprise_id = card.enterprise_id AND pan.pan_id = card.pan_id \
             WHERE it.enterprise_id = $1 AND it.vm_app_id = $2 AND it.card_id = \
             (SELECT card_id FROM vm_card_uuid WHERE enterprise_id = $1 AND card_uuid = $3)",
            card_row_columns(),
            columns_of::<PanRecord>("pan")
        );
        let params = [enterprise_id.into(), vm_app_id.into(), card_uuid.into()];
        let found: Option<(CardRow, PanRecord)> = self.one(sql, params).await?;
        let now = self.clock().now();
        Ok(found.map(|(row, pan)| {
            let VmCardRow { vm_card, card, available_minor, used } = row.into();
            let used = used.at_offset(now, offset_seconds);
            VmCardView { vm_card, card, pan, available_minor, used }
        }))
    }

    /// A card of dialect 2 with its use of limits as in [`Store::vm_card_view`], and what is held
    /// on the account that it draws on, minor units.
    pub async fn vm_card_funds(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
        offset_seconds: i64,
    ) -> Result<Option<(VmCardRow, i64)>, StoreError> {
        let sql = sql!(
            "SELECT {}, account.held_minor FROM {CARD_ROW_TABLES} \
             WHERE it.enterprise_id = $1 AND it.card_id = $2",
            card_row_columns()
        );
        let found: Option<(CardRow, Option<i64>)> =
            self.one(sql, [enterprise_id.into(), card_id.into()]).await?;
        let now = self.clock().now();
        Ok(found.map(|(row, held_minor)| {
            let row = VmCardRow::from(row);
            let used = row.used.at_offset(now, offset_seconds);
            (VmCardRow { used, ..row }, held_minor.unwrap_or(0))
        }))
    }
}

/// A card of an app by its id on the wire.
pub(crate) async fn find_vm_card(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    vm_app_id: VmAppId,
    card_uuid: &str,
) -> Result<Option<VmCard>, StoreError> {
    let route = "SELECT card_id FROM vm_card_uuid WHERE card_uuid = $1 AND enterprise_id = $2";
    let found = tx.one(route, &[card_uuid.into(), enterprise_id.into()]).await?;
    let Some::<CardId>(card_id) = found else { return Ok(None) };
    let sql =
        sql!("{} WHERE enterprise_id = $1 AND card_id = $2 AND vm_app_id = $3", select::<VmCard>());
    let params = [enterprise_id.into(), card_id.into(), vm_app_id.into()];
    tx.one(sql, &params).await
}

/// The money available on the account that a card draws on, minor units.
async fn available_minor(tx: &Tx, card: &Card) -> Result<i64, StoreError> {
    let sql = "SELECT available_minor FROM ledger_account WHERE enterprise_id = $1 \
        AND currency = $2 AND purpose = $3 AND owner_id = $4";
    let account: [Value; 4] = [
        card.enterprise_id.into(),
        card.currency.into(),
        card.account.purpose().into(),
        card.account.owner_id().into(),
    ];
    Ok(tx.one(sql, &account).await?.unwrap_or(0))
}

/// True if an earlier run opened the card. That run locked the row of the product first.
async fn is_opened(tx: &Tx, vm_card: &VmCard) -> Result<bool, StoreError> {
    let lock = "SELECT remaining_cards FROM vm_product \
        WHERE enterprise_id = $1 AND vm_app_id = $2 AND product_code = $3 FOR UPDATE";
    let product =
        [vm_card.enterprise_id.into(), vm_card.vm_app_id.into(), (&vm_card.product_code).into()];
    tx.query_opt(lock, &product).await?;
    let sql = "SELECT card_id FROM vm_card WHERE enterprise_id = $1 AND card_id = $2";
    let card = [vm_card.enterprise_id.into(), vm_card.card_id.into()];
    tx.finds(sql, &card).await
}

async fn open(tx: &Tx, ids: &IdGenerator, request: &OpenVmCard) -> Result<(), VmCardError> {
    let (card, vm_card) = (&request.issued.card, &request.vm_card);
    let take = "UPDATE vm_product SET remaining_cards = remaining_cards - 1 \
        WHERE enterprise_id = $1 AND vm_app_id = $2 AND product_code = $3 \
        AND remaining_cards > 0";
    let product =
        [vm_card.enterprise_id.into(), vm_card.vm_app_id.into(), (&vm_card.product_code).into()];
    if tx.execute(take, &product).await? == 0 {
        return Err(VmCardError::NoneLeft);
    }
    if !insert_issued(tx, &request.issued).await? {
        return Err(VmCardError::PanTaken);
    }
    insert_customer(tx, &request.customer).await?;
    tx.insert(vm_card).await?;
    let route = [(&vm_card.card_uuid).into(), vm_card.enterprise_id.into(), vm_card.card_id.into()];
    let sql = "INSERT INTO vm_card_uuid (card_uuid, enterprise_id, card_id) VALUES ($1, $2, $3)";
    tx.execute(sql, &route).await?;
    // Last, because this locks the app's balance for everybody.
    move_money(tx, ids, &opening(request)).await?;
    let balance_minor = available_minor(tx, card).await?;
    let mut flows = Vec::new();
    if vm_card.funding == VmFunding::Prepaid {
        let load = request.load.amount_minor();
        flows.push(flow(ids, vm_card, VmFlowKind::Create, load, balance_minor, card.created_at));
    }
    if request.opening_fee.is_positive() {
        let fee = request.opening_fee.amount_minor().saturating_neg();
        let flow = flow(ids, vm_card, VmFlowKind::Fee, fee, balance_minor, card.created_at);
        flows.push(VmFlow { remark: OPENING_FEE.to_owned(), ..flow });
    }
    Ok(insert_flows(tx, &flows).await?)
}

/// The movements of money when a card is opened. A credit-line card reserves nothing (vm-api.md
/// section 16, row 21).
fn opening(request: &OpenVmCard) -> Vec<Command> {
    let (card, vm_card) = (&request.issued.card, &request.vm_card);
    let enterprise_id = vm_card.enterprise_id;
    let (from, now) = (AccountOwner::VmBalance(vm_card.vm_app_id), card.created_at);
    let mut commands = Vec::new();
    if vm_card.funding == VmFunding::Prepaid {
        let to = AccountOwner::Card(card.card_id);
        let amount = request.load;
        commands.push(Command::Transfer(TransferFunds { enterprise_id, from, to, amount, now }));
    }
    if request.opening_fee.is_positive() {
        let amount = request.opening_fee;
        commands.push(Command::Charge(ChargeFee { enterprise_id, from, amount, now }));
    }
    commands
}

/// The accounts that a command changed.
pub(crate) struct MovedMoney(Vec<Account>);

impl MovedMoney {
    /// The money that the card has available now, if its account is among those that changed.
    pub(crate) fn balance_minor(&self, card_id: CardId) -> Option<i64> {
        let own = self.0.iter().find(|it| it.owner == AccountOwner::Card(card_id));
        own.map(|account| account.available_minor)
    }
}

/// Moves money inside the caller's commit; an error must end that.
pub(crate) async fn move_money(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[Command],
) -> Result<Vec<MovedMoney>, VmCardError> {
    let commands: Vec<&Command> = commands.iter().collect();
    let mut moved = Vec::new();
    for outcome in Command::apply(tx, ids, &commands, Repeats::Sought).await? {
        moved.push(MovedMoney(match outcome? {
            Outcome::Transferred(accounts) => vec![accounts.0, accounts.1],
            Outcome::Charged(account) => vec![*account],
            _ => Vec::new(),
        }));
    }
    Ok(moved)
}

/// A movement of a card's balance.
pub(crate) fn flow(
    ids: &IdGenerator,
    vm_card: &VmCard,
    kind: VmFlowKind,
    amount_minor: i64,
    balance_minor: i64,
    created_at: Timestamp,
) -> VmFlow {
    VmFlow {
        enterprise_id: vm_card.enterprise_id,
        flow_id: VmFlowId::from_i64(ids.next()),
        card_id: vm_card.card_id,
        kind,
        amount_minor,
        balance_minor,
        remark: String::new(),
        created_at,
    }
}
