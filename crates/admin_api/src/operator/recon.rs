//! Reconciliation: closing a day, and comparing its files with the ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{BusinessDay, Money};
use reconciliation::{
    ClosedDay, ClosedFile, CutError, Difference, FailedFile, FileReport, SettlementFiles,
    VerifyReport,
};
use serde::Serialize;
use store::ControlTotal;
use utoipa::ToSchema;

use crate::fields::Fields;
use crate::paging::ListQuery;
use crate::problem::Problem;
use crate::request_bodies::CLOSE_DAY;
use crate::state::ApiState;
use wire::field;

/// What the rows of one currency and direction come to, declined ones too.
#[derive(Serialize, ToSchema)]
#[schema(title = "ControlTotal")]
pub(crate) struct TotalBody {
    currency: String,
    direction: String,
    rows: u64,
    /// Decimal text in major units.
    amount: String,
}

impl From<&ControlTotal> for TotalBody {
    fn from(total: &ControlTotal) -> Self {
        Self {
            currency: total.currency.to_string(),
            direction: total.direction.to_string(),
            rows: total.rows,
            amount: Money::new(total.amount_minor, total.currency).to_major(),
        }
    }
}

/// A reconciliation file in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ClosedFile")]
pub(crate) struct ClosedFileBody {
    enterprise_id: String,
    /// `authorisation` or `transaction`.
    file_type: String,
    /// `yyyyMMdd`.
    file_date: String,
    rows: u64,
    totals: Vec<TotalBody>,
    /// Of the text form, in hexadecimal.
    sha256: String,
    size_bytes: u64,
    /// Whether the day was over: the file will not change any more.
    #[serde(rename = "final")]
    is_final: bool,
    /// Whether a final file stayed although its rows would make another one now.
    differs: bool,
}

impl From<&ClosedFile> for ClosedFileBody {
    fn from(closed: &ClosedFile) -> Self {
        let file = &closed.file;
        Self {
            enterprise_id: file.enterprise_id.to_string(),
            file_type: file.file_type.to_string(),
            file_date: file.day.to_string(),
            rows: file.rows,
            totals: file.totals.iter().map(TotalBody::from).collect(),
            sha256: hex::encode(file.sha256),
            size_bytes: file.size_bytes,
            is_final: file.is_final,
            differs: closed.differs,
        }
    }
}

/// A reconciliation file that could not be cut; the platform's log tells why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "FailedFile")]
pub(crate) struct FailedFileBody {
    enterprise_id: String,
    /// `authorisation` or `transaction`.
    file_type: String,
}

impl From<&FailedFile> for FailedFileBody {
    fn from(failed: &FailedFile) -> Self {
        Self {
            enterprise_id: failed.enterprise_id.to_string(),
            file_type: failed.file_type.to_string(),
        }
    }
}

/// The files of a day: two for each enterprise.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClosedDayBody {
    files: Vec<ClosedFileBody>,
    /// Those that could not be cut, which keep none of the others back.
    failed: Vec<FailedFileBody>,
}

impl From<&ClosedDay> for ClosedDayBody {
    fn from(closed: &ClosedDay) -> Self {
        Self {
            files: closed.files.iter().map(ClosedFileBody::from).collect(),
            failed: closed.failed.iter().map(FailedFileBody::from).collect(),
        }
    }
}

/// Cuts the files of a UTC+8 day, as far as it has come.
#[utoipa::path(post, path = "/admin/v1/recon/close-day", operation_id = "close_day", tag = "recon",
    request_body = ref("CloseDay"), responses((status = 200, body = ClosedDayBody)))]
pub(crate) async fn close_day(
    State(state): State<Arc<ApiState>>,
    body: Bytes,
) -> Result<Json<ClosedDayBody>, Problem> {
    let fields = Fields::parse_as(&CLOSE_DAY, &body)?;
    let day = begun(&state, &fields.required_text(field!(CLOSE_DAY, "date"))?)?;
    let closed = SettlementFiles::new(state.store.clone()).close_day(day).await?;
    Ok(Json(ClosedDayBody::from(&closed)))
}

/// A day that has begun.
fn begun(state: &ApiState, text: &str) -> Result<BusinessDay, Problem> {
    let day: BusinessDay =
        text.parse().map_err(|_| Problem::invalid("date must be a yyyyMMdd day"))?;
    if day > BusinessDay::of(state.store.clock().now()) {
        return Err(Problem::invalid("date has not begun"));
    }
    Ok(day)
}

