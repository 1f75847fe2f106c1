//! References of movements of money.

use domain::{EnterpriseId, check_new_reference};

use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::REFERENCE;
use crate::state::ApiState;

/// The operator's own reference, which moves money once in an enterprise. It is never normalised,
/// since that could swallow a movement; one that could be mistaken for another is refused, unless
/// money was moved under it before this rule existed.
pub(super) async fn reference_of_movement(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    fields: &Fields<'_>,
) -> Result<String, Problem> {
    let reference = fields.required_text(REFERENCE)?;
    match check_new_reference(&reference) {
        Err(fault) if !state.store.has_moved(enterprise_id, &reference).await? => {
            Err(fields.wrong(REFERENCE, fault.to_string()))
        }
        Ok(()) | Err(_) => Ok(reference),
    }
}
