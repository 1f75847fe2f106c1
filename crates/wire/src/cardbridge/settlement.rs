//! Reconciliation files as bytes, and the link to them
//! (cardbridge-open-api.md sections 6.6.2 and 10).
//!
//! One row a line, fields separated by `>` with one more `>` after the last, LF, no
//! header, UTF-8. The same rows exist as CSV with a header.

use domain::{
    AuthorisationRow, BusinessDay, ErrorCode, Merchant, Money, Posting, SettlementFileType,
    Timestamp,
};

use super::problem::{ParseError, Problem};
use super::query::Query;
use crate::field;
use crate::field::{Field, Table};

/// Path of the link's operation; query [`FILE_QUERY`].
pub const FILE_URL_PATH: &str = "/open-api/enterprise/v1/settlement-file-url";

const SEPARATOR: char = '>';
/// Digits of a numeric currency code (ISO 4217).
const NUMERIC_CURRENCY_DIGITS: usize = 3;

const AUTHORISATION_COLUMNS: &[&str] = &[
    "auth_id",
    "customer_id",
    "card_id",
    "direction",
    "type",
    "transaction_type",
    "currency",
    "amount",
    "acquirer_currency",
    "acquirer_amount",
    "original_auth_id",
    "outs_id",
    "approve_status",
    "reject_reason",
    "merchant_id",
    "merchant_name_location",
    "mcc",
    "auth_time",
];

const TRANSACTION_COLUMNS: &[&str] = &[
    "transaction_id",
    "auth_id",
    "outs_id",
    "customer_id",
    "card_id",
    "direction",
    "currency",
    "amount",
    "acquirer_currency",
    "acquirer_amount",
    "merchant_id",
    "merchant_name_location",
    "mcc",
    "auth_time",
    "post_date",
];

/// The columns of a file in their order. The first one is the row's id.
#[must_use]
pub const fn columns(file_type: SettlementFileType) -> &'static [&'static str] {
    match file_type {
        SettlementFileType::Transaction => TRANSACTION_COLUMNS,
        SettlementFileType::Authorisation => AUTHORISATION_COLUMNS,
    }
}

/// The form in which a file is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileFormat {
    /// As cardbridge-open-api.md section 10 has it.
    #[default]
    Text,
    /// Comma-separated with a header (RFC 4180).
    Csv,
}

impl FileFormat {
    /// The name's ending, and the value of the parameter `format`.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Csv => "csv",
        }
    }

    /// Reads the value of the parameter `format`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Text, Self::Csv].into_iter().find(|format| format.extension() == text)
    }
}

/// `authorisation_20250812.txt`.
#[must_use]
pub fn file_name(file_type: SettlementFileType, day: BusinessDay, format: FileFormat) -> String {
    format!("{file_type}_{day}.{}", format.extension())
}

/// The query of `GET enterprise/v1/settlement-file-url`.
pub const FILE_QUERY: Table = Table::unnamed(&[
    Field::text("fileType", "transaction or authorisation").required(),
    Field::text("fileDate", "The UTC+8 day, yyyyMMdd").required(),
    FORMAT,
]);
/// The form of the file; this parameter is our own.
pub const FORMAT: Field = Field::text(
    "format",
    "txt (default), or csv for the same rows with a header; there what a merchant wrote has an \
     apostrophe before it where it begins with =, +, - or @",
);

/// The file that a caller of `settlement-file-url` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedFile {
    /// The type of file.
    pub file_type: SettlementFileType,
    /// Its day.
    pub day: BusinessDay,
    /// Its form; text if no form is named.
    pub format: FileFormat,
}

impl WantedFile {
    /// Reads the query.
    ///
    /// # Errors
    /// A parameter is missing, ill-formed or names no file type, day or form.
    pub fn of(query: &Query) -> Result<Self, ParseError> {
        let unknown = |field: Field| ParseError::new(field.name, Problem::NotAFile);
        let (file_type, day) = (field!(FILE_QUERY, "fileType"), field!(FILE_QUERY, "fileDate"));
        Ok(Self {
            file_type: query.required(file_type)?.parse().map_err(|_| unknown(file_type))?,
            day: query.required(day)?.parse().map_err(|_| unknown(day))?,
            format: match query.text(FORMAT.name)? {
                Some(text) => FileFormat::parse(&text).ok_or_else(|| unknown(FORMAT))?,
                None => FileFormat::default(),
            },
        })
    }
}

/// Appends the line of an authorisation.
pub fn push_authorisation(line: &mut Vec<u8>, it: &AuthorisationRow) {
    let mut row = Row(line);
    row.id(it.auth_id.as_i64());
    row.id(it.customer_id.as_i64());
    row.id(it.card_id.as_i64());
    row.plain(it.direction.as_str());
    row.plain(it.auth_type.as_str());
    row.plain(it.transaction_type.as_str());
    row.money(it.amount);
    row.money(it.acquirer_amount);
    match it.original_auth_id {
        Some(original) => row.id(original.as_i64()),
        None => row.plain(""),
    }
    row.id(it.outs_id.as_i64());
    row.plain(if it.is_approved { "A" } else { "D" });
    row.plain(it.reject_reason.map_or("", ErrorCode::as_str));
    row.merchant(&it.merchant);
    row.time(it.created_at);
    row.end();
}

