//! Declines an authorisation that has no decision, and says why in its receipt.

use std::sync::Arc;

use domain::{AuthId, Authorisation, Cause};
use store::{MoneyError, Store, WritesUnderWay};
use wire::vm::VmSettings;

use crate::decision::cause_of;
use crate::fault::Fault;
use crate::receipt::StoredReceipt;
use crate::request::AuthoriseError;
use crate::settle;
use crate::webhooks::{decision_webhooks, told_card};

/// What is missing if a hold was not written after all.
const AUTHORISATION: &str = "authorisation";

/// The outcome of an attempt to decline.
pub(crate) enum Declined {
    /// It is decided.
    Done,
    /// Its hold was never written, and never will be.
    NotThere,
    /// It was not found, but its hold may be in a write that is under way.
    MayCome(WritesUnderWay),
}

/// Declines an authorisation for which it is uncertain whether its hold or decision was written;
/// `may_come` is the result of the last attempt.
pub(crate) async fn decline_unwritten(
    store: &Store,
    settings: Option<VmSettings>,
    auth_id: AuthId,
    may_come: Option<WritesUnderWay>,
) -> Result<Declined, AuthoriseError> {
    // Asked before the look-up, which then sees everything that had ended by now.
    let have_ended = match may_come {
        Some(since) => store.writes_under_way().await?.have_ended_since(since),
        None => false,
    };
    match decline(store, settings, auth_id, Cause::DecisionNotWritten).await {
        Err(AuthoriseError::Missing(AUTHORISATION)) if have_ended => Ok(Declined::NotThere),
        Err(AuthoriseError::Missing(AUTHORISATION)) => Ok(Declined::MayCome(match may_come {
            Some(since) => since,
            None => store.writes_under_way().await?,
        })),
        declined => declined.map(|_| Declined::Done),
    }
}

/// Declines an authorisation that nobody is working on. Returns it as it is decided now, which may
/// be by somebody else.
pub(crate) async fn decline(
    store: &Store,
    settings: Option<VmSettings>,
    auth_id: AuthId,
    cause: Cause,
) -> Result<Authorisation, AuthoriseError> {
    let view = store.authorisation_view(auth_id).await?;
    let view = view.ok_or(AuthoriseError::Missing(AUTHORISATION))?;
    let cause = cause_of(&view.authorisation, Err(Fault::from(cause)));
    let receipt = Arc::new(StoredReceipt::of(&view.receipt));
    let held = view.authorisation;
    let card = told_card(store, settings, &held).await?;
    let webhooks = decision_webhooks(held.account.is_forwarded(), card.as_ref(), settings);
    let request = settle::request(store, &held, cause, receipt, webhooks);
    Ok(settle::decide(store, request).await?)
}

/// True if another attempt may succeed.
pub(crate) const fn may_pass(error: &AuthoriseError) -> bool {
    match error {
        AuthoriseError::Store(error) | AuthoriseError::Money(MoneyError::Store(error)) => {
            settle::may_pass(error)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::{Clock, IdGenerator};
    use store::Location;
    use tokio_postgres::{Client, NoTls};

    use super::*;

    async fn connect(url: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_missing_hold_may_arrive_until_all_writes_of_that_moment_have_ended() {
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let name = format!("authorise_recover_{}", std::process::id());
        let url = format!("{}/{name}", admin_url.rsplit_once('/').unwrap().0);
        let admin = connect(&admin_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let auth_id = AuthId::from_i64(ids.next());
        let store = Store::open(Location::Postgres(url.clone().into()), clock, ids).await.unwrap();

        // Another session's write, such as one that waits for its commit.
        let writing = connect(&url).await;
        writing.batch_execute("BEGIN; CREATE TEMPORARY TABLE one ()").await.unwrap();
        let mut may_come = None;
        for _ in 0..3 {
            may_come = match decline_unwritten(&store, None, auth_id, may_come).await.unwrap() {
                Declined::MayCome(writes) => Some(writes),
                Declined::Done | Declined::NotThere => panic!("it may be in the open write"),
            };
        }
        writing.batch_execute("COMMIT").await.unwrap();
        // Writes that begin later are not among those of that moment.
        writing.batch_execute("BEGIN; CREATE TEMPORARY TABLE other ()").await.unwrap();
        // Writes to other tests' databases count as well, and end.
        let began = std::time::Instant::now();
        loop {
            match decline_unwritten(&store, None, auth_id, may_come).await.unwrap() {
                Declined::NotThere => break,
                Declined::MayCome(writes) => assert_eq!(Some(writes), may_come),
                Declined::Done => panic!("nothing was written"),
            }
            assert!(began.elapsed().as_secs() < 60, "it is never given up");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        drop(writing);
        store.close().await;
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }
}
