//! An independent client: an acquirer in Python, over a published library for ISO 8583.

use std::process::Command;

use crate::engine::Engine;
use crate::links::{Bed, configured, table};
use crate::network_play::EXAMPLES;

/// Names a Python that has the library; `cargo xtask test` sets it.
const PYTHON_VARIABLE: &str = "CARDBRIDGE_TEST_ISO_PYTHON";
/// The network waits long enough for a slow machine.
const PATIENT: &str = "response-time-ms = 60000";

async fn a_client_in_python_is_served(engine: Engine, packager: &str, argument: &str) {
    let python = std::env::var(PYTHON_VARIABLE)
        .expect("a Python with pyiso8583: run `cargo xtask test` or `cargo xtask postgres`");
    let directory = tempfile::tempdir().unwrap();
    let keys = format!("{PATIENT}\npackager = '{packager}'");
    let file = configured(&directory, &table("default", &keys));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut client = Command::new(&python);
    client.arg(format!("{EXAMPLES}/acquirer.py")).arg(argument);
    client.env("TARGET", bed.address("default"));
    client.env("PAN", &bed.pan).env("EXPIRY", &bed.expiry);
    let output = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // 5.00 is left of the purchase, 9.00 is sold and 4.00 of it refunded.
    assert_eq!(bed.world.available().await, "99990.00");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn a_client_in_python_is_served_in_ascii_on_sqlite() {
    a_client_in_python_is_served(Engine::embedded(), "iso87ascii", "ascii").await;
}

#[tokio::test]
async fn a_client_in_python_is_served_in_binary_on_postgresql() {
    a_client_in_python_is_served(Engine::postgres().await, "iso87binary", "binary").await;
}
