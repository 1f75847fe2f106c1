//! A signature covers key, time, nonce and the body or query, but not the path. A request signed
//! for one operation must do nothing at another, so a field that belongs to others alone is
//! refused. Fields that no operation knows are passed over: clients may send their own.

use std::collections::{BTreeSet, HashMap};

use serde_json::value::RawValue;
use wire::cardbridge::form;

use super::authenticate::Signed;
use super::operation::{Input, Route};
use super::reply::Failure;

/// The fields that each operation reads, and those that all of its kind read.
pub(crate) struct ForeignFields {
    own: HashMap<&'static str, BTreeSet<&'static str>>,
    of_bodies: BTreeSet<&'static str>,
    of_queries: BTreeSet<&'static str>,
}

impl ForeignFields {
    /// The fields of this table's operations.
    pub(crate) fn of(table: &[Route]) -> Self {
        let mut fields =
            Self { own: HashMap::new(), of_bodies: BTreeSet::new(), of_queries: BTreeSet::new() };
        for route in table {
            let (own, all) = match &route.input {
                Input::Query(parameters) => {
                    (parameters.iter().map(|field| field.name).collect(), &mut fields.of_queries)
                }
                Input::Body(_, tables) => {
                    let of_bodies = tables.iter().flat_map(|table| table.fields);
                    let names = of_bodies.flat_map(|it| [it.name].into_iter().chain(it.older_name));
                    (names.collect::<BTreeSet<_>>(), &mut fields.of_bodies)
                }
            };
            all.extend(&own);
            fields.own.insert(route.path, own);
        }
        fields
    }

    /// Refuses a request with a field of other operations. A null or a blank text counts as absent,
    /// as everywhere in this dialect.
    pub(crate) fn check(&self, path: &str, is_get: bool, signed: &Signed) -> Result<(), Failure> {
        let Some(own) = self.own.get(path) else { return Ok(()) };
        let (names, all) = if is_get {
            (query_names(signed.raw_query.as_deref()), &self.of_queries)
        } else {
            (body_names(&signed.body), &self.of_bodies)
        };
        match names.iter().find(|name| !own.contains(name.as_str()) && all.contains(name.as_str()))
        {
            Some(name) => Err(Failure::illegal(format!("{name} belongs to another operation"))),
            None => Ok(()),
        }
    }
}

/// Names at the top of a body; the handler refuses a body that is not an object.
fn body_names(body: &[u8]) -> Vec<String> {
    let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    fields.into_iter().filter(|(_, json)| !is_absent(json)).map(|(name, _)| name).collect()
}

fn is_absent(json: &RawValue) -> bool {
    let text: Option<Option<String>> = serde_json::from_str(json.get()).ok();
    text.is_some_and(|text| text.is_none_or(|text| is_blank(&text)))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn query_names(raw_query: Option<&str>) -> Vec<String> {
    let pairs = form::decode_pairs(raw_query.unwrap_or_default()).unwrap_or_default();
    pairs.into_iter().filter(|(_, value)| !is_blank(value)).map(|(name, _)| name).collect()
}