/// One difference between a file and what the ledger says it should be.
#[derive(Serialize, ToSchema)]
// Field by field, since the description does not read a rule for the fields of all variants.
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum DifferenceBody {
    /// The day is not closed: there is no file.
    NoFile,
    /// The comparison broke off; the platform's log tells why.
    NotCompared,
    /// The ledger has a row that the file lacks.
    MissingRow {
        #[serde(rename = "rowId")]
        row_id: String,
    },
    /// The file has a row that the ledger lacks.
    ExtraRow {
        #[serde(rename = "rowId")]
        row_id: String,
    },
    /// A row has another value.
    Field {
        #[serde(rename = "rowId")]
        row_id: String,
        column: String,
        #[serde(rename = "inFile")]
        in_file: String,
        #[serde(rename = "inLedger")]
        in_ledger: String,
    },
    /// A line of the file, counted from 1, is no row.
    Unreadable { line: u64 },
    /// A control total kept with the file is not that of the ledger's rows.
    Total {
        what: String,
        #[serde(rename = "inFile")]
        in_file: String,
        #[serde(rename = "inLedger")]
        in_ledger: String,
    },
    /// The bytes of the file are not those whose hash is kept with it.
    Bytes,
    /// The ledger contradicts itself: transfers come to something else than rows.
    Ledger {
        #[serde(rename = "authId")]
        auth_id: String,
        #[serde(rename = "rowsMinor")]
        rows_minor: i64,
        #[serde(rename = "transfersMinor")]
        transfers_minor: i64,
    },
}

impl From<&Difference> for DifferenceBody {
    fn from(difference: &Difference) -> Self {
        match difference.clone() {
            Difference::NoFile => Self::NoFile,
            Difference::NotCompared => Self::NotCompared,
            Difference::MissingRow { row_id } => Self::MissingRow { row_id },
            Difference::ExtraRow { row_id } => Self::ExtraRow { row_id },
            Difference::Field { row_id, column, in_file, in_ledger } => {
                Self::Field { row_id, column: column.to_owned(), in_file, in_ledger }
            }
            Difference::Unreadable { line } => Self::Unreadable { line },
            Difference::Total { what, in_file, in_ledger } => {
                Self::Total { what, in_file, in_ledger }
            }
            Difference::Bytes => Self::Bytes,
            Difference::Ledger { auth_id, rows_minor, transfers_minor } => {
                Self::Ledger { auth_id, rows_minor, transfers_minor }
            }
        }
    }
}

/// The comparison of one file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileReportBody {
    enterprise_id: String,
    file_type: String,
    /// Rows that the ledger says there should be.
    rows: u64,
    totals: Vec<TotalBody>,
    difference_count: u64,
    /// The first thousand.
    differences: Vec<DifferenceBody>,
}

impl From<&FileReport> for FileReportBody {
    fn from(report: &FileReport) -> Self {
        Self {
            enterprise_id: report.enterprise_id.to_string(),
            file_type: report.file_type.to_string(),
            rows: report.rows,
            totals: report.totals.iter().map(TotalBody::from).collect(),
            difference_count: report.difference_count,
            differences: report.differences.iter().map(DifferenceBody::from).collect(),
        }
    }
}

/// The comparison of all files of a day with the ledger.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReconReportBody {
    ok: bool,
    date: String,
    files: Vec<FileReportBody>,
}

impl From<&VerifyReport> for ReconReportBody {
    fn from(report: &VerifyReport) -> Self {
        Self {
            ok: report.is_ok(),
            date: report.day.to_string(),
            files: report.files.iter().map(FileReportBody::from).collect(),
        }
    }
}

/// Builds the files of a day again from the ledger and explains every difference.
#[utoipa::path(get, path = "/admin/v1/recon/verify", operation_id = "verify_recon", tag = "recon",
    params(("date" = String, Query)), responses((status = 200, body = ReconReportBody)))]
pub(crate) async fn verify(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<ReconReportBody>, Problem> {
    let date = query.text("date")?.ok_or_else(|| Problem::invalid("date is missing"))?;
    let day = begun(&state, &date)?;
    let report = SettlementFiles::new(state.store.clone()).verify(day).await?;
    Ok(Json(ReconReportBody::from(&report)))
}

impl From<CutError> for Problem {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Store(error) => error.into(),
            error => {
                tracing::error!(%error, "a day's files could not be cut or compared");
                Self::internal()
            }
        }
    }
}