/// Appends the line of a posted transaction.
pub fn push_transaction(line: &mut Vec<u8>, it: &Posting) {
    let mut row = Row(line);
    row.id(it.transaction_id.as_i64());
    row.id(it.auth_id.as_i64());
    row.id(it.outs_id.as_i64());
    row.id(it.customer_id.as_i64());
    row.id(it.card_id.as_i64());
    row.plain(it.direction.as_str());
    row.money(it.amount);
    row.money(it.acquirer_amount);
    row.merchant(&it.merchant);
    row.time(it.authorised_at);
    row.time(it.posted_at);
    row.end();
}

/// The fields of a line without its LF; `None` if it does not end as a row does.
#[must_use]
pub fn fields(line: &str) -> Option<Vec<&str>> {
    Some(line.strip_suffix(SEPARATOR)?.split(SEPARATOR).collect())
}

/// The header of the CSV form.
#[must_use]
pub fn csv_header(file_type: SettlementFileType) -> Vec<u8> {
    let mut header = columns(file_type).join(",").into_bytes();
    header.extend(b"\r\n");
    header
}

/// Columns with texts that others wrote.
const FOREIGN_COLUMNS: [&str; 3] = ["merchant_id", "merchant_name_location", "mcc"];
/// Characters that make a spreadsheet take a field for a formula.
const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];

/// Appends a line of the text form, without its LF, as a record of the CSV form. A field with a
/// comma or a quote is quoted; no field contains control characters. An apostrophe is put before a
/// text that others wrote if it begins like a formula.
pub fn push_csv(record: &mut Vec<u8>, file_type: SettlementFileType, line: &str) {
    let row = line.strip_suffix(SEPARATOR).unwrap_or(line);
    for (index, field) in row.split(SEPARATOR).enumerate() {
        if index > 0 {
            record.push(b',');
        }
        let column = columns(file_type).get(index).copied().unwrap_or_default();
        let is_formula =
            FOREIGN_COLUMNS.contains(&column) && field.trim_start().starts_with(FORMULA_STARTS);
        let mark = if is_formula { "'" } else { "" };
        if field.contains([',', '"']) {
            record.extend(format!("\"{mark}{}\"", field.replace('"', "\"\"")).into_bytes());
        } else {
            record.extend(mark.as_bytes());
            record.extend(field.as_bytes());
        }
    }
    record.extend(b"\r\n");
}

/// A line being written.
struct Row<'line>(&'line mut Vec<u8>);

