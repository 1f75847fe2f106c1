//! Dialect 2: its apps and products, its cards with their money and limits, the codes of its
//! challenges, and its lists (vm-api.md).

mod apps;
mod card_changes;
mod card_ids;
mod cards;
mod challenges;
mod flow_rows;
mod flows;
mod limits;
mod listings;
mod secrets;

pub use apps::{VmAppAccount, VmAppPatch, VmBalances, VmFeePatch, VmFeesPatch, VmProductError};
pub use card_changes::{ChangeVmCard, VmCardOperation};
pub use cards::{OpenVmCard, VmCardError, VmCardView};
pub use challenges::{ChallengeCode, TypedCode};
pub(crate) use flow_rows::insert_flows;
pub use flows::VmFlowPage;
pub use limits::VmLimitChange;
pub use listings::{VmCardFilter, VmCardRow, VmPage, VmRows, VmStanding, VmTransactionFilter};
