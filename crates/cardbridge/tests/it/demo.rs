//! The newcomer's run.

use crate::server::{cardbridge, run};

#[test]
fn the_demonstration_succeeds_in_plain_lines() {
    let (code, stdout, stderr) = run(cardbridge().arg("demo"));
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    for part in ["PENDING", "SUCCEED", "approved", "declined", "nobody is asked", "posted"] {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    let verified = stdout.lines().rev().find(|line| line.contains("ledger verify"));
    assert!(verified.is_some_and(|line| line.contains("ok")), "{stdout}");
    assert!(!stdout.contains('\x1b'), "no colour where there is no terminal");
}
