//! From an acquirer's reconciliation to what it asks, and from our totals to their fields
//! (network-iso8583.md section 3.7).

use domain::{Currency, FieldDifference, LinkTotals, Timestamp, TotalKind};
use iso8583::Message;

use super::amounts::currency_of;
use super::codes::Refusal;
use super::dates::is_date;
use super::field;
use super::identity::numbers_of;
use super::moments::require_times;
use super::presence::require;

/// Fields that a reconciliation has.
const MANDATORY: [u8; 4] =
    [field::TRANSMITTED_AT, field::STAN, field::ACQUIRER, field::SETTLEMENT_CURRENCY];
/// The field of each number. Transfers are not taken, so that there are none.
const NUMBERS: [(u8, Option<TotalKind>); 8] = [
    (74, Some(TotalKind::Credit)),
    (75, Some(TotalKind::CreditReversed)),
    (76, Some(TotalKind::Debit)),
    (77, Some(TotalKind::DebitReversed)),
    (78, None),
    (79, None),
    (80, Some(TotalKind::Inquiry)),
    (81, Some(TotalKind::Authorisation)),
];
/// The field of each amount.
const AMOUNTS: [(u8, TotalKind); 4] = [
    (86, TotalKind::Credit),
    (87, TotalKind::CreditReversed),
    (88, TotalKind::Debit),
    (89, TotalKind::DebitReversed),
];
/// Digits of a number, and of an amount.
const NUMBER_DIGITS: usize = 10;
const AMOUNT_DIGITS: usize = 16;

/// A field and its text.
pub(crate) type FieldText = (u8, String);

/// What an acquirer asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reconciliation {
    pub(crate) mti: String,
    /// Without leading zeros.
    pub(crate) acquirer: String,
    pub(crate) stan: String,
    pub(crate) stamp: String,
    pub(crate) settlement_date: Option<String>,
    pub(crate) currency: Currency,
    /// Its own totals.
    pub(crate) given: Vec<FieldText>,
}

impl Reconciliation {
    /// The values that are not ours.
    pub(crate) fn differences(&self, own: &[FieldText]) -> Vec<FieldDifference> {
        let differing = |(number, given): &FieldText| {
            let (_, own) = own.iter().find(|(field, _)| field == number)?;
            (unsigned_zero(given) != unsigned_zero(own)).then(|| FieldDifference {
                field: *number,
                given: given.clone(),
                own: own.clone(),
            })
        };
        self.given.iter().filter_map(differing).collect()
    }
}

/// Reads a reconciliation that arrives at `now`, in real time.
///
/// # Errors
/// The first thing that it lacks, or that does not exist.
pub(crate) fn reconciliation_of(
    message: &Message,
    network: &str,
    now: Timestamp,
) -> Result<Reconciliation, Refusal> {
    require(message, &MANDATORY)?;
    require_times(message)?;
    let settlement_date = message.text(field::SETTLEMENT_DATE);
    if settlement_date.is_some_and(|date| !is_date(date)) {
        return Err(Refusal::Format(field::SETTLEMENT_DATE));
    }
    let currency = message.text(field::SETTLEMENT_CURRENCY).unwrap_or_default();
    let numbers = numbers_of(message, network, now);
    let numbers = numbers.ok_or(Refusal::Format(field::STAN))?;
    let given = |number: u8| Some((number, message.text(number)?.to_owned()));
    Ok(Reconciliation {
        mti: message.mti().to_string(),
        acquirer: numbers.acquirer,
        stan: numbers.stan,
        stamp: numbers.stamp,
        settlement_date: settlement_date.map(str::to_owned),
        currency: currency_of(currency, field::SETTLEMENT_CURRENCY)?,
        given: compared_fields().filter_map(given).collect(),
    })
}

/// The fields of totals, in their order.
fn compared_fields() -> impl Iterator<Item = u8> {
    let numbers = NUMBERS.into_iter().map(|(number, _)| number);
    let amounts = AMOUNTS.into_iter().map(|(number, _)| number);
    numbers.chain(amounts).chain([field::NET_SETTLEMENT])
}

