//! Faults of the machine, switched on and off while a server runs.

use std::path::PathBuf;
use std::process::Command;

/// A library preloaded before the server's C library, and the file that controls its faults.
pub struct Faults {
    directory: tempfile::TempDir,
}

/// The faults, by their place in the file.
#[derive(Clone, Copy)]
enum Fault {
    ClockAheadS,
    SyncsFail,
    DiskIsFull,
}

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        let faults = Self { directory: tempfile::tempdir().unwrap() };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/faults.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut command = Command::new(compiler);
        command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(faults.library()).arg(source);
        assert!(command.arg("-ldl").status().expect("a C compiler").success());
        std::fs::write(faults.file(), [0; 24]).unwrap();
        faults
    }

    fn library(&self) -> PathBuf {
        self.directory.path().join("faults.so")
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("faults")
    }

    /// Variables for the server's environment.
    pub fn variables(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(self.library())),
            ("TEST_FAULTS".to_owned(), text(self.file())),
        ]
    }

    /// Sets the server's real clock ahead by this many seconds.
    pub fn clock_ahead(&self, seconds: i64) {
        self.put(Fault::ClockAheadS, seconds);
    }

    /// Makes every sync to disk fail from now on, or succeed again.
    pub fn syncs_fail(&self, fail: bool) {
        self.put(Fault::SyncsFail, i64::from(fail));
    }

    /// Keeps files from growing from now on, or lets them grow again.
    pub fn disk_is_full(&self, full: bool) {
        self.put(Fault::DiskIsFull, i64::from(full));
    }

    fn put(&self, fault: Fault, number: i64) {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::File::options().write(true).open(self.file()).unwrap();
        file.write_all_at(&number.to_ne_bytes(), 8 * fault as u64).unwrap();
    }
}
