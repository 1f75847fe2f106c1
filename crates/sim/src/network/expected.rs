//! What a script expects of a field.

use regex::Regex;
use toml::Value;

use super::value::Template;

/// An expectation.
pub enum Expected {
    /// `"*"`: the field is there.
    Present,
    /// `"re:..."`: its text matches.
    Matches(Regex),
    /// Its text, apart from blanks at the end, which fill a fixed format.
    Text(Template),
    /// One of these holds.
    AnyOf(Vec<Self>),
}

/// The longest regular expression, in bytes of its compiled form.
const MAX_REGEX_BYTES: usize = 1 << 20;

impl Expected {
    /// Reads a text or a list of texts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) if text == "*" => Ok(Self::Present),
            Value::String(text) => match text.strip_prefix("re:") {
                Some(pattern) => regex(pattern).map(Self::Matches),
                None => template(text).map(Self::Text),
            },
            Value::Array(values) if !values.is_empty() => {
                let all: Result<_, _> = values.iter().map(Self::parse).collect();
                all.map(Self::AnyOf)
            }
            _ => Err("should be a text or a list of texts".to_owned()),
        }
    }

    /// Every text in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::AnyOf(all) => all.iter().flat_map(Self::templates).collect(),
            Self::Present | Self::Matches(_) => Vec::new(),
        }
    }
}

fn regex(pattern: &str) -> Result<Regex, String> {
    let mut builder = regex::RegexBuilder::new(pattern);
    builder.size_limit(MAX_REGEX_BYTES);
    builder.build().map_err(|_| "is not a regular expression".to_owned())
}

fn template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    if !template.is_settled() {
        return Err("an expected value takes {NAME.11} and {VARIABLE} only".to_owned());
    }
    Ok(template)
}
