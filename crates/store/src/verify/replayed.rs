//! Accounts against their transfers.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, EnterpriseId};
use ledger::{Account, Bucket, Transfer, TransferKind};

use super::report::{PAGE_ROWS, VerifyReport};
use crate::StoreError;
use crate::engine::Tx;
use crate::records::{select, sql};
use crate::retention::CarriedForward;

/// Replays all transfers of an enterprise from empty accounts and compares the result with the
/// stored accounts; returns these, one for each owner and currency.
pub(super) async fn verify_accounts(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    report: &mut VerifyReport,
) -> Result<Vec<Account>, StoreError> {
    let stored = accounts(tx, enterprise_id).await?;
    let mut derived: BTreeMap<AccountId, Account> = stored
        .iter()
        .map(|it| (it.account_id, Account::empty(enterprise_id, it.account_id, it.currency)))
        .collect();
    carry_forward(tx, enterprise_id, &mut derived, report).await?;
    let mut between = BTreeMap::new();
    let mut after = i64::MIN;
    loop {
        let transfers = transfers(tx, enterprise_id, after).await?;
        let Some(last) = transfers.last() else { break };
        after = last.transfer_id.as_i64();
        for transfer in &transfers {
            replay(&mut derived, transfer, report);
            count_between(&mut between, transfer);
        }
    }
    for (currency, minor) in between.into_iter().filter(|(_, minor)| *minor != 0) {
        let rule = format!("accounts in {currency} gave one another {minor} more than they took");
        report.note(format!("enterprise {enterprise_id}"), rule);
    }
    for account in &stored {
        compare(account, &derived[&account.account_id], report);
    }
    Ok(stored)
}

/// Begins each account with what its deleted transfers came to.
async fn carry_forward(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    derived: &mut BTreeMap<AccountId, Account>,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let sql = sql!("{} WHERE enterprise_id = $1", select::<CarriedForward>());
    for carried in tx.all::<CarriedForward>(sql, &[enterprise_id.into()]).await? {
        report.carried_transfers += carried.transfers.cast_unsigned();
        let Some(account) = derived.get_mut(&carried.account_id) else {
            let subject = format!("account {}", carried.account_id);
            report.note(subject, "a total is carried forward and it does not exist");
            continue;
        };
        account.funding_minor = carried.funding_minor;
        account.available_minor = carried.available_minor;
        account.held_minor = carried.held_minor;
        account.posted_minor = carried.posted_minor;
    }
    Ok(())
}

fn replay(
    derived: &mut BTreeMap<AccountId, Account>,
    transfer: &Transfer,
    report: &mut VerifyReport,
) {
    report.transfers += 1;
    let subject = format!("transfer {}", transfer.transfer_id);
    if !is_a_movement(transfer) {
        report.note(&subject, "its kind does not move money between these buckets");
    }
    match derived.get_mut(&transfer.account_id).map(|account| account.replay(transfer)) {
        None => report.note(&subject, "its account does not exist"),
        Some(Err(error)) => report.note(&subject, error.to_string()),
        Some(Ok(())) => {}
    }
}

/// Counts the amount that left an account for another, less the amount that entered one from
/// another.
fn count_between(between: &mut BTreeMap<Currency, i128>, transfer: &Transfer) {
    if transfer.kind != TransferKind::Transfer {
        return;
    }
    let minor = i128::from(transfer.amount.amount_minor());
    let signed = if transfer.to == Bucket::Funding { minor } else { -minor };
    *between.entry(transfer.amount.currency()).or_default() += signed;
}

/// True if the ledger's rules know such a movement.
const fn is_a_movement(transfer: &Transfer) -> bool {
    matches!(
        (transfer.kind, transfer.from, transfer.to),
        (TransferKind::Deposit, Bucket::Funding, Bucket::Available)
            | (TransferKind::Withdrawal, Bucket::Available, Bucket::Funding)
            | (TransferKind::Hold, Bucket::Available, Bucket::Held)
            | (TransferKind::Release | TransferKind::Expiry, Bucket::Held, Bucket::Available)
            | (TransferKind::Clearing, Bucket::Held | Bucket::Available, Bucket::Posted)
            | (TransferKind::Refund, Bucket::Posted, Bucket::Available)
            | (TransferKind::Transfer, Bucket::Available, Bucket::Funding)
            | (TransferKind::Transfer, Bucket::Funding, Bucket::Available)
            | (TransferKind::Fee, Bucket::Available, Bucket::Posted)
    )
}

fn compare(stored: &Account, derived: &Account, report: &mut VerifyReport) {
    report.accounts += 1;
    let subject = format!("account {}", stored.account_id);
    for &bucket in Bucket::ALL {
        let (is, should) = (stored.balance_minor(bucket), derived.balance_minor(bucket));
        if is != should {
            let name = bucket.as_str();
            report.note(&subject, format!("{name} is {is}, its transfers come to {should}"));
        }
    }
    if let Err(violation) = stored.check() {
        report.note(&subject, violation.rule);
    }
}

/// The accounts of one enterprise: in each currency its own, its apps' and their cards'.
async fn accounts(tx: &Tx, enterprise_id: EnterpriseId) -> Result<Vec<Account>, StoreError> {
    let sql = sql!("{} WHERE enterprise_id = $1 ORDER BY account_id", select::<Account>());
    tx.all(sql, &[enterprise_id.into()]).await
}

async fn transfers(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    after: i64,
) -> Result<Vec<Transfer>, StoreError> {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND transfer_id > $2 ORDER BY transfer_id LIMIT $3",
        select::<Transfer>()
    );
    let params = [enterprise_id.into(), after.into(), PAGE_ROWS.into()];
    tx.all(sql, &params).await
}
