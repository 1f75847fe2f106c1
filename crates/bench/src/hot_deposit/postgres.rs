//! PostgreSQL: the store, and connections that each lock the account's row.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use domain::{Clock, IdGenerator};
use store::{Location, Store};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement};

use super::purchases::{AMOUNT_MINOR, Purchases};
use super::row_text;
use super::run::{CALLERS, MAX_HOLDS, ROUNDS, RUN_TIME, Tally, run_drawn, run_grouped};

/// Holds per second.
pub struct Rates {
    /// Through the grouping writer.
    pub grouped: f64,
    /// Through the grouping writer, by links.
    pub linked: f64,
    /// One by one.
    pub single: f64,
}

/// Measures all three, alternating, in a new database.
pub async fn measure(url: &str) -> Result<Rates> {
    in_new_database(url, async |url| measure_in(&url).await).await
}

/// Makes a database, measures by its URL, and drops it.
pub async fn in_new_database<T>(
    url: &str,
    measuring: impl AsyncFnOnce(String) -> Result<T>,
) -> Result<T> {
    let (server, admin) = connect(url).await?;
    let name = format!("cardbridge_bench_{}", std::process::id());
    server.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let measured = measuring(with_database(url, &name)?).await;
    let dropped = server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    admin.abort();
    let measured = measured?;
    dropped?;
    Ok(measured)
}

async fn measure_in(url: &str) -> Result<Rates> {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Postgres(url.to_owned().into());
    let store = Store::open(location, clock.clone(), Arc::clone(&ids)).await?;
    let purchases = Purchases::on_new_deposit(&store, clock.clone(), Arc::clone(&ids)).await?;
    let [mut grouped, mut linked, mut single] = [Tally::default(); 3];
    for _ in 0..ROUNDS {
        grouped.add(run_grouped(&store, &purchases).await?);
        let by_link = Purchases::on_new_deposit(&store, clock.clone(), Arc::clone(&ids)).await?;
        linked.add(run_drawn(&store, &by_link, Purchases::draw_of_link).await?);
        // A separate deposit, so neither side updates the other's row.
        let own = Purchases::on_new_deposit(&store, clock.clone(), Arc::clone(&ids)).await?;
        let template = own.draw();
        let template_id = template.authorisation.auth_id.as_i64();
        store.begin_authorisation(template).await?;
        single.add(run_single(url, template_id, &own).await?);
    }
    store.close().await;
    Ok(Rates {
        grouped: grouped.per_second(),
        linked: linked.per_second(),
        single: single.per_second(),
    })
}

async fn run_single(url: &str, template_id: i64, purchases: &Purchases) -> Result<Tally> {
    let mut callers = Vec::with_capacity(CALLERS);
    for _ in 0..CALLERS {
        callers.push(Caller::connect(url, template_id, purchases).await?);
    }
    let started = Instant::now();
    let running: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            tokio::spawn(async move {
                let mut holds = 0;
                while started.elapsed() < RUN_TIME && holds < MAX_HOLDS {
                    caller.hold().await?;
                    holds += 1;
                }
                caller.driver.abort();
                anyhow::Ok(holds)
            })
        })
        .collect();
    let mut holds = 0;
    for caller in running {
        holds += caller.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let (client, driver) = connect(url).await?;
    let sql = "SELECT held_minor FROM ledger_account WHERE enterprise_id = $1";
    let held: i64 = client.query_one(sql, &[&purchases.enterprise_id.as_i64()]).await?.get(0);
    driver.abort();
    ensure!(held == (i64::try_from(holds)? + 1) * AMOUNT_MINOR, "the baseline lost a hold");
    Ok(Tally { holds, seconds })
}

/// A caller with its own connection and prepared statements.
struct Caller {
    client: Client,
    driver: JoinHandle<()>,
    purchases: Purchases,
    lock: Statement,
    authorisation: Statement,
    transfer: Statement,
    account: Statement,
}

impl Caller {
    pub async fn connect(url: &str, template_id: i64, purchases: &Purchases) -> Result<Self> {
        let (client, driver) = connect(url).await?;
        let row = row(&client, "authorisation", template_id).await?;
        let authorisation = row_text::insert("authorisation", &row, &["auth_id", "rrn"], '$');
        let row = self::row(&client, "ledger_transfer", template_id).await?;
        let transfer = row_text::insert("ledger_transfer", &row, &["transfer_id", "auth_id"], '$');
        Ok(Self {
            lock: client
                .prepare(
                    "SELECT account_id, available_minor, held_minor FROM ledger_account \
                     WHERE enterprise_id = $1 AND currency = 840 FOR UPDATE",
                )
                .await?,
            authorisation: client.prepare(&authorisation).await?,
            transfer: client.prepare(&transfer).await?,
            account: client
                .prepare(
                    "UPDATE ledger_account SET available_minor = $3, held_minor = $4 \
                     WHERE enterprise_id = $1 AND account_id = $2",
                )
                .await?,
            purchases: purchases.clone(),
            client,
            driver,
        })
    }

    /// One hold in its own commit, READ COMMITTED.
    async fn hold(&self) -> Result<()> {
        let (auth_id, transfer_id) = (self.purchases.ids.next(), self.purchases.ids.next());
        let enterprise_id = self.purchases.enterprise_id.as_i64();
        self.client.batch_execute("BEGIN").await?;
        let row = self.client.query_one(&self.lock, &[&enterprise_id]).await?;
        let (account_id, available, held): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        ensure!(available >= AMOUNT_MINOR, "the deposit is exhausted");
        self.client.execute(&self.authorisation, &[&auth_id, &auth_id.to_string()]).await?;
        self.client.execute(&self.transfer, &[&transfer_id, &auth_id]).await?;
        let (available, held) = (available - AMOUNT_MINOR, held + AMOUNT_MINOR);
        self.client
            .execute(&self.account, &[&enterprise_id, &account_id, &available, &held])
            .await?;
        self.client.batch_execute("COMMIT").await?;
        Ok(())
    }
}

/// The names of a table's columns and the literals of its row with this `auth_id`.
async fn row(client: &Client, table: &str, auth_id: i64) -> Result<Vec<(String, String)>> {
    let names = client
        .query(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position",
            &[&table],
        )
        .await?;
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    let quoted: Vec<String> =
        names.iter().map(|name| format!("quote_nullable({name}::text)")).collect();
    let sql = format!("SELECT {} FROM {table} WHERE auth_id = $1", quoted.join(", "));
    let row = client.query_one(&sql, &[&auth_id]).await?;
    Ok(names.into_iter().enumerate().map(|(column, name)| (name, row.get(column))).collect())
}

/// A session of this program, and the task that drives it.
pub async fn connect(url: &str) -> Result<(Client, JoinHandle<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(async move {
        // The client's own calls report a failure.
        let _ = connection.await;
    });
    Ok((client, driver))
}

/// The URL with another database.
pub fn with_database(url: &str, name: &str) -> Result<String> {
    let (path, query) =
        url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let (server, _) = path.rsplit_once('/').context("the URL names no database")?;
    Ok(query.map_or(format!("{server}/{name}"), |query| format!("{server}/{name}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_a_url_changes() {
        let url =
            with_database("postgres://u:p@127.0.0.1:5/postgres?sslmode=disable", "b").unwrap();
        assert_eq!(url, "postgres://u:p@127.0.0.1:5/b?sslmode=disable");
        assert_eq!(with_database("postgres://h/a", "b").unwrap(), "postgres://h/b");
    }
}
