//! The running sandbox whose enterprise is played: its address, and failed calls to it.

use std::path::Path;

use platform::Failure;
use platform::sandbox::{self, Known};
use sdk::{Operator, OperatorError};

/// The facts that the sandbox of the directory wrote about itself.
pub fn known(data_dir: &Path) -> Result<Known, Failure> {
    sandbox::read_file(data_dir)?.ok_or_else(|| {
        Failure::configuration(format_args!(
            "data-dir: {} holds no {}; it should be the directory of a running sandbox (start one \
             with `cardbridge serve`)",
            data_dir.display(),
            sandbox::FILE_NAME
        ))
    })
}

/// Refuses production, which has no sandbox API: nobody plays an enterprise there.
pub async fn require_sandbox(operator: &Operator) -> Result<(), Failure> {
    match operator.get("/sandbox/v1/clock").await {
        Ok(_) => Ok(()),
        Err(OperatorError::Refused { status: 404, .. }) => Err(Failure::configuration(
            "listen: the server is a production server; only a sandbox's enterprise is played",
        )),
        Err(error) => Err(failed(error)),
    }
}

/// The failure for a call to the sandbox that did not succeed.
pub fn failed(error: OperatorError) -> Failure {
    match error {
        OperatorError::Transport(_) => Failure::run(format_args!(
            "the sandbox does not answer (is `cardbridge serve` running?): {error}"
        )),
        OperatorError::Refused { status: 401, .. } => Failure::run(format_args!(
            "the sandbox refuses the admin_token of {} (is another sandbox at its address?): \
             {error}",
            sandbox::FILE_NAME
        )),
        OperatorError::Refused { .. } => Failure::run(format_args!("the sandbox refuses: {error}")),
        OperatorError::Malformed => {
            Failure::run(format_args!("what answers is no sandbox: {error}"))
        }
    }
}
