//! An authorisation without a decision is declined, and its receipt says why.

use std::borrow::Cow;

use domain::AuthId;
use serde_json::Value;
use store::{AuthorisationView, Store, WritesUnderWay};

use crate::decision::Decision;
use crate::fault::Fault;
use crate::notice::{Teller, notice_of};
use crate::request::AuthoriseError;
use crate::settle::{self, Ruling};

/// The cause in the receipt after a crash.
pub(crate) const CRASH: &str = "crash";
/// The cause in the receipt where the store did not take the decision in time.
const NOT_WRITTEN: &str = "decision_not_written";
/// What is missing where a hold was not written after all.
const AUTHORISATION: &str = "authorisation";

/// What a try to decline came to.
pub(crate) enum Declined {
    /// It is decided.
    Done,
    /// Its hold was never written, and never will be.
    NotThere,
    /// It is not found, but its hold may be among the writes of this moment.
    MayCome(WritesUnderWay),
}

/// Declines an authorisation whose hold or decision could not be written for certain;
/// `may_come` is what its last try ended with.
pub(crate) async fn decline_unwritten(
    store: &Store,
    teller: Option<&Teller>,
    auth_id: AuthId,
    may_come: Option<WritesUnderWay>,
) -> Result<Declined, AuthoriseError> {
    // Before the look, which then sees what had ended by now.
    let have_ended = match may_come {
        Some(since) => store.writes_under_way().await?.have_ended_since(since),
        None => false,
    };
    match decline(store, teller, auth_id, NOT_WRITTEN).await {
        Err(AuthoriseError::Missing(AUTHORISATION)) if have_ended => Ok(Declined::NotThere),
        Err(AuthoriseError::Missing(AUTHORISATION)) => Ok(Declined::MayCome(match may_come {
            Some(since) => since,
            None => store.writes_under_way().await?,
        })),
        declined => declined.map(|()| Declined::Done),
    }
}

/// Declines an authorisation that nobody is at work on.
pub(crate) async fn decline(
    store: &Store,
    teller: Option<&Teller>,
    auth_id: AuthId,
    cause: &'static str,
) -> Result<(), AuthoriseError> {
    let view = store.authorisation(auth_id).await?;
    let view = view.ok_or(AuthoriseError::Missing(AUTHORISATION))?;
    let fault = Fault::from(Cow::Borrowed(cause));
    let decision = Decision::of(&view.authorisation, Err(fault));
    let receipt = corrected_receipt(&view, &decision);
    let notice = notice_of(store, teller, &view.authorisation).await?;
    let ruling = Ruling { notice, ..Ruling::without_code(decision, receipt) };
    settle::decide(store, &view.authorisation, ruling).await?;
    Ok(())
}

/// The receipt written at the hold foresaw a refusal by the deposit. The hold was taken,
/// so that line is corrected and the outcome replaced.
fn corrected_receipt(view: &AuthorisationView, decision: &Decision) -> String {
    let mut receipt: Value = serde_json::from_str(&view.receipt).unwrap_or_default();
    let last = receipt.pointer_mut("/checks").and_then(Value::as_array_mut);
    if let Some(deposit) = last.and_then(|checks| checks.last_mut()) {
        deposit["passed"] = Value::Bool(true);
        deposit["detail"] = Value::Null;
    }
    if receipt.is_object() || receipt.is_null() {
        receipt["outcome"] = serde_json::json!({
            "approved": decision.is_approval(),
            "responseCode": decision.response_code,
            "rejectReason": decision.reject_reason,
            "detail": decision.detail,
        });
    }
    receipt.to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    async fn what_is_not_found_may_come_until_every_write_of_that_moment_has_ended() {
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let name = format!("authorise_recover_{}", std::process::id());
        let url = format!("{}/{name}", admin_url.rsplit_once('/').unwrap().0);
        let admin = connect(&admin_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let auth_id = AuthId::from_i64(ids.next());
        let store = Store::open(Location::Postgres(url.clone()), clock, ids).await.unwrap();

        // A write of another session, as one that waits for its commit.
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
        // Writes that begin later are none of that moment's.
        writing.batch_execute("BEGIN; CREATE TEMPORARY TABLE other ()").await.unwrap();
        // Those of other tests' databases count as well, and end.
        let began = std::time::Instant::now();
        loop {
            match decline_unwritten(&store, None, auth_id, may_come).await.unwrap() {
                Declined::NotThere => break,
                Declined::MayCome(writes) => assert_eq!(Some(writes), may_come),
                Declined::Done => panic!("nothing was written"),
            }
            assert!(began.elapsed().as_secs() < 60, "it may come for ever");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        drop(writing);
        store.close().await;
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }
}
