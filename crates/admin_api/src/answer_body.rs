//! Bodies of answers that show a record of the domain.

/// Declares a body with what each of its fields shows of a record, or of several. The comments
/// above the body and its fields are served in the document; names are camelCase on the wire.
///
/// ```text
/// answer_body! {
///     /// A job that was given up.
///     pub(crate) struct ParkedJobBody of job: &Job {
///         job_id: String = job.job_id.to_string(),
///         /// How often it was tried.
///         attempts: u32 = job.attempts,
///     }
/// }
///
/// let body = ParkedJobBody::of(&job);
/// ```
macro_rules! answer_body {
    (
        $(#[$about:meta])+
        pub(crate) struct $body:ident of $($record:ident: $from:ty),+ {
            $($(#[$told:meta])* $field:ident: $type:ty = $shown:expr),+
            $(,)?
        }
    ) => {
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        $(#[$about])+
        pub(crate) struct $body {
            $($(#[$told])* $field: $type,)+
        }

        impl $body {
            /// Shows a record.
            pub(crate) fn of($($record: $from),+) -> Self {
                Self { $($field: $shown,)+ }
            }
        }
    };
}
pub(crate) use answer_body;