impl Row<'_> {
    /// A field that holds no separator and no control character.
    fn plain(&mut self, text: &str) {
        self.0.extend(text.as_bytes());
        self.separator();
    }

    fn separator(&mut self) {
        self.0.push(SEPARATOR as u8);
    }

    /// Digits of a number, at least `least`, with zeros before it if it has fewer. Digit by digit:
    /// a large file has ten million of them, and general formatting costs more than reading the
    /// rows.
    fn digits(&mut self, mut number: u64, least: usize) {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        while number > 0 || digits.len() - first < least {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.0.extend(&digits[first..]);
    }

    fn id(&mut self, id: i64) {
        self.sign(id);
        self.digits(id.unsigned_abs(), 1);
        self.separator();
    }

    fn sign(&mut self, number: i64) {
        if number < 0 {
            self.0.push(b'-');
        }
    }

    /// A currency and an amount, as [`Money::to_major`] writes it.
    fn money(&mut self, money: Money) {
        let currency = money.currency();
        self.digits(u64::from(currency.numeric()), NUMERIC_CURRENCY_DIGITS);
        self.separator();
        let decimals = currency.exponent();
        let unit = 10_u64.pow(decimals);
        self.sign(money.amount_minor());
        let minor = money.amount_minor().unsigned_abs();
        self.digits(minor / unit, 1);
        if decimals > 0 {
            self.0.push(b'.');
            self.digits(minor % unit, decimals as usize);
        }
        self.separator();
    }

    /// A field that others wrote: characters that would end it are replaced by a space.
    fn foreign(&mut self, text: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != SEPARATOR as u8;
        if text.bytes().all(is_plain) {
            self.plain(text);
        } else {
            self.plain(&text.replace(|c: char| c == SEPARATOR || c.is_control(), " "));
        }
    }

    fn merchant(&mut self, merchant: &Merchant) {
        self.foreign(merchant.merchant_id.as_deref().unwrap_or_default());
        self.foreign(&merchant.name_and_place());
        self.foreign(merchant.mcc.as_deref().unwrap_or_default());
    }

    fn time(&mut self, moment: Timestamp) {
        self.plain(&moment.to_utc8());
    }

    fn end(self) {
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use domain::{CardId, Currency, CustomerId, EnterpriseId, OutsId, TransactionId};

    use super::*;

    fn posting() -> Posting {
        Posting {
            enterprise_id: EnterpriseId::from_i64(9),
            transaction_id: TransactionId::from_i64(1),
            auth_id: domain::AuthId::from_i64(2),
            outs_id: OutsId::from_i64(3),
            card_id: CardId::from_i64(5),
            customer_id: CustomerId::from_i64(4),
            direction: domain::Direction::Outgoing,
            amount: Money::new(2_050, Currency::SGD),
            acquirer_amount: Money::new(1_550, Currency::USD),
            merchant: Merchant {
                merchant_id: Some("M1".to_owned()),
                name: Some("A>B, \"C\"\n\u{7f}Ü".to_owned()),
                city: None,
                country: Some("SG".to_owned()),
                mcc: None,
            },
            authorised_at: Timestamp::parse_rfc3339("2025-01-15T02:30:00Z").unwrap(),
            posted_at: Timestamp::parse_rfc3339("2025-01-16T02:30:00Z").unwrap(),
        }
    }

    #[test]
    fn a_row_ends_with_a_separator_and_holds_none_inside_a_field() {
        let mut line = Vec::new();
        push_transaction(&mut line, &posting());
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            "1>2>3>4>5>OUTGOING>702>20.50>840>15.50>M1>A B, \"C\"  Ü SG>>\
             2025-01-15T10:30:00+08:00>2025-01-16T10:30:00+08:00>\n"
        );
        let fields = fields(line.trim_end_matches('\n')).unwrap();
        assert_eq!(fields.len(), columns(SettlementFileType::Transaction).len());
        assert_eq!((fields[0], fields[12]), ("1", ""));
    }

    proptest::proptest! {
        #[test]
        fn amounts_and_ids_are_written_as_everywhere_else(
            minor: i64,
            id: i64,
            numeric in proptest::sample::select(vec![8_u16, 36, 48, 392, 702, 840]),
        ) {
            let currency = Currency::from_numeric(numeric).unwrap();
            let money = Money::new(minor, currency);
            let mut line = Vec::new();
            let mut row = Row(&mut line);
            row.id(id);
            row.money(money);
            let expected = format!("{id}>{currency}>{}>", money.to_major());
            proptest::prop_assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
    }

    #[test]
    fn csv_quotes_what_would_split_a_field() {
        let mut record = Vec::new();
        push_csv(&mut record, SettlementFileType::Transaction, "1>a, \"b\">>");
        assert_eq!(record, b"1,\"a, \"\"b\"\"\",\r\n");
        let header = csv_header(SettlementFileType::Transaction);
        assert!(header.starts_with(b"transaction_id,auth_id,") && header.ends_with(b"\r\n"));
    }

    #[test]
    fn what_others_wrote_is_no_formula_in_a_spreadsheet() {
        let mut it = posting();
        it.amount = Money::new(-2_050, Currency::SGD);
        it.merchant = Merchant {
            merchant_id: Some("@SUM(A1)".to_owned()),
            name: Some("\t=HYPERLINK(\"x\",\"y\")".to_owned()),
            city: None,
            country: None,
            mcc: Some("-1".to_owned()),
        };
        let mut line = Vec::new();
        push_transaction(&mut line, &it);
        let line = String::from_utf8(line).unwrap();
        let mut record = Vec::new();
        push_csv(&mut record, SettlementFileType::Transaction, line.trim_end());
        let record = String::from_utf8(record).unwrap();
        let foreign = ",'@SUM(A1),\"' =HYPERLINK(\"\"x\"\",\"\"y\"\")\",'-1,";
        assert!(record.contains(foreign), "{record}");
        assert!(record.contains(",702,-20.50,840,15.50,"), "an amount stays one: {record}");
        assert!(line.contains(">@SUM(A1)> =HYPERLINK"), "as does the text form: {line}");
    }

    #[test]
    fn a_file_is_asked_for_by_type_and_day() {
        let parse = |raw_query| WantedFile::of(&Query::parse(raw_query)?);
        let query = parse(Some("fileType=authorisation&fileDate=20250812")).unwrap();
        let name = file_name(query.file_type, query.day, query.format);
        assert_eq!(name, "authorisation_20250812.txt");
        let csv = Some("fileType=transaction&fileDate=20250812&format=csv");
        assert_eq!(parse(csv).unwrap().format, FileFormat::Csv);
        for bad in [
            None,
            Some("fileType=transaction"),
            Some("fileDate=20250812"),
            Some("fileType=settlement&fileDate=20250812"),
            Some("fileType=transaction&fileDate=2025-08-12"),
            Some("fileType=transaction&fileDate=20250812&format=pdf"),
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
