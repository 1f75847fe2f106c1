//! The accounts that a command names, as far as they are known without locking anything.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{AuthId, Direction};

use super::command::{Advise, BeginAuthorisation, Command, DecideAuthorisation};
use super::terms::{AccountKey, account_key};
use crate::StoreError;
use crate::engine::{Statement, Tx};

/// The time for which a purchase waits for a row that another session holds: the default deadline
/// of enterprises. The caller has no use for a later hold.
const PURCHASE_PATIENCE: Duration = Duration::from_secs(2);
/// The time for which any other command waits.
const PATIENCE: Duration = Duration::from_secs(10);

impl Command {
    /// The time for which it waits for a row that another session holds.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            Self::Begin(_) => PURCHASE_PATIENCE,
            _ => PATIENCE,
        }
    }

    /// The accounts that it names itself, and the authorisation by which it names more.
    pub(super) fn names(&self) -> (BTreeSet<AccountKey>, Option<AuthId>) {
        let mut accounts = BTreeSet::new();
        let auth_id = match self {
            Self::Begin(request) => {
                accounts.insert(account_key(&request.authorisation));
                accounts.extend(begin_key(request));
                // A message that gives money back has no use for the hold of the authorisation that
                // it follows.
                let it = &request.authorisation;
                it.original_auth_id.filter(|_| it.direction == Direction::Outgoing)
            }
            Self::Decide(decision) => {
                accounts.extend(decision_key(decision));
                Some(decision.auth_id)
            }
            Self::Clear(request) => Some(request.auth_id),
            Self::Reverse(request) => Some(request.auth_id),
            Self::Expire { auth_id, .. } => Some(*auth_id),
            Self::TakeBack(request) => {
                accounts.insert(request.key());
                None
            }
            Self::Advise(request) => {
                accounts.insert(account_key(&request.record));
                accounts.extend(advice_key(request));
                request.names
            }
            Self::Force(request) => {
                accounts.insert(account_key(&request.record));
                None
            }
            Self::Transfer(request) => {
                accounts.extend(<[_; 2]>::from(request.keys()));
                None
            }
            Self::Close(request) => {
                accounts.extend(<[_; 2]>::from(request.keys()));
                None
            }
            Self::Charge(request) => {
                accounts.insert(request.key());
                None
            }
            Self::Move(request) => {
                accounts.insert(request.key());
                None
            }
            Self::Claimed(_, command) => return command.names(),
        };
        (accounts, auth_id)
    }
}

/// The accounts that each command names, itself or by its authorisation.
pub(super) async fn accounts_named(
    tx: &Tx,
    commands: &[&Command],
) -> Result<Vec<BTreeSet<AccountKey>>, StoreError> {
    let sql = "SELECT enterprise_id, currency, account_purpose, account_owner_id \
        FROM authorisation WHERE auth_id = $1";
    let named: Vec<_> = commands.iter().map(|command| command.names()).collect();
    let sought = named.iter().filter_map(|(_, auth_id)| *auth_id);
    let statements: Vec<_> = sought.map(|it| Statement::new(sql, [it.into()])).collect();
    let mut answers = tx.together(&statements).await?;
    let mut all = Vec::with_capacity(named.len());
    for (mut accounts, auth_id) in named {
        if auth_id.is_some() {
            accounts.extend(answers.one::<AccountKey>()?);
        }
        all.push(accounts);
    }
    Ok(all)
}

/// The account that a new authorisation may be charged to: only a decline is charged at once.
fn begin_key(request: &BeginAuthorisation) -> Option<AccountKey> {
    let tariff = request.tariff.filter(|it| it.fees.decline.is_charged())?;
    Some(tariff.key(request.authorisation.enterprise_id))
}

/// The account that an advice may be charged to.
fn advice_key(request: &Advise) -> Option<AccountKey> {
    let tariff = request.tariff.filter(|it| it.fees.charges_authorisations())?;
    Some(tariff.key(request.record.enterprise_id))
}

/// The account that a decision may be charged to.
fn decision_key(decision: &DecideAuthorisation) -> Option<AccountKey> {
    let tariff = decision.tariff.filter(|it| it.fees.charges_authorisations())?;
    Some(tariff.key(decision.enterprise_id))
}
