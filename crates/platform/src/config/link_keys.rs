//! The keys of a `[[links]]` table, and the kinds of their values.

use std::collections::BTreeMap;

use ipnet::IpNet;
use iso8583::{FieldSet, FieldSettings, Packager};
use scheme::Target;
use serde::de::DeserializeOwned;
use store::MAX_LINK_RESPONSE_MS;
use toml::{Table, Value};

/// Longest name of a link or a network.
const MAX_NAME_BYTES: usize = 32;
/// Most networks that a link allows.
const MAX_ALLOWED: usize = 256;
/// Most prefixes that a link takes.
const MAX_PREFIXES: usize = 256;
/// Digits of the longest PAN.
const MAX_PREFIX_DIGITS: usize = 19;
/// Most addresses that a link connects to.
const MAX_TARGETS: usize = 16;
/// What they should be.
pub const TARGETS: &str = "addresses and ports such as 10.0.0.5:9001, at most 16";
/// The name of the simulated network, which no link has.
const SIMULATED: &str = "sandbox";

/// What a key holds.
pub enum Kind {
    Text,
    Flag,
    /// A whole number in this range.
    Number(i64, i64),
    NumberOrText,
    Texts,
    Numbers,
    Table,
    Tables,
}

use Kind::{Flag, Number, NumberOrText, Numbers, Tables, Text, Texts};

/// The keys that a link may have today. A key is here once it has an effect.
pub const KEYS: [(&str, Kind); 54] = [
    ("name", Text),
    ("network", Text),
    ("mode", Text),
    ("listen", Text),
    ("connect", Texts),
    ("connections", Number(1, 16)),
    ("max-connections", Number(1, 1_024)),
    ("allow", Texts),
    ("prefixes", Texts),
    ("dialect", Text),
    ("packager", Text),
    ("bitmap", Text),
    ("length", Text),
    ("length-includes-itself", Flag),
    ("header", NumberOrText),
    ("header-own", Text),
    ("header-answer", Text),
    ("keep-alive", Text),
    ("max-frame", Number(256, 65_535)),
    ("place", Text),
    ("strict", Flag),
    ("sign-on", Text),
    ("terminal", Text),
    ("acquirer", Text),
    ("echo-interval-s", Number(0, 86_400)),
    ("echo-timeout-ms", Number(100, 60_000)),
    ("idle-timeout-s", Number(0, 86_400)),
    ("frame-timeout-ms", Number(100, 60_000)),
    ("write-timeout-ms", Number(100, 60_000)),
    ("response-time-ms", Number(500, MAX_LINK_RESPONSE_MS)),
    ("answer-margin-ms", Number(0, 10_000)),
    ("no-answer-code", Text),
    ("answer-on", Text),
    ("max-in-flight", Number(1, 4_096)),
    ("max-advices-in-flight", Number(1, 4_096)),
    ("max-advices-waiting", Number(0, 65_536)),
    ("max-per-second", Number(1, 100_000)),
    ("max-forced-per-day", Kind::Table),
    ("multi-clearing", Flag),
    ("balance-required", Flag),
    ("echo", Numbers),
    ("fields", Kind::Table),
    ("processing-codes", Kind::Table),
    ("codes", Kind::Table),
    ("tls", Kind::Table),
    ("keys", Kind::Table),
    ("pin-block", Text),
    ("track-cvv", NumberOrText),
    ("cvv2", Kind::Table),
    ("chip-unverified", Text),
    ("emv", Tables),
    ("key-field", Number(48, 125)),
    ("mac", Text),
    ("mac-failure", Text),
];

impl Kind {
    /// What a value should be, unless it is that.
    fn refuses(&self, value: &Value) -> Option<String> {
        let is_whole = |value: &Value| value.as_integer().is_some_and(|it| it >= 0);
        let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(is));
        let (is_right, should_be) = match self {
            Text => (value.is_str(), "a text"),
            Flag => (value.is_bool(), "true or false"),
            NumberOrText => (value.is_str() || is_whole(value), "a number or a text"),
            Texts => (all(Value::is_str), "a list of texts"),
            Numbers => (all(Value::is_integer), "a list of numbers"),
            Self::Table => (value.is_table(), "a table"),
            Tables => (all(Value::is_table), "a list of tables"),
            Number(least, most) => {
                let is_right = value.as_integer().is_some_and(|it| (*least..=*most).contains(&it));
                return (!is_right).then(|| format!("a number from {least} to {most}"));
            }
        };
        (!is_right).then(|| should_be.to_owned())
    }
}

