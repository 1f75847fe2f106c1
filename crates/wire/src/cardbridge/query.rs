//! Query parameters of the detail operations.

use domain::normal_form;

use super::form;
use super::problem::{ParseError, Problem};
use super::reading::check_text;
use crate::field::MAX_TEXT_CHARS;

/// The parameters of a query string, decoded once and strictly. No name occurs twice.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`, or nothing.
    ///
    /// # Errors
    /// Ill-formed percent-encoding, text that is not UTF-8, too many parameters, or a
    /// name that occurs twice.
    pub fn parse(raw_query: Option<&str>) -> Result<Self, ParseError> {
        let pairs = form::decode_pairs(raw_query.unwrap_or_default())
            .ok_or_else(|| ParseError::new("query", Problem::NotAQuery))?;
        let repeated = pairs
            .iter()
            .enumerate()
            .any(|(index, (name, _))| pairs[..index].iter().any(|(earlier, _)| earlier == name));
        if repeated {
            return Err(ParseError::new("query parameter", Problem::Repeated));
        }
        Ok(Self(pairs))
    }

    /// A parameter; blank is none.
    ///
    /// # Errors
    /// Too long, or control characters.
    pub fn text(&self, name: &str) -> Result<Option<String>, ParseError> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        check_text(value, MAX_TEXT_CHARS).map_err(|problem| ParseError::new(name, problem))?;
        Ok(Some(value.clone()).filter(|text| !text.trim().is_empty()))
    }

    /// A caller-chosen reference that something is looked for by, in the form in which
    /// references are kept.
    ///
    /// # Errors
    /// As [`Query::text`].
    pub fn reference(&self, name: &str) -> Result<Option<String>, ParseError> {
        Ok(self.text(name)?.map(|text| normal_form(&text).into_owned()))
    }

    /// A required parameter.
    ///
    /// # Errors
    /// Missing, or as [`Query::text`].
    pub fn required(&self, name: &str) -> Result<String, ParseError> {
        self.text(name)?.ok_or_else(|| ParseError::new(name, Problem::Missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_by_name() {
        let query = Query::parse(Some("cardOrderRef=a+b%26c&empty=&other=1")).ok().unwrap();
        assert_eq!(query.text("cardOrderRef"), Ok(Some("a b&c".to_owned())));
        assert_eq!(query.text("empty"), Ok(None));
        assert_eq!(query.required("cardId").unwrap_err().to_string(), "cardId is missing");
    }

    #[test]
    fn a_repeated_name_is_refused_also_when_written_differently() {
        for bad in ["cardId=1&cardId=2", "cardId=1&card%49d=1"] {
            let error = Query::parse(Some(bad)).err().unwrap();
            assert_eq!(error.problem, Problem::Repeated, "{bad}");
        }
        let error = Query::parse(Some("a=%ZZ")).err().unwrap();
        assert_eq!(error.problem, Problem::NotAQuery);
    }
}
