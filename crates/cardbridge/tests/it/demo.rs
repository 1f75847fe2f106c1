//! The newcomer's run.

use crate::server::{cardbridge, run};

#[test]
fn the_demonstration_succeeds_in_plain_lines() {
    let (code, stdout, stderr) = run(cardbridge().arg("demo"));
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    for part in ["PENDING", "SUCCEED", "approved", "declined", "nobody is asked", "posted"] {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    for part in LINK {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    for part in DIALECT_2 {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    let verified = stdout.lines().rev().find(|line| line.contains("ledger verify"));
    assert!(verified.is_some_and(|line| line.contains("ok")), "{stdout}");
    assert!(!stdout.contains('\x1b'), "no colour where there is no terminal");
}

/// The output for a card network's link: what is answered, and the deposit after each step.
const LINK: [&str; 4] = [
    "link, repeated    00, same code: held once     854.00 free  15.50 held 130.50 posted",
    "00, then declined 05         854.00 free  15.50 held 130.50 posted",
    "00 twice: held once          844.10 free  25.40 held 130.50 posted",
    "00, posted at once           824.10 free  25.40 held 150.50 posted",
];

/// The output for dialect 2: where the money of a prepaid card is at each step, the limit of a
/// credit-line card, the code of a challenge, and the merchant's webhooks.
const DIALECT_2: [&str; 9] = [
    " 60.00 account 40.00 card  0.00 spent",
    " 60.00 account 14.50 card 25.50 spent",
    "above the balance",
    " 40.00 account 34.50 card 25.50 spent",
    " 50.00 account 24.50 card 25.50 spent",
    " 74.50 account  0.00 card 25.50 spent",
    " 32.00 wallet, 12.00 left of the line",
    "Card3ds, then APPROVED",
    "6 received and acknowledged",
];
