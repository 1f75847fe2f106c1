//! One line of an export: an authorisation with all that is its own.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{AuthId, EnterpriseId};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{AtRest, ExportedRows};

/// The names of tables in a line; the first has one row.
const NAMES: [(&str, &str); 5] = [
    ("authorisation", "authorisation"),
    ("ledger_transfer", "transfers"),
    ("posting", "postings"),
    ("webhook", "webhooks"),
    ("webhook_attempt", "webhookAttempts"),
];

/// The line, without its end.
pub(crate) fn line(it: &AtRest) -> String {
    let mut line = Map::new();
    line.insert("enterpriseId".to_owned(), it.enterprise_id.to_string().into());
    line.insert("authId".to_owned(), it.auth_id.to_string().into());
    line.insert("digest".to_owned(), hex::encode(it.digest()).into());
    for table in &it.tables {
        let mut rows: Vec<_> = table.rows.iter().map(|row| object(table, row)).collect();
        let name = NAMES.iter().find(|(name, _)| *name == table.table);
        let name = name.map_or(table.table, |(_, name)| name).to_owned();
        let value = match rows.len() {
            1 if name == NAMES[0].1 => rows.remove(0),
            _ => Value::Array(rows),
        };
        line.insert(name, value);
    }
    Value::Object(line).to_string()
}

fn object(table: &ExportedRows, row: &[store::Value]) -> Value {
    let members = table.columns.iter().zip(row);
    Value::Object(members.map(|(column, value)| (camel(column), json(column, value))).collect())
}

/// The name of a column as the APIs write names.
fn camel(column: &str) -> String {
    let mut parts = column.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(part.len().min(1));
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

/// Ids are texts, as in the APIs: programs that read numbers as floats would round them. Texts of
/// JSON objects are these objects.
fn json(column: &str, value: &store::Value) -> Value {
    match value {
        store::Value::Null => Value::Null,
        store::Value::Int(id) if column.ends_with("_id") => id.to_string().into(),
        store::Value::Int(number) => (*number).into(),
        store::Value::Text(text) => of_text(text),
        store::Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => of_text(text),
            Err(_) => BASE64_STANDARD.encode(bytes).into(),
        },
    }
}

fn of_text(text: &str) -> Value {
    let is_object = text.starts_with('{');
    let object = is_object.then(|| serde_json::from_str(text).ok()).flatten();
    object.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// What deletion needs of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) auth_id: AuthId,
    pub(crate) digest: [u8; 32],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    enterprise_id: String,
    auth_id: String,
    digest: String,
}

/// Reads a line; None if it is none.
pub(crate) fn exported(line: &str) -> Option<Exported> {
    let head: Head = serde_json::from_str(line).ok()?;
    Some(Exported {
        enterprise_id: head.enterprise_id.parse().ok()?,
        auth_id: head.auth_id.parse().ok()?,
        digest: hex::decode(head.digest).ok()?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn a_line_says_what_its_rows_say() {
        let authorisation = ExportedRows {
            table: "authorisation",
            columns: &["auth_id", "amount_minor", "detail", "receipt", "late_answer"],
            rows: vec![vec![
                7_i64.into(),
                1_550_i64.into(),
                "approved".into(),
                "{\"outcome\":null}".into(),
                store::Value::Null,
            ]],
        };
        let webhooks = ExportedRows {
            table: "webhook",
            columns: &["webhook_id", "body"],
            rows: vec![vec![9_i64.into(), vec![0xff_u8].into()]],
        };
        let it = AtRest {
            enterprise_id: EnterpriseId::from_i64(5),
            auth_id: AuthId::from_i64(7),
            tables: vec![authorisation, webhooks],
        };
        let text = line(&it);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read,
            json!({
                "enterpriseId": "5", "authId": "7", "digest": hex::encode(it.digest()),
                "authorisation": {
                    "authId": "7", "amountMinor": 1_550, "detail": "approved",
                    "receipt": { "outcome": null }, "lateAnswer": null
                },
                "webhooks": [{ "webhookId": "9", "body": "/w==" }]
            })
        );
        let exported = exported(&text).unwrap();
        assert_eq!((exported.auth_id, exported.digest), (it.auth_id, it.digest()));
    }

    #[test]
    fn another_line_is_none() {
        for line in ["", "{}", r#"{"enterpriseId":"1","authId":"2","digest":"00"}"#] {
            assert_eq!(exported(line), None);
        }
    }
}
