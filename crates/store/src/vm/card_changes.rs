//! An app's operations on its cards: freeze, load, take back, delete. Money and state change in one
//! commit.

use std::sync::Arc;

use domain::{
    AccountOwner, Card, CardEvent, CardStatus, EnterpriseId, IdGenerator, Money, Timestamp,
    VmAppId, VmCard, VmFlow, VmFlowId, VmFlowKind, VmFunding,
};

use super::cards::{find_vm_card, flow, move_money};
use super::flow_rows::insert_flows;
use crate::cards::write_card;
use crate::certain_writes::CertainRun;
use crate::engine::Tx;
use crate::money::{CloseCard, Command, TransferFunds};
use crate::{Store, StoreError, VmCardError};

/// An app's operation on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmCardOperation {
    /// Stop it.
    Freeze,
    /// Lift its own stop; a card without one stays as it is.
    Unfreeze,
    /// Load a prepaid card from the app's balance.
    Recharge(Money),
    /// Take money of a prepaid card back to the app's balance.
    Refund(Money),
    /// End it. All that a prepaid card has goes to the app's balance, which from then on gets or
    /// pays what the card's open holds give back or lack.
    Delete,
}

/// A request of an app for an operation on one of its cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeVmCard {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The app.
    pub vm_app_id: VmAppId,
    /// The card's id on the wire.
    pub card_uuid: String,
    /// The operation.
    pub operation: VmCardOperation,
    /// Business time.
    pub now: Timestamp,
}

impl Store {
    /// Carries out an app's operation on a card; returns the card afterwards. Money moves on
    /// ACTIVATED cards only.
    ///
    /// # Errors
    /// [`VmCardError`]; nothing was changed.
    pub async fn change_vm_card(&self, request: ChangeVmCard) -> Result<Card, VmCardError> {
        let flow_id = VmFlowId::from_i64(self.ids().next());
        let request = (request, flow_id, Arc::clone(&self.inner.ids));
        self.write_for_certain(request, change).await
    }
}

/// The request, and the id of the movement that a recharge or refund leaves: the same in every run.
type Change = (ChangeVmCard, VmFlowId, Arc<IdGenerator>);

async fn change(tx: &Tx, run: &CertainRun<Change>) -> Result<Card, VmCardError> {
    let (request, flow_id, ids) = &*run.request;
    let flow_id = *flow_id;
    let found =
        find_vm_card(tx, request.enterprise_id, request.vm_app_id, &request.card_uuid).await?;
    let vm_card = found.ok_or(VmCardError::NotFound)?;
    let moves_money =
        matches!(request.operation, VmCardOperation::Recharge(_) | VmCardOperation::Refund(_));
    if moves_money && vm_card.funding != VmFunding::Prepaid {
        return Err(VmCardError::NotPrepaid);
    }
    // Every change locks the card before the accounts: of two at once the second sees the first.
    let card = tx.by_key_locked::<Card>((vm_card.enterprise_id, vm_card.card_id)).await?;
    let card = card.ok_or(VmCardError::NotFound)?;
    if run.is_in_doubt && is_changed(tx, &card, request.operation, flow_id).await? {
        return Ok(card);
    }
    match request.operation {
        VmCardOperation::Freeze => end_in(tx, card, CardEvent::Freeze, request.now).await,
        VmCardOperation::Unfreeze if card.status == CardStatus::Activated => Ok(card),
        VmCardOperation::Unfreeze => end_in(tx, card, CardEvent::Unfreeze, request.now).await,
        VmCardOperation::Recharge(amount) => {
            let (from, to) = accounts(&vm_card);
            let transfer = (from, to, VmFlowKind::Recharge, amount);
            transfer_money(tx, ids, &vm_card, &card, transfer, (flow_id, request.now)).await?;
            Ok(card)
        }
        VmCardOperation::Refund(amount) => {
            let (to, from) = accounts(&vm_card);
            let transfer = (from, to, VmFlowKind::Refund, amount);
            transfer_money(tx, ids, &vm_card, &card, transfer, (flow_id, request.now)).await?;
            Ok(card)
        }
        VmCardOperation::Delete => {
            require_active(&card)?;
            if vm_card.funding == VmFunding::Prepaid {
                let close = CloseCard {
                    enterprise_id: card.enterprise_id,
                    card_id: card.card_id,
                    currency: card.currency,
                    into: vm_card.vm_app_id,
                };
                move_money(tx, ids, &[Command::Close(close)]).await?;
            }
            end_in(tx, card, CardEvent::Terminate, request.now).await
        }
    }
}

/// True if an earlier run made the change, by the card under its lock: a movement of money left its
/// row, and a state that the card already has need not be set twice.
async fn is_changed(
    tx: &Tx,
    card: &Card,
    operation: VmCardOperation,
    flow_id: VmFlowId,
) -> Result<bool, StoreError> {
    match operation {
        VmCardOperation::Freeze => Ok(card.status == CardStatus::Frozen),
        VmCardOperation::Unfreeze => Ok(card.status == CardStatus::Activated),
        VmCardOperation::Delete => Ok(card.status == CardStatus::Invalid),
        VmCardOperation::Recharge(_) | VmCardOperation::Refund(_) => {
            let sql = "SELECT kind FROM vm_flow WHERE enterprise_id = $1 AND flow_id = $2";
            let params = [card.enterprise_id.into(), flow_id.into()];
            Ok(tx.finds(sql, &params).await?)
        }
    }
}

async fn end_in(
    tx: &Tx,
    mut card: Card,
    event: CardEvent,
    now: Timestamp,
) -> Result<Card, VmCardError> {
    let next = card.status.transition(event).map_err(|error| VmCardError::Status(error.from))?;
    (card.status, card.status_reason) = next;
    card.modified_at = now;
    write_card(tx, &card).await?;
    Ok(card)
}

const fn require_active(card: &Card) -> Result<(), VmCardError> {
    match card.status {
        CardStatus::Activated => Ok(()),
        other => Err(VmCardError::Status(other)),
    }
}

/// The app's balance and the card's own account.
const fn accounts(vm_card: &VmCard) -> (AccountOwner, AccountOwner) {
    (AccountOwner::VmBalance(vm_card.vm_app_id), AccountOwner::Card(vm_card.card_id))
}

async fn transfer_money(
    tx: &Tx,
    ids: &IdGenerator,
    vm_card: &VmCard,
    card: &Card,
    (from, to, kind, amount): (AccountOwner, AccountOwner, VmFlowKind, Money),
    (flow_id, now): (VmFlowId, Timestamp),
) -> Result<(), VmCardError> {
    require_active(card)?;
    let enterprise_id = card.enterprise_id;
    let transfer = TransferFunds { enterprise_id, from, to, amount, now };
    let moved = move_money(tx, ids, &[Command::Transfer(transfer)]).await?;
    let balance_minor = moved.iter().find_map(|it| it.balance_minor(card.card_id)).unwrap_or(0);
    let minor = amount.amount_minor();
    let signed = if kind == VmFlowKind::Refund { minor.saturating_neg() } else { minor };
    // As of the commit, like the rows of authorisations: they are listed by their times.
    let flow = flow(ids, vm_card, kind, signed, balance_minor, ids.clock().now());
    Ok(insert_flows(tx, &[VmFlow { flow_id, ..flow }]).await?)
}
