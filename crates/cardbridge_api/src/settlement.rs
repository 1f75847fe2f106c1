//! Links to reconciliation files, and the files behind them
//! (cardbridge-open-api.md sections 6.6.2 and 10).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use listener::shell::mark_route;
use reconciliation::SettlementFiles;
use store::{SettlementFile, SettlementLink, Store, StoreError};
use wire::cardbridge::query::Query;
use wire::cardbridge::settlement::{
    FORMAT, FileFormat, WantedFile, csv_header, file_name, push_csv,
};

use super::call::Call;
use super::reply::{Failure, Reply, Success, transport_failure};
use crate::state::ApiState;

/// The path of links: without a signature, since the token is the key.
const DOWNLOAD_PATH: &str = "/settlement-files/{token}";

/// The life of a link, in real time (cardbridge-open-api.md section 14, U39).
const LINK_LIFE_S: i64 = 15 * 60;
const TOKEN_BYTES: usize = 32;

/// `GET enterprise/v1/settlement-file-url`.
pub(crate) async fn file_url(call: Call<Query>) -> Reply<String> {
    let WantedFile { file_type, day, format } = WantedFile::of(&call.query()?)?;
    let (state, enterprise_id) = (&call.state, call.enterprise_id);
    let files = SettlementFiles::new(state.store.clone());
    let file = files.file(enterprise_id, day, file_type).await?;
    file.ok_or_else(|| Failure::illegal("there is no such file, or not yet"))?;
    let mut token = [0; TOKEN_BYTES];
    state.random.fill(&mut token);
    let token = URL_SAFE_NO_PAD.encode(token);
    let expires_at = state.store.clock().real_now().plus_seconds(LINK_LIFE_S);
    let link = SettlementLink { enterprise_id, day, file_type, expires_at };
    state.store.keep_settlement_link(crypto::sha256(token.as_bytes()), link).await?;
    let path = DOWNLOAD_PATH.replace("{token}", &token);
    let form = match format {
        FileFormat::Text => "",
        FileFormat::Csv => "?format=csv",
    };
    let base = state.settings.public_url.trim_end_matches('/');
    Ok(Success(format!("{base}{path}{form}")))
}

/// The route of every link.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Router::new().route(DOWNLOAD_PATH, get(download).route_layer(from_fn(mark_route)))
}

/// `GET` of a link.
async fn download(
    State(state): State<Arc<ApiState>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match find(&state.store, &token, query.as_deref()).await {
        Ok(Some((file, format))) => respond(&state.store, file, format, &headers),
        Ok(None) => transport_failure(StatusCode::NOT_FOUND),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// The file that a link's token names, and the form asked for; None if there is no such link, file
/// or form.
async fn find(
    store: &Store,
    token: &str,
    raw_query: Option<&str>,
) -> Result<Option<(SettlementFile, FileFormat)>, StoreError> {
    let format = match Query::parse(raw_query).ok().and_then(|query| query.text(FORMAT.name).ok()) {
        Some(Some(text)) => FileFormat::parse(&text),
        Some(None) => Some(FileFormat::Text),
        None => None,
    };
    let Some(format) = format else { return Ok(None) };
    let Some(link) = store.settlement_link(crypto::sha256(token.as_bytes())).await? else {
        return Ok(None);
    };
    let file = store.find::<SettlementFile>((link.enterprise_id, link.day, link.file_type)).await?;
    Ok(file.map(|file| (file, format)))
}

fn respond(
    store: &Store,
    file: SettlementFile,
    format: FileFormat,
    headers: &HeaderMap,
) -> Response {
    let tag = format!("\"{}-{}\"", hex::encode(file.sha256), format.extension());
    let mut response = Response::new(Body::empty());
    let name = file_name(file.file_type, file.day, format);
    let mut set = |name: HeaderName, text: &str| {
        // Names, digits and base64 are always header values.
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, "private, no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    match format {
        FileFormat::Text => {
            set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
            set(header::CONTENT_LENGTH, &file.size_bytes.to_string());
            let digest = format!("sha-256=:{}:", STANDARD.encode(file.sha256));
            set(HeaderName::from_static("repr-digest"), &digest);
        }
        FileFormat::Csv => set(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
    }
    *response.body_mut() = Reading::new(store.clone(), file, format).into_body();
    response
}

/// A file on its way out, one piece in memory.
struct Reading {
    store: Store,
    file: SettlementFile,
    format: FileFormat,
    next_piece: i64,
    /// For the CSV form: the incomplete line at the end of the last piece.
    unfinished: Vec<u8>,
    left_bytes: u64,
}

impl Reading {
    const fn new(store: Store, file: SettlementFile, format: FileFormat) -> Self {
        let left_bytes = file.size_bytes;
        Self { store, file, format, next_piece: 0, unfinished: Vec::new(), left_bytes }
    }

    fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(self, |mut reading| async move {
            let bytes = reading.next().await?;
            Ok::<_, StoreError>(bytes.map(|bytes| (bytes, reading)))
        }))
    }

    /// The next bytes; None at the end. If a file's pieces have gone, the connection breaks off, so
    /// nobody takes a part for the whole.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let header = (self.format == FileFormat::Csv && self.next_piece == 0)
            .then(|| csv_header(self.file.file_type));
        if self.left_bytes == 0 {
            self.next_piece += 1;
            return Ok(header.map(Bytes::from));
        }
        let (owner, file_id) = (self.file.enterprise_id, self.file.file_id);
        let piece = self.store.settlement_piece(owner, file_id, self.next_piece).await?;
        let piece = piece.ok_or(StoreError::Corrupt("the pieces of a reconciliation file"))?;
        self.next_piece += 1;
        self.left_bytes = self.left_bytes.saturating_sub(piece.len() as u64);
        Ok(Some(Bytes::from(match self.format {
            FileFormat::Text => piece,
            FileFormat::Csv => self.records(header.unwrap_or_default(), piece),
        })))
    }

    fn records(&mut self, mut records: Vec<u8>, piece: Vec<u8>) -> Vec<u8> {
        self.unfinished.extend(piece);
        let whole = self.unfinished.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = self.unfinished.split_off(whole);
        let lines = std::mem::replace(&mut self.unfinished, rest);
        for line in String::from_utf8_lossy(&lines).lines() {
            push_csv(&mut records, self.file.file_type, line);
        }
        records
    }
}
