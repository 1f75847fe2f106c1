//! Installing PostgreSQL on Debian and Ubuntu, without the package's own cluster.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt;
use crate::command::Failure;

/// The settings that the package reads before it creates a cluster.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// The packaged version of [`CLUSTER_SETTINGS`].
const PACKAGED_SETTINGS: &str = "/usr/share/postgresql-common/createcluster.conf";

/// The last setting of a name wins, so appending is enough.
const NO_CLUSTER: &str = "\ncreate_main_cluster = false\n";

/// Installs the distribution's PostgreSQL.
pub fn postgres() -> Result<(), Failure> {
    if !apt::is_usable()? {
        return Err("PostgreSQL is missing: install it (Debian and Ubuntu: `apt-get install \
                    postgresql`, macOS: `brew install postgresql@17`) or set \
                    CARDBRIDGE_POSTGRES_BIN to the directory of initdb and pg_ctl"
            .to_owned());
    }
    let _settings = Settings::without_cluster(Path::new(CLUSTER_SETTINGS))?;
    apt::update()?;
    apt::install("postgresql")
}

/// The package's settings with the cluster switched off; restored when this is dropped.
struct Settings {
    path: PathBuf,
    before: Option<String>,
}

impl Settings {
    fn without_cluster(path: &Path) -> Result<Self, Failure> {
        let before = fs::read_to_string(path).ok();
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(|error| failed(path, &error))?;
        }
        let text = before.clone().unwrap_or_default() + NO_CLUSTER;
        fs::write(path, text).map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned(), before })
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let packaged = || fs::read_to_string(PACKAGED_SETTINGS).ok();
        let restored = match self.before.take().or_else(packaged) {
            Some(text) => fs::write(&self.path, text),
            None => fs::remove_file(&self.path),
        };
        if let Err(error) = restored {
            eprintln!("{}", failed(&self.path, &error));
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Settings;

    #[test]
    fn the_cluster_is_off_during_installation_and_the_settings_return_after() {
        let path = std::env::temp_dir().join(format!("xtask-cluster-{}.conf", std::process::id()));
        fs::write(&path, "ssl = on").unwrap();
        let settings = Settings::without_cluster(&path).unwrap();
        let during = fs::read_to_string(&path).unwrap();
        assert_eq!(during, "ssl = on\ncreate_main_cluster = false\n");
        drop(settings);
        assert_eq!(fs::read_to_string(&path).unwrap(), "ssl = on");
        fs::remove_file(&path).unwrap();
    }
}
