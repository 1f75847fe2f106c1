//! The highest id and the latest business time that the store knows, from which a start continues:
//! the machine's clock may have been set back while no process ran.

use std::time::Duration;

use domain::Timestamp;
use tokio::sync::watch;

use crate::engine::Tx;
use crate::{Store, StoreError};

/// The settings with the latest business time and the highest id that were saved, each as 8 bytes
/// in big-endian order, so their bytes compare as the numbers do.
const BUSINESS_TIME: &str = "business_time_us";
const HIGHEST_ID: &str = "highest_id";

const SAVING_INTERVAL: Duration = Duration::from_secs(3);

/// The columns of ids with an index in which the highest is found at once.
const IDS: [(&str, &str); 11] = [
    ("enterprise", "enterprise_id"),
    ("card", "card_id"),
    ("webhook", "webhook_id"),
    ("authorisation", "auth_id"),
    ("authorisation", "outs_id"),
    ("posting", "transaction_id"),
    ("network_message", "message_id"),
    ("link_message", "message_id"),
    ("kyc_ticket", "kyc_ticket_id"),
    ("intent_ticket", "ticket_id"),
    ("three_ds_challenge", "challenge_id"),
];

/// The columns of ids that are searched enterprise by enterprise.
const IDS_BY_ENTERPRISE: [(&str, &str); 12] = [
    ("card_profile", "profile_id"),
    ("customer", "customer_id"),
    ("card_order", "order_id"),
    ("pan", "pan_id"),
    ("job", "job_id"),
    ("ledger_account", "account_id"),
    ("ledger_transfer", "transfer_id"),
    ("key_extraction_attempt", "attempt_id"),
    ("settlement_piece", "file_id"),
    ("settlement_leftover", "file_id"),
    ("vm_app", "vm_app_id"),
    ("vm_flow", "flow_id"),
];

impl Store {
    /// Continues ids from the highest that is stored.
    pub(crate) async fn continue_ids(&self) -> Result<(), StoreError> {
        let saved = self.saved(HIGHEST_ID).await?.unwrap_or(0);
        let stored = self.read_long(|tx| Box::pin(highest_id(tx))).await?;
        self.ids().go_on_from(saved.max(stored));
        Ok(())
    }

    /// Continues business time from the latest moment that is stored, even if the machine's clock
    /// is behind. Call it once the stored offset of business time is in force.
    pub async fn continue_business_time(&self) -> Result<(), StoreError> {
        let saved = self.saved(BUSINESS_TIME).await?.map(Timestamp::from_micros);
        let told = self.read_long(|tx| Box::pin(latest_moment(tx))).await?;
        if let Some(latest) = saved.max(told) {
            self.clock().go_on_from(latest);
        }
        Ok(())
    }

    async fn saved(&self, name: &'static str) -> Result<Option<i64>, StoreError> {
        let Some(bytes) = self.setting(name).await? else { return Ok(None) };
        bytes
            .try_into()
            .map(|it| Some(i64::from_be_bytes(it)))
            .map_err(|_| StoreError::Corrupt(name))
    }

    /// Saves the present business time and highest id every few seconds, while ids are drawn, until
    /// `stopped` turns true. Without this, only the rows of a process that is killed would show how
    /// far it came.
    pub async fn keep_progress(&self, mut stopped: watch::Receiver<bool>) {
        let ended = stopped.wait_for(|stopped| *stopped);
        tokio::pin!(ended);
        let mut saved = self.ids().highest();
        loop {
            tokio::select! {
                _ = &mut ended => return,
                () = tokio::time::sleep(SAVING_INTERVAL) => {}
            }
            let highest = self.ids().highest();
            if highest == saved {
                continue;
            }
            match self.save_progress().await {
                Ok(()) => saved = highest,
                Err(error) => tracing::warn!(%error, "business time was not saved"),
            }
        }
    }

    /// Saves the present business time and highest id, from which a later start continues.
    pub(crate) async fn save_progress(&self) -> Result<(), StoreError> {
        let business_us = self.clock().now().as_micros();
        let progress = [(BUSINESS_TIME, business_us), (HIGHEST_ID, self.ids().highest())];
        self.write(move |tx| {
            Box::pin(async move {
                for (name, reached) in progress {
                    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                        ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                        WHERE setting.value < excluded.value";
                    // A negative number does not compare as its bytes do.
                    let bytes = reached.max(0).to_be_bytes();
                    tx.execute(sql, &[name.into(), bytes.as_slice().into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn highest_id(tx: &Tx) -> Result<i64, StoreError> {
    let everywhere = IDS.map(|(table, id)| format!("SELECT MAX({id}) AS id FROM {table}"));
    let by_enterprise = IDS_BY_ENTERPRISE.map(|(table, id)| {
        format!(
            "SELECT MAX((SELECT MAX(t.{id}) FROM {table} t \
             WHERE t.enterprise_id = e.enterprise_id)) FROM enterprise e"
        )
    });
    let parts: Vec<_> = everywhere.into_iter().chain(by_enterprise).collect();
    let sql = format!("SELECT MAX(id) FROM ({}) highest", parts.join(" UNION ALL "));
    let highest: Option<i64> = tx.one(&sql, &[]).await?.ok_or(StoreError::Corrupt("id"))?;
    Ok(highest.unwrap_or(0))
}

/// The latest business time in the newest rows: each change of an object with states is reported by
/// a webhook of its commit, or leaves one of the other rows.
async fn latest_moment(tx: &Tx) -> Result<Option<Timestamp>, StoreError> {
    let mut latest = None;
    for (table, id, moment) in [
        ("webhook", "webhook_id", "created_at"),
        ("authorisation", "auth_id", "created_at"),
        ("posting", "transaction_id", "posted_at"),
    ] {
        let sql = format!("SELECT {moment} FROM {table} ORDER BY {id} DESC LIMIT 1");
        latest = latest.max(tx.one(&sql, &[]).await?);
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_in_a_primary_key_is_looked_for() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        crate::migrations::migrate_sqlite(&mut connection).unwrap();
        let sql = "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p \
            WHERE m.type = 'table' AND p.pk > 0 AND p.type = 'INTEGER' \
            AND p.name LIKE '%\\_id' ESCAPE '\\'";
        let mut statement = connection.prepare(sql).unwrap();
        let keys = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        // The audit of openings is indexed by card only: the highest id that was saved covers it.
        let known: Vec<_> =
            IDS.iter().chain(&IDS_BY_ENTERPRISE).map(|(_, id)| *id).chain(["reveal_id"]).collect();
        for key in keys {
            let (table, column) = key.unwrap();
            assert!(known.contains(&&*column), "{table}.{column}");
        }
    }
}
