//! The route of the document that describes an API.

use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde::Serialize;

/// A route that gives a document to anybody. The document is rendered once: otherwise a caller
/// without any credential could make the platform render it again and again.
pub fn document_route<S: Clone + Send + Sync + 'static>(
    document: &impl Serialize,
) -> MethodRouter<S> {
    let text = serde_json::to_vec(document).expect("a document of objects, lists and texts");
    let text = Bytes::from(text);
    get(move || std::future::ready(([(CONTENT_TYPE, "application/json")], text.clone())))
}