/// A key and what it should be.
pub type Refused = (String, String);

/// The refusal of a value.
pub fn wrong(key: &str, should_be: impl Into<String>) -> Refused {
    (format!("links.{key}"), should_be.into())
}

/// The keys of a table, spelt with dashes, each with a value of its kind.
pub struct Keys<'a>(BTreeMap<&'static str, &'a Value>);

impl<'a> Keys<'a> {
    pub fn new(table: &'a Table) -> Result<Self, Refused> {
        let mut keys = BTreeMap::new();
        for (written, value) in table {
            let spelt = written.replace('_', "-");
            let Some((key, kind)) = KEYS.iter().find(|(key, _)| *key == spelt) else {
                let names = KEYS.map(|(key, _)| key).join(", ");
                return Err(wrong(written, format!("one of {names}")));
            };
            if let Some(should_be) = kind.refuses(value) {
                return Err(wrong(key, should_be));
            }
            if keys.insert(*key, value).is_some() {
                return Err(wrong(key, "set once, with dashes or with underscores"));
            }
        }
        Ok(Self(keys))
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str()
    }

    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).copied()
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        self.0.get(key)?.as_integer()?.try_into().ok()
    }

    pub fn count(&self, key: &str) -> Option<usize> {
        self.number(key)?.try_into().ok()
    }

    pub fn parsed<T>(
        &self,
        key: &str,
        should_be: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| wrong(key, should_be))
    }

    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, Refused> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let find = |text: &str| choices.iter().find(|(word, _)| *word == text).map(|it| it.1);
        self.parsed(key, &format!("one of {}", words.join(", ")), find)
    }

    /// A name of a link or network.
    pub fn name(&self, key: &str) -> Result<Option<&'a str>, Refused> {
        let is_in = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let Some(text) = self.text(key) else { return Ok(None) };
        let is_right = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_in);
        if !is_right {
            return Err(wrong(key, "1 to 32 of a to z, 0 to 9 and -"));
        }
        if text == SIMULATED {
            return Err(wrong(key, format!("another name: {SIMULATED} is the simulated network")));
        }
        Ok(Some(text))
    }

    /// A list of at most `most` texts, each of which can be parsed.
    pub fn all_parsed<T>(
        &self,
        key: &str,
        most: usize,
        should_be: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Refused> {
        let Some(list) = self.0.get(key).and_then(|it| it.as_array()) else { return Ok(None) };
        let parsed: Option<Vec<_>> = list.iter().map(|value| parse(value.as_str()?)).collect();
        let parsed = parsed.filter(|it| it.len() <= most);
        parsed.map(Some).ok_or_else(|| wrong(key, should_be))
    }

    pub fn allow(&self) -> Result<Option<Vec<IpNet>>, Refused> {
        let network = |text: &str| {
            let single = || text.parse().map(|address: std::net::IpAddr| address.into());
            text.parse::<IpNet>().or_else(|_| single()).ok()
        };
        self.all_parsed("allow", MAX_ALLOWED, "networks such as 10.0.0.0/24", network)
    }

    /// The leading digits of PANs.
    pub fn prefixes(&self) -> Result<Option<Vec<String>>, Refused> {
        let is_right = |text: &str| {
            (1..=MAX_PREFIX_DIGITS).contains(&text.len())
                && text.bytes().all(|it| it.is_ascii_digit())
        };
        let prefix = |text: &str| is_right(text).then(|| text.to_owned());
        self.all_parsed("prefixes", MAX_PREFIXES, "leading digits of PANs such as 400099", prefix)
    }

    /// The entries of a table of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Refused> {
        let Some(table) = self.0.get(key).and_then(|it| it.as_table()) else {
            return Ok(Vec::new());
        };
        let entry = |(name, value): (&'a String, &'a Value)| {
            let text = value.as_str().ok_or_else(|| wrong(&format!("{key}.{name}"), "a text"))?;
            Ok((name.as_str(), text))
        };
        table.iter().map(entry).collect()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key)?.as_bool()
    }

    /// The addresses to connect to.
    pub fn targets(&self) -> Result<Option<Vec<Target>>, Refused> {
        self.all_parsed("connect", MAX_TARGETS, TARGETS, Target::parse)
    }

    /// Refuses the first of these keys that is there.
    pub fn refuse_all(&self, keys: &[&str], should_be: &str) -> Result<(), Refused> {
        let found = keys.iter().find(|key| self.0.contains_key(**key));
        found.map_or(Ok(()), |key| Err(wrong(key, should_be)))
    }

    pub fn echo(&self, packager: Packager) -> Result<Option<FieldSet>, Refused> {
        let Some(list) = self.0.get("echo").and_then(|it| it.as_array()) else { return Ok(None) };
        let field = |value: &Value| {
            let number = u8::try_from(value.as_integer()?).ok()?;
            packager.field(number).filter(|field| field.uses.is_repeated).map(|_| number)
        };
        let fields: Option<FieldSet> = list.iter().map(field).collect();
        let should_be = "fields that answers may repeat, such as 2, 3, 4, 7, 11";
        fields.map(Some).ok_or_else(|| wrong("echo", should_be))
    }

    /// The overrides of fields.
    pub fn fields(&self) -> Result<BTreeMap<String, FieldSettings>, Refused> {
        let Some(table) = self.0.get("fields").and_then(|it| it.as_table()) else {
            return Ok(BTreeMap::new());
        };
        let field = |(number, value): (&String, &Value)| {
            let settings = value.clone().try_into().map_err(|error: toml::de::Error| {
                let keys = "a table of enabled, format, digits, bytes, length, pad";
                wrong(&format!("fields.{number}"), format!("{keys}; {}", error.message()))
            })?;
            Ok((number.clone(), settings))
        };
        table.iter().map(field).collect()
    }

    /// A table inside this one; its keys are spelt with dashes or underscores.
    pub fn sub_table<T: DeserializeOwned>(
        &self,
        key: &str,
        should_be: &str,
    ) -> Result<Option<T>, Refused> {
        let table = self.0.get(key).and_then(|it| it.as_table());
        table.map(|table| read_table(key, table, should_be)).transpose()
    }

    /// The tables of a list, in the same way.
    pub fn sub_tables<T: DeserializeOwned>(
        &self,
        key: &str,
        should_be: &str,
    ) -> Result<Vec<T>, Refused> {
        let tables = self.0.get(key).and_then(|it| it.as_array()).into_iter().flatten();
        let tables = tables.filter_map(Value::as_table);
        tables.map(|table| read_table(key, table, should_be)).collect()
    }

    /// The keys that a part of the codec reads. Their kinds are right, so that it can read them.
    pub fn part<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let is_table = |key: &str| {
            KEYS.iter().any(|(own, kind)| *own == key && matches!(kind, Kind::Table | Tables))
        };
        let own = self.0.iter().filter(|(key, _)| !is_table(key));
        let table: Table = own.map(|(key, value)| ((*key).to_owned(), (*value).clone())).collect();
        table.try_into().map_err(|error: toml::de::Error| {
            ("links".to_owned(), format!("a table of the codec's keys; {}", error.message()))
        })
    }
}

/// Reads a table whose keys are spelt with dashes or underscores.
fn read_table<T: DeserializeOwned>(
    key: &str,
    table: &Table,
    should_be: &str,
) -> Result<T, Refused> {
    let mut spelt = Table::new();
    for (name, value) in table {
        let name = name.replace('_', "-");
        if spelt.insert(name.clone(), value.clone()).is_some() {
            let once = "set once, with dashes or with underscores";
            return Err(wrong(&format!("{key}.{name}"), once));
        }
    }
    let read = spelt.try_into();
    read.map_err(|error: toml::de::Error| wrong(key, format!("{should_be}; {}", error.message())))
}
