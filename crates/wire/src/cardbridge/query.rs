//! Query parameters of the detail operations.

use domain::normal_form;

use super::form;
use super::problem::{ParseError, Problem};
use super::reading::check_text;
use crate::field::{Field, Kind, MAX_TEXT_CHARS};

/// A query about a card.
pub const CARD_ID: Field = Field::of("cardId", "The card", Kind::Id).required();
/// A query about a customer.
pub const CUSTOMER_ID: Field = Field::of("customerId", "The customer", Kind::Id).required();

/// The parameters of a query string, decoded once and strictly. No name occurs twice.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part after the `?`, if there is one.
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

    /// A parameter; `None` if it is missing or blank.
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

    /// A required parameter.
    ///
    /// # Errors
    /// Missing, or as [`Query::text`].
    pub fn required(&self, field: Field) -> Result<String, ParseError> {
        self.text(field.name)?.ok_or_else(|| ParseError::new(field.name, Problem::Missing))
    }

    /// The id and the reference of an object, at least one of both. The reference is given in the
    /// form in which references are kept.
    ///
    /// # Errors
    /// Neither is there, or as [`Query::text`].
    pub fn id_or_reference(
        &self,
        [id, reference]: &[Field; 2],
    ) -> Result<IdOrReference, ParseError> {
        let wanted = IdOrReference {
            id: self.text(id.name)?,
            reference: self.text(reference.name)?.map(|text| normal_form(&text).into_owned()),
        };
        if wanted.id.is_none() && wanted.reference.is_none() {
            let either = format!("{} or {}", id.name, reference.name);
            return Err(ParseError::new(either, Problem::Missing));
        }
        Ok(wanted)
    }
}

/// The object that is asked for. If both are there, they must name the same object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdOrReference {
    /// Its id.
    pub id: Option<String>,
    /// The caller's own reference.
    pub reference: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_by_name() {
        let query = Query::parse(Some("cardOrderRef=a+b%26c&empty=&other=1")).ok().unwrap();
        assert_eq!(query.text("cardOrderRef"), Ok(Some("a b&c".to_owned())));
        assert_eq!(query.text("empty"), Ok(None));
        assert_eq!(query.required(CARD_ID).unwrap_err().to_string(), "cardId is missing");
    }

    #[test]
    fn queries_name_a_card_or_a_customer() {
        let card = |raw_query| Query::parse(raw_query)?.required(CARD_ID);
        let customer = |raw_query| Query::parse(raw_query)?.required(CUSTOMER_ID);
        assert_eq!(card(Some("cardId=7")).as_deref(), Ok("7"));
        assert_eq!(customer(Some("customerId=8")).as_deref(), Ok("8"));
        assert_eq!(card(None).unwrap_err().to_string(), "cardId is missing");
        assert!(customer(Some("customerId=8&customerId=8")).is_err());
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
