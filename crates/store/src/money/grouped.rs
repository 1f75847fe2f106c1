//! Money commands as the work that the engine groups.

use std::collections::BTreeSet;

use domain::IdGenerator;

use super::apply::apply;
use super::named::accounts_named;
use super::terms::AccountKey;
use super::{Command, MoneyError, Outcome};
use crate::StoreError;
use crate::engine::{Grouped, Repeats, Tx};

impl Grouped for Command {
    type Outcome = Outcome;
    type Error = MoneyError;
    type Key = AccountKey;

    async fn keys(tx: &Tx, group: &[&Self]) -> Result<Vec<BTreeSet<AccountKey>>, StoreError> {
        accounts_named(tx, group).await
    }

    async fn apply(
        tx: &Tx,
        ids: &IdGenerator,
        group: &[&Self],
        repeats: Repeats,
    ) -> Result<Vec<Result<Outcome, MoneyError>>, StoreError> {
        apply(tx, ids, group, repeats).await
    }
}
