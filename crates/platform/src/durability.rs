//! Production's requirements on a PostgreSQL server, which must hold before any purchase is
//! confirmed.

use store::{Standbys, Store};

use crate::config::{Config, DatabaseDurability};
use crate::failure::Failure;

/// Refuses a server that could lose committed data.
///
/// # Errors
/// A line that names what the server should be set to.
pub async fn require(config: &Config, store: &Store) -> Result<(), Failure> {
    let asked = store.durability().await;
    let asked = asked.map_err(|error| {
        Failure::run(format_args!("the server's settings cannot be read: {error}"))
    })?;
    let Some(promised) = asked else { return Ok(()) };
    for (setting, is_on) in
        [("fsync", promised.fsync), ("full_page_writes", promised.full_page_writes)]
    {
        if !is_on {
            return Err(Failure::configuration(format_args!(
                "database-url: should lead to a server with {setting} = on; with off a crash of \
                 the server may lose or tear what it committed"
            )));
        }
    }
    if config.database_durability == DatabaseDurability::AsyncAccepted {
        return Ok(());
    }
    match promised.standbys {
        Standbys::None | Standbys::Synchronous => Ok(()),
        Standbys::Asynchronous => Err(Failure::configuration(
            "database-durability: the server has an asynchronous standby, which lacks the latest \
             purchases when it is promoted; it should be named in synchronous_standby_names, or \
             database-durability should be async-accepted",
        )),
        Standbys::Unknown => {
            tracing::warn!(
                "the server has standbys, and its user may not see whether commits wait for all \
                 of them; grant it pg_read_all_stats"
            );
            Ok(())
        }
    }
}
