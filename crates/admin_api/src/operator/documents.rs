//! Uploaded documents, for those who judge them.

use axum::body::Body;
use axum::response::Response;
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
    let length_bytes = file.length_bytes();
    let mut response = Response::new(Body::from_stream(file.pieces()));
    let name = format!("attachment; filename=\"{}\"", key.file_name());
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static(key.file_type().media_type());
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, length_bytes.into());
    let name = HeaderValue::from_str(&name).expect("a key is plain ASCII");
    headers.insert(header::CONTENT_DISPOSITION, name);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn elsewhere(url: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(url).map_err(|_| {
        tracing::error!("the bucket's address is no header value");
        Problem::internal()
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        tracing::error!(%error, "an uploaded file could not be read");
        Self::internal()
    }
}
