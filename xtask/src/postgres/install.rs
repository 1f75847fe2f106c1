//! Installing PostgreSQL on Debian and Ubuntu, without the package's own cluster.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::apt;
use crate::command::Failure;

/// The settings that the package reads before it creates a cluster.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// The packaged version of [`CLUSTER_SETTINGS`].
const PACKAGED_SETTINGS: &str = "/usr/share/postgresql-common/createcluster.conf";

/// Appended to the settings: if a name is set twice, the last one wins.
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

/// Keeps the cluster switched off in the package's settings. When dropped, it puts back the earlier
/// file, or else the packaged one, or else removes the file.
struct Settings {
    path: PathBuf,
    before: Option<String>,
}

impl Settings {
    fn without_cluster(path: &Path) -> Result<Self, Failure> {
        let before = read(path).map_err(|error| failed(path, &error))?;
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
        let earlier = match self.before.take() {
            Some(text) => Ok(Some(text)),
            None => read(Path::new(PACKAGED_SETTINGS)),
        };
        let restored = earlier.and_then(|earlier| match earlier {
            Some(text) => fs::write(&self.path, text),
            None => fs::remove_file(&self.path),
        });
        if let Err(error) = restored {
            let path = self.path.display();
            eprintln!("{path}: the earlier settings could not be restored: {error}");
        }
    }
}

/// The text of a file; None if there is no such file.
fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
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

    #[test]
    fn settings_that_cannot_be_read_are_left_alone() {
        let name = format!("xtask-unreadable-{}.conf", std::process::id());
        let path = std::env::temp_dir().join(name);
        let not_text = [0xFF, b'\n'];
        fs::write(&path, not_text).unwrap();
        assert!(Settings::without_cluster(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), not_text);
        fs::remove_file(&path).unwrap();
    }
}
