//! Reconciliation: closing a day, and comparing its files with the ledger.

use axum::Json;
use domain::{BusinessDay, Money};
use reconciliation::{
    ClosedDay, ClosedFile, CutError, Difference, FailedFile, FileReport, SettlementFiles,
    VerifyReport,
};
use serde::Serialize;
use store::ControlTotal;
use utoipa::ToSchema;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::problem::Problem;
use crate::request_bodies::CLOSE_DAY;
use crate::state::ApiState;
use wire::field;

answer_body! {
    /// The total of the rows of one currency and direction, declined ones too.
    #[schema(title = "ControlTotal")]
    pub(crate) struct TotalBody of total: &ControlTotal {
        currency: String = total.currency.to_string(),
        direction: String = total.direction.to_string(),
        rows: u64 = total.rows,
        /// Decimal text in major units.
        amount: String = Money::new(total.amount_minor, total.currency).to_major(),
    }
}

answer_body! {
    /// A reconciliation file in force.
    #[schema(title = "ClosedFile")]
    pub(crate) struct ClosedFileBody of closed: &ClosedFile {
        enterprise_id: String = closed.file.enterprise_id.to_string(),
        /// `authorisation` or `transaction`.
        file_type: String = closed.file.file_type.to_string(),
        /// `yyyyMMdd`.
        file_date: String = closed.file.day.to_string(),
        rows: u64 = closed.file.rows,
        totals: Vec<TotalBody> = closed.file.totals.iter().map(TotalBody::of).collect(),
        /// Of the text form, in hexadecimal.
        sha256: String = hex::encode(closed.file.sha256),
        size_bytes: u64 = closed.file.size_bytes,
        /// Whether the day was over: the file no longer changes.
        #[serde(rename = "final")]
        is_final: bool = closed.file.is_final,
        /// Whether a final file stayed although its rows would make another one now.
        differs: bool = closed.differs,
    }
}

answer_body! {
    /// A reconciliation file that could not be cut; the platform's log tells why.
    #[schema(title = "FailedFile")]
    pub(crate) struct FailedFileBody of failed: &FailedFile {
        enterprise_id: String = failed.enterprise_id.to_string(),
        /// `authorisation` or `transaction`.
        file_type: String = failed.file_type.to_string(),
    }
}

answer_body! {
    /// The files of a day: two for each enterprise.
    pub(crate) struct ClosedDayBody of closed: &ClosedDay {
        files: Vec<ClosedFileBody> = closed.files.iter().map(ClosedFileBody::of).collect(),
        /// Those that could not be cut; the others are cut nevertheless.
        failed: Vec<FailedFileBody> = closed.failed.iter().map(FailedFileBody::of).collect(),
    }
}

/// `POST /admin/v1/recon/close-day`.
pub(crate) async fn close_day(call: Call) -> Answer<ClosedDayBody> {
    let fields = call.fields()?;
    let day = begun(&call.state, &fields.required_text(field!(CLOSE_DAY, "date"))?)?;
    let closed = SettlementFiles::new(call.state.store.clone()).close_day(day).await?;
    Ok(Json(ClosedDayBody::of(&closed)))
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
// Fields are renamed one by one, since `ToSchema` ignores `rename_all_fields`.
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
    /// A line of the file, counted from 1, is not a row.
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
    /// The ledger contradicts itself: the total of transfers is not that of rows.
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

answer_body! {
    /// The comparison of one file.
    pub(crate) struct FileReportBody of report: &FileReport {
        enterprise_id: String = report.enterprise_id.to_string(),
        file_type: String = report.file_type.to_string(),
        /// Rows that the ledger says there should be.
        rows: u64 = report.rows,
        totals: Vec<TotalBody> = report.totals.iter().map(TotalBody::of).collect(),
        difference_count: u64 = report.difference_count,
        /// The first thousand.
        differences: Vec<DifferenceBody> =
            report.differences.iter().map(DifferenceBody::from).collect(),
    }
}

answer_body! {
    /// The comparison of all files of a day with the ledger.
    pub(crate) struct ReconReportBody of report: &VerifyReport {
        ok: bool = report.is_ok(),
        date: String = report.day.to_string(),
        files: Vec<FileReportBody> = report.files.iter().map(FileReportBody::of).collect(),
    }
}

/// `GET /admin/v1/recon/verify`.
pub(crate) async fn verify(call: Call) -> Answer<ReconReportBody> {
    let query = call.query()?;
    let date = query.text("date")?.ok_or_else(|| Problem::invalid("date is missing"))?;
    let day = begun(&call.state, &date)?;
    let retained_from = call.state.store.retained_from().await?;
    if let Some(moment) = retained_from.filter(|moment| day.start() < *moment) {
        return Err(Problem::invalid(format!(
            "date is before {}: rows of such days are exported and deleted",
            moment.to_utc8()
        )));
    }
    let report = SettlementFiles::new(call.state.store.clone()).verify(day).await?;
    Ok(Json(ReconReportBody::of(&report)))
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
