//! A data directory whose master key is gone.

use std::fs;

use crate::server::{Server, cardbridge, run};

#[test]
fn a_store_without_its_master_key_is_refused_and_gets_no_other_key() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    drop(Server::start(&data, &[]));
    let (key, aside) = (data.join("master.key"), directory.path().join("aside"));
    fs::rename(&key, &aside).unwrap();

    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let (code, stdout, stderr) = run(command.arg("--data-dir").arg(&data));
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("master-key-file"), "{stderr}");
    assert!(!key.exists(), "a new key would hide that the right one is missing");

    fs::rename(&aside, &key).unwrap();
    Server::start(&data, &[]);
}