/// Our totals as fields; `None` if one does not fit.
pub(crate) fn fields_of(totals: &LinkTotals) -> Option<Vec<FieldText>> {
    let mut fields = Vec::with_capacity(NUMBERS.len() + AMOUNTS.len() + 1);
    for (number, kind) in NUMBERS {
        let count = kind.map_or(0, |kind| totals.of(kind).count);
        fields.push((number, digits(count, NUMBER_DIGITS)?));
    }
    for (number, kind) in AMOUNTS {
        fields.push((number, digits(totals.of(kind).amount_minor, AMOUNT_DIGITS)?));
    }
    let net = totals.net_minor()?;
    let sign = if net > 0 { 'D' } else { 'C' };
    let amount = digits(net.checked_abs()?, AMOUNT_DIGITS)?;
    fields.push((field::NET_SETTLEMENT, format!("{sign}{amount}")));
    Some(fields)
}

/// So many digits; `None` if there are more.
fn digits(number: i64, width: usize) -> Option<String> {
    let text = format!("{number:0width$}");
    (number >= 0 && text.len() == width).then_some(text)
}

/// A value whose sign means nothing if it is zero.
fn unsigned_zero(text: &str) -> &str {
    let digits = text.trim_start_matches(['C', 'D']);
    if digits.bytes().all(|byte| byte == b'0') { "0" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(added: &[(TotalKind, i64)]) -> LinkTotals {
        let plus =
            |totals: LinkTotals, (kind, minor): &(TotalKind, i64)| totals.plus(*kind, *minor);
        added.iter().try_fold(LinkTotals::default(), plus).unwrap()
    }

    /// The totals of V20.
    fn vector() -> LinkTotals {
        let mut added = vec![
            (TotalKind::Credit, 2_500),
            (TotalKind::Debit, 40_000),
            (TotalKind::Debit, 20_000),
            (TotalKind::Debit, 1_550),
            (TotalKind::DebitReversed, 20_000),
        ];
        added.extend([(TotalKind::Inquiry, 0); 2]);
        added.extend([(TotalKind::Authorisation, 100); 12]);
        totals(&added)
    }

    #[test]
    fn totals_are_the_fields_of_v20() {
        let fields = fields_of(&vector()).unwrap();
        let wanted = [
            (74, "0000000001"),
            (75, "0000000000"),
            (76, "0000000003"),
            (77, "0000000001"),
            (78, "0000000000"),
            (79, "0000000000"),
            (80, "0000000002"),
            (81, "0000000012"),
            (86, "0000000000002500"),
            (87, "0000000000000000"),
            (88, "0000000000061550"),
            (89, "0000000000020000"),
            (97, "D0000000000039050"),
        ];
        assert_eq!(fields, wanted.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn a_sum_that_does_not_fit_has_no_fields() {
        let least_too_large = 10_i64.pow(16);
        let fits = totals(&[(TotalKind::Credit, least_too_large - 1)]);
        let fields = fields_of(&fits).unwrap();
        assert_eq!(fields.last().unwrap().1, "C9999999999999999");
        assert_eq!(fields_of(&totals(&[(TotalKind::Debit, least_too_large)])), None);
    }

    #[test]
    fn given_values_are_compared_and_zero_has_no_sign() {
        let asked = |given: &[(u8, &str)]| Reconciliation {
            mti: "0500".into(),
            acquirer: "412345".into(),
            stan: "000103".into(),
            stamp: String::new(),
            settlement_date: None,
            currency: Currency::USD,
            given: given.iter().map(|(number, text)| (*number, (*text).to_owned())).collect(),
        };
        let own = fields_of(&vector()).unwrap();
        assert_eq!(asked(&[]).differences(&own), []);
        let given = [(76, "0000000003"), (80, "0000000001"), (97, "C0000000000039050")];
        let differing: Vec<_> =
            asked(&given).differences(&own).into_iter().map(|it| (it.field, it.own)).collect();
        assert_eq!(differing, [(80, "0000000002".into()), (97, "D0000000000039050".into())]);
        let nothing = fields_of(&LinkTotals::default()).unwrap();
        assert_eq!(asked(&[(97, "D0000000000000000")]).differences(&nothing), []);
    }
}
