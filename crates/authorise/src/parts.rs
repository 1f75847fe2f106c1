//! Increments and refunds: parts of a bill. However many there are, their sum in the card's
//! currency is what the whole would convert to.

use domain::{FxTable, Money, TransactionType};
use store::{PartsOf, Store};
use tokio::sync::{Mutex, MutexGuard};

use crate::convert::{Conversion, ConversionFault, billed, convert, convert_part};
use crate::request::{AuthorisationRequest, AuthoriseError};

/// Bills that may take parts concurrently.
const TURNS: usize = 64;

/// Locks for parts, each shared by the bills whose ids have the same remainder.
pub(crate) struct PartTurns([Mutex<()>; TURNS]);

impl Default for PartTurns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl PartTurns {
    /// The lock of a part's bill, held until the part's hold is taken: each part is converted after
    /// the earlier ones.
    pub(crate) async fn take(&self, request: &AuthorisationRequest) -> Option<MutexGuard<'_, ()>> {
        let bill = request.original.as_ref().filter(|_| request.is_part())?.outs_id;
        let Self(turns) = self;
        let turn = bill.as_i64().unsigned_abs() % turns.len() as u64;
        Some(turns[usize::try_from(turn).ok()?].lock().await)
    }
}

/// The amount in the card's currency.
pub(crate) async fn converted(
    store: &Store,
    request: &AuthorisationRequest,
    table: &FxTable,
) -> Result<Result<Conversion, ConversionFault>, AuthoriseError> {
    let (amount, to) = (request.acquirer_amount, request.card.currency);
    if let Some(billing) = request.billed() {
        return Ok(billed(billing, amount, request.is_part()));
    }
    if !request.is_part() {
        return Ok(convert(amount, to, table));
    }
    let before_minor = match &request.original {
        Some(original) if amount.currency() != to => {
            let of = PartsOf {
                outs_id: original.outs_id,
                is_refund: request.transaction_type == TransactionType::Refund,
                currency: amount.currency(),
            };
            store.parts_so_far_minor(of).await?
        }
        _ => 0,
    };
    Ok(convert_part(Money::new(before_minor, amount.currency()), amount, to, table))
}
