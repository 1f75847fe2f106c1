//! Authorisations against their transfers and postings, held balances against open holds.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountOwner, AuthId, Authorisation, Currency, Direction, EnterpriseId, HoldState};
use ledger::Account;

use super::report::{PAGE_ROWS, VerifyReport};
use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::records::{select, sql};

/// The total of the entries of one authorisation, minor units.
#[derive(Default)]
struct Entries {
    /// Transfers into the held bucket less those out of it.
    held_minor: i64,
    /// Transfers into the posted bucket less those out of it.
    spent_minor: i64,
    /// Postings; those towards the cardholder count as negative.
    posted_minor: i64,
}

/// Compares each authorisation of an enterprise with its entries, and each held balance
/// with the holds that are open.
pub(super) async fn verify_holds(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    accounts: &[Account],
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let mut open_minor: BTreeMap<(Currency, AccountOwner), i128> = BTreeMap::new();
    let mut after = i64::MIN;
    loop {
        let authorisations = page(tx, enterprise_id, after).await?;
        let last = authorisations.last().map(|it| it.auth_id.as_i64());
        // Entries after the last authorisation belong to no authorisation.
        let range = [enterprise_id.into(), after.into(), last.unwrap_or(i64::MAX).into()];
        let mut entries = entries(tx, &range).await?;
        for it in &authorisations {
            compare(it, &entries.remove(&it.auth_id).unwrap_or_default(), report);
            if it.hold_state == HoldState::Pending {
                *open_minor.entry((it.amount.currency(), it.account)).or_default() +=
                    i128::from(it.hold_remaining_minor);
            }
        }
        for auth_id in entries.keys() {
            report.note(format!("authorisation {auth_id}"), "it has entries but does not exist");
        }
        let Some(last) = last else { break };
        after = last;
    }
    compare_held(accounts, &open_minor, report);
    Ok(())
}

fn compare(it: &Authorisation, entries: &Entries, report: &mut VerifyReport) {
    let subject = format!("authorisation {}", it.auth_id);
    if entries.held_minor != it.hold_remaining_minor {
        let (is, should) = (it.hold_remaining_minor, entries.held_minor);
        report.note(&subject, format!("its hold has {is} left, its transfers come to {should}"));
    }
    if it.hold_state != HoldState::Pending && it.hold_remaining_minor != 0 {
        report.note(&subject, "its hold is closed and has something left");
    }
    if entries.spent_minor != entries.posted_minor {
        let (is, should) = (entries.posted_minor, entries.spent_minor);
        report.note(&subject, format!("its postings come to {is}, its transfers to {should}"));
    }
    if it.direction == Direction::Outgoing && it.posted_minor != entries.posted_minor {
        let (is, should) = (it.posted_minor, entries.posted_minor);
        report.note(&subject, format!("it says {is} is posted, its postings come to {should}"));
    }
}

fn compare_held(
    accounts: &[Account],
    open_minor: &BTreeMap<(Currency, AccountOwner), i128>,
    report: &mut VerifyReport,
) {
    for account in accounts {
        let open = open_minor.get(&(account.currency, account.owner)).copied().unwrap_or(0);
        if i128::from(account.held_minor) != open {
            let rule = format!("HELD is {}, its open holds come to {open}", account.held_minor);
            report.note(format!("account {}", account.account_id), rule);
        }
    }
    let known: BTreeSet<_> =
        accounts.iter().map(|account| (account.currency, account.owner)).collect();
    for (currency, owner) in open_minor.keys().filter(|key| !known.contains(key)) {
        report
            .note(format!("currency {currency} of {owner:?}"), "it has open holds but no account");
    }
}

async fn page(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    after: i64,
) -> Result<Vec<Authorisation>, StoreError> {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND auth_id > $2 ORDER BY auth_id LIMIT $3",
        select::<Authorisation>()
    );
    let params = [enterprise_id.into(), after.into(), PAGE_ROWS.into()];
    tx.all(sql, &params).await
}

/// The entries of all authorisations of an enterprise in a range of ids: after the first,
/// up to the second.
async fn entries(tx: &Tx, range: &[Value; 3]) -> Result<BTreeMap<AuthId, Entries>, StoreError> {
    let transfers = "SELECT auth_id, \
        CAST(SUM(CASE WHEN to_bucket = 'HELD' THEN amount_minor \
            WHEN from_bucket = 'HELD' THEN -amount_minor ELSE 0 END) AS BIGINT), \
        CAST(SUM(CASE WHEN to_bucket = 'POSTED' THEN amount_minor \
            WHEN from_bucket = 'POSTED' THEN -amount_minor ELSE 0 END) AS BIGINT) \
        FROM ledger_transfer WHERE enterprise_id = $1 AND auth_id > $2 AND auth_id <= $3 \
        AND kind <> 'FEE' GROUP BY auth_id";
    let postings = "SELECT auth_id, CAST(SUM(CASE WHEN direction = 'OUTGOING' \
        THEN amount_minor ELSE -amount_minor END) AS BIGINT) \
        FROM posting WHERE enterprise_id = $1 AND auth_id > $2 AND auth_id <= $3 GROUP BY auth_id";
    let mut entries: BTreeMap<AuthId, Entries> = BTreeMap::new();
    for (auth_id, held_minor, spent_minor) in tx.all(transfers, range).await? {
        let one: &mut Entries = entries.entry(auth_id).or_default();
        (one.held_minor, one.spent_minor) = (held_minor, spent_minor);
    }
    for (auth_id, posted_minor) in tx.all(postings, range).await? {
        entries.entry(auth_id).or_default().posted_minor = posted_minor;
    }
    Ok(entries)
}
