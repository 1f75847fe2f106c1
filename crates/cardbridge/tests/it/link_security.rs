//! What protects a link, seen from outside: keys, message authentication codes, PINs, verification
//! values and cryptograms. Keys and messages are those of network-iso8583.md section 10.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::server::{cardbridge, run};

/// The check values and first keys of the page, and its zone master key in two components.
const ZMK_COMPONENTS: [&str; 2] =
    ["5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A", "A8CD1CDA8662B5EF76BC57DFE69E107F"];
const ZMK_KCV: &str = "63EE2D";

/// A directory with the files that a configuration names.
pub struct Files {
    directory: TempDir,
}

impl Files {
    /// The components of the zone master key.
    pub fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        for (name, component) in ["zmk-1.hex", "zmk-2.hex"].into_iter().zip(ZMK_COMPONENTS) {
            files.private(name, &format!("{component}\n"));
        }
        files
    }

    /// A file that only its owner may read.
    pub fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The table of a link's keys, with these further ones.
    pub fn keys(&self, more: &str) -> String {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let (first, second) = (path("zmk-1.hex"), path("zmk-2.hex"));
        format!(
            "[links.keys]\nzmk-files = ['{first}', '{second}']\nzmk-kcv = '{ZMK_KCV}'\n{more}\n"
        )
    }

    /// A configuration file with these tables.
    pub fn configuration(&self, tables: &str) -> PathBuf {
        self.private("cardbridge.toml", tables)
    }

    /// Starts a server that does not come up with these tables; returns exit code and failure.
    fn refused(&self, tables: &str) -> (Option<i32>, String) {
        let file = self.configuration(tables);
        let mut command = cardbridge();
        command.current_dir(self.directory.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--config").arg(file);
        let (code, _, stderr) = run(&mut command);
        (code, stderr)
    }
}

const LINK: &str = "[[links]]\nname = 'default'\nlisten = '127.0.0.1:0'\n";

#[test]
fn a_wrong_key_prevents_the_start_and_is_named_but_not_shown() {
    let files = Files::new();
    let refused = |tables: &str, key: &str| {
        let (code, line) = files.refused(&format!("{LINK}{tables}"));
        assert_eq!(code, Some(2), "{line}");
        let last = line.lines().last().unwrap_or_default();
        assert!(last.contains(key), "{line}");
        assert!(ZMK_COMPONENTS.iter().all(|component| !line.contains(component)), "{line}");
    };
    let keys = files.keys("");
    refused(&keys.replace(ZMK_KCV, "63EE2E"), "links.keys.zmk-kcv: ");
    refused(&files.keys("zpk = 'PX00'"), "links.keys.zpk: ");
    refused(&files.keys("zak = 'PX683244956233D0622BEE6A543D9A792BC21C24'"), "links.keys.zak: ");
    refused(&keys.replace("zmk-2", "zmk-3"), "links.keys.zmk-files: ");
    let open = files.private("zmk-2.hex", ZMK_COMPONENTS[1]);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&keys, "links.keys.zmk-files: ");
    files.private("zmk-2.hex", "5A");
    refused(&keys, "links.keys.zmk-files: ");
}
