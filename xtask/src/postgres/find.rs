//! Finds PostgreSQL's programs.

use std::path::{Path, PathBuf};

use crate::command::Failure;

/// Names the directory of the programs and overrides every other place; tests that start their own
/// servers find the programs through it.
pub const DIRECTORY_VARIABLE: &str = "CARDBRIDGE_POSTGRES_BIN";

/// The programs that a directory must contain.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Directories whose sub-directories each hold one version: parent, name prefix, tail.
const VERSIONED: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// Directories without a version in their name.
const PLAIN: [&str; 3] = ["/usr/local/pgsql/bin", "/opt/homebrew/bin", "/opt/local/bin"];

/// The directory of `initdb`, `pg_ctl` and `postgres`, if there is one.
pub fn binaries() -> Result<Option<PathBuf>, Failure> {
    if let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE) {
        let found = complete(Path::new(&directory));
        return found.map(Some).ok_or_else(|| {
            format!("{DIRECTORY_VARIABLE} names a directory without initdb, pg_ctl and postgres")
        });
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let versioned = VERSIONED.iter().flat_map(|(parent, prefix, tail)| {
        newest_first(Path::new(parent), prefix).into_iter().map(move |path| path.join(tail))
    });
    let plain = PLAIN.iter().map(PathBuf::from);
    Ok(on_path.into_iter().chain(versioned).chain(plain).find_map(|path| complete(&path)))
}

/// The real directory behind `directory`, if it contains all programs. Symbolic links on the PATH
/// often exist for only some of them.
fn complete(directory: &Path) -> Option<PathBuf> {
    let pg_ctl = directory.join("pg_ctl").canonicalize().ok()?;
    let real = pg_ctl.parent()?;
    PROGRAMS.iter().all(|program| real.join(program).is_file()).then(|| real.to_path_buf())
}

fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.split('.').next()?.parse().ok()?;
            Some((version, entry.path()))
        })
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{PROGRAMS, complete, newest_first};

    fn fresh(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("xtask-find-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path.canonicalize().unwrap()
    }

    #[test]
    fn a_directory_counts_only_with_all_programs() {
        let directory = fresh("complete");
        for program in &PROGRAMS[..2] {
            fs::write(directory.join(program), "").unwrap();
        }
        assert_eq!(complete(&directory), None);
        fs::write(directory.join(PROGRAMS[2]), "").unwrap();
        assert_eq!(complete(&directory), Some(directory.clone()));

        let linked = fresh("linked");
        std::os::unix::fs::symlink(directory.join("pg_ctl"), linked.join("pg_ctl")).unwrap();
        assert_eq!(complete(&linked), Some(directory.clone()), "the link is followed");
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(complete(&linked), None, "a link to nothing");
        fs::remove_dir_all(linked).unwrap();
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        let parent = fresh("versions");
        for name in ["pg-9.6", "pg-15", "pg-17", "other-99", "pg-old"] {
            fs::create_dir_all(parent.join(name)).unwrap();
        }
        let names: Vec<_> = newest_first(&parent, "pg-")
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["pg-17", "pg-15", "pg-9.6"]);
        fs::remove_dir_all(parent).unwrap();
    }
}
