//! DE54: what a card has (network-iso8583.md section 3.4).

use authorise::CardBalances;
use domain::Money;

/// The account type of every set: not specified.
const ACCOUNT_TYPE: &str = "00";
/// Amount types.
const LEDGER: &str = "01";
const AVAILABLE: &str = "02";
/// An amount has twelve digits.
const DIGITS: usize = 12;

/// One set for each balance, of 20 characters: account type, amount type, currency, sign, amount. A
/// balance that does not fit is left out.
pub(super) fn additional_amounts(balances: &CardBalances) -> String {
    let sets = [(LEDGER, balances.ledger), (AVAILABLE, Some(balances.available))];
    sets.into_iter().filter_map(|(amount_type, amount)| set(amount_type, amount?)).collect()
}

fn set(amount_type: &str, amount: Money) -> Option<String> {
    let minor = amount.amount_minor();
    let sign = if minor < 0 { 'D' } else { 'C' };
    let digits = format!("{:0DIGITS$}", minor.unsigned_abs());
    let currency = amount.currency();
    (digits.len() == DIGITS).then(|| format!("{ACCOUNT_TYPE}{amount_type}{currency}{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn balances_are_sets_of_twenty_characters() {
        let prepaid = CardBalances { available: usd(9_525), ledger: Some(usd(12_000)) };
        let v11 = "0001840C0000000120000002840C000000009525";
        assert_eq!(additional_amounts(&prepaid), v11);
        let line = CardBalances { available: usd(-1), ledger: None };
        assert_eq!(additional_amounts(&line), "0002840D000000000001");
        let too_large = CardBalances { available: usd(1_000_000_000_000), ledger: None };
        assert_eq!(additional_amounts(&too_large), "");
    }
}
