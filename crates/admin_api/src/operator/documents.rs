//! Uploaded documents, for the operator's review.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use files::{FileError, Files, ObjectKey, StoredFile};
use http::{HeaderValue, StatusCode, header};

use crate::call::Call;
use crate::problem::Problem;

/// `GET /admin/v1/files/{objectKey}`.
pub(crate) async fn read(call: Call) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("file");
    let key: ObjectKey = call.id("file")?;
    match &*call.state.files {
        Files::Embedded(files) => Ok(saved(&key, files.read(&key).await?.ok_or_else(not_found)?)),
        Files::Bucket(bucket) => {
            elsewhere(&bucket.read_url(&key, call.state.store.clock().real_now()))
        }
    }
}

fn saved(key: &ObjectKey, file: StoredFile) -> Response {
    let headers = [
        (header::CONTENT_TYPE, key.file_type().media_type().to_owned()),
        (header::CONTENT_LENGTH, file.length_bytes().to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", key.file_name())),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Body::from_stream(file.pieces())).into_response()
}

fn elsewhere(url: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(url).map_err(|_| {
        tracing::error!("the bucket's address is no header value");
        Problem::internal()
    })?;
    let no_store = HeaderValue::from_static("no-store");
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)];
    Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        tracing::error!(%error, "an uploaded file could not be read");
        Self::internal()
    }
}
