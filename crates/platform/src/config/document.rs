//! A TOML file of options. Unknown keys are refused: otherwise a misspelt key would silently leave
//! a default in force.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::sections::{FxSection, S3Section, Section as _, SmtpSection, VmSection};
use crate::failure::Failure;

/// Options that a file may set; in a file a key may also be spelt with underscores.
const OPTIONS: [&str; 24] = [
    "mode",
    "kyc",
    "data-dir",
    "database-url",
    "read-database-url",
    "database-durability",
    "database-connections",
    "database-pooler",
    "listen",
    "admin-listen",
    "iso-listen",
    "public-url",
    "trusted-proxies",
    "signature-window-ms",
    "drain",
    "retention-months",
    "export-dir",
    "export-s3-prefix",
    "admin-token-file",
    "master-key-file",
    "outbound-allow",
    "node",
    "accept-clock-ahead",
    "log",
];

/// Options whose value in a file is a number.
const NUMBERS: [&str; 5] =
    ["node", "signature-window-ms", "drain", "retention-months", "database-connections"];

/// A parsed file.
pub struct Document {
    name: String,
    options: BTreeMap<&'static str, String>,
    fx: Option<FxSection>,
    smtp: Option<SmtpSection>,
    s3: Option<S3Section>,
    vm: Option<VmSection>,
    links: Vec<Value>,
}

impl Document {
    /// Parses a file's text; `name` is the file's name in failures.
    ///
    /// # Errors
    /// A line that names the file and the key.
    pub fn parse(name: &str, text: &str) -> Result<Self, Failure> {
        let refused = |line: String| Failure::configuration(format_args!("{name}: {line}"));
        let mut table: Table = text.parse().map_err(|error| refused(syntax(text, &error)))?;
        let mut document = Self {
            name: name.to_owned(),
            options: BTreeMap::new(),
            fx: None,
            smtp: table.remove("smtp").map(SmtpSection::read).transpose().map_err(refused)?,
            s3: table.remove("s3").map(S3Section::read).transpose().map_err(refused)?,
            vm: table.remove("vm").map(VmSection::read).transpose().map_err(refused)?,
            links: table
                .remove("links")
                .map(link_tables)
                .transpose()
                .map_err(refused)?
                .unwrap_or_default(),
        };
        for option in OPTIONS {
            if let Some(value) = take(&mut table, option).map_err(refused)? {
                document.options.insert(option, option_text(option, value).map_err(refused)?);
            }
        }
        if let Some(fx) = table.remove("fx") {
            let section = fx.try_into::<FxSection>().map_err(|error| {
                let problem = error.message();
                refused(format!(
                    "fx: should be rates = [{{from, to, rate}}, ...] or \
                     per-usd = {{SGD = ...}}; {problem}"
                ))
            })?;
            document.fx = Some(section);
        }
        match table.keys().next() {
            None => Ok(document),
            Some(key) => Err(refused(format!(
                "{key}: unknown key; it should be one of {}, fx, smtp, s3, vm, links",
                OPTIONS.join(", ")
            ))),
        }
    }

    /// The file's name in failures.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of an option.
    pub fn option(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(String::as_str)
    }

    /// The `[fx]` table.
    pub const fn fx(&self) -> Option<&FxSection> {
        self.fx.as_ref()
    }

    /// The `[smtp]` table.
    pub const fn smtp(&self) -> Option<&SmtpSection> {
        self.smtp.as_ref()
    }

    /// The `[s3]` table.
    pub const fn s3(&self) -> Option<&S3Section> {
        self.s3.as_ref()
    }

    /// The `[vm]` table.
    pub const fn vm(&self) -> Option<&VmSection> {
        self.vm.as_ref()
    }

    /// The `[[links]]` tables.
    pub fn links(&self) -> &[Value] {
        &self.links
    }
}

/// The `[[links]]` tables.
fn link_tables(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(tables) if tables.iter().all(Value::is_table) => Ok(tables),
        _ => Err("links: should be a list of tables, [[links]]".to_owned()),
    }
}

/// Takes an option under either spelling.
fn take(table: &mut Table, option: &str) -> Result<Option<Value>, String> {
    let dashed = table.remove(option);
    let underscored = table.remove(&option.replace('-', "_"));
    if dashed.is_some() && underscored.is_some() {
        return Err(format!("{option}: should be set once, with dashes or with underscores"));
    }
    Ok(dashed.or(underscored))
}

fn option_text(option: &str, value: Value) -> Result<String, String> {
    match (option, value) {
        (_, Value::String(text)) => Ok(text),
        (option, Value::Integer(number)) if NUMBERS.contains(&option) => Ok(number.to_string()),
        ("accept-clock-ahead", Value::Boolean(flag)) => Ok(flag.to_string()),
        (option, _) if NUMBERS.contains(&option) => Err(format!("{option}: should be a number")),
        ("trusted-proxies" | "outbound-allow", Value::Array(items)) => items
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.join(","))
            .ok_or_else(|| format!("{option}: should be a list of texts")),
        (_, other) => Err(format!("{option}: should be a text, not {}", other.type_str())),
    }
}

/// Describes the syntax error, with its line.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
    format!("line {line}: {}", error.message())
}
