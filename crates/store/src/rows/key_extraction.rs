//! The columns of a key's extraction and of the attempts at it.

use domain::{EnterpriseId, ExtractionAttempt, KeyExtraction};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of an extraction.
pub(crate) const KEY_EXTRACTION_COLUMNS: &str =
    "code_digest, enterprise_id, source_ip, created_at, expires_at, used_at";

/// Reads an extraction from [`KEY_EXTRACTION_COLUMNS`].
pub(crate) fn key_extraction_from(row: &Row) -> Result<KeyExtraction, StoreError> {
    let mut f = Fields::of(row);
    let corrupt = |_| StoreError::Corrupt("key_extraction.code_digest");
    Ok(KeyExtraction {
        code_digest: f.bytes()?.try_into().map_err(corrupt)?,
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        source_ip: f.parsed("key_extraction.source_ip")?,
        created_at: f.time()?,
        expires_at: f.time()?,
        used_at: f.opt_time()?,
    })
}

/// The values of an extraction for [`KEY_EXTRACTION_COLUMNS`].
pub(crate) fn key_extraction_values(extraction: &KeyExtraction) -> Vec<Value> {
    vec![
        extraction.code_digest.as_slice().into(),
        extraction.enterprise_id.into(),
        extraction.source_ip.to_string().into(),
        extraction.created_at.into(),
        extraction.expires_at.into(),
        extraction.used_at.into(),
    ]
}

/// The columns of an attempt.
pub(crate) const EXTRACTION_ATTEMPT_COLUMNS: &str =
    "enterprise_id, attempt_id, outcome, source_ip, api_key, attempted_at";

/// Reads an attempt from [`EXTRACTION_ATTEMPT_COLUMNS`].
pub(crate) fn extraction_attempt_from(row: &Row) -> Result<ExtractionAttempt, StoreError> {
    let mut f = Fields::of(row);
    Ok(ExtractionAttempt {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        attempt_id: f.int()?,
        outcome: f.parsed("key_extraction_attempt.outcome")?,
        source_ip: f.parsed("key_extraction_attempt.source_ip")?,
        api_key: f.opt_text()?,
        attempted_at: f.time()?,
    })
}

/// The values of an attempt for [`EXTRACTION_ATTEMPT_COLUMNS`].
pub(crate) fn extraction_attempt_values(attempt: &ExtractionAttempt) -> Vec<Value> {
    vec![
        attempt.enterprise_id.into(),
        attempt.attempt_id.into(),
        attempt.outcome.as_str().into(),
        attempt.source_ip.to_string().into(),
        attempt.api_key.as_ref().into(),
        attempt.attempted_at.into(),
    ]
}
