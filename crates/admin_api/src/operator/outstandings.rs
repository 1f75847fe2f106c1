//! Bills.

use domain::{Currency, Money, OutsId};
use store::Outstanding;

use super::{AuthorisationBody, TransactionBody};
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::card_reference::{NamesCards, named};
use crate::problem::Problem;

answer_body! {
    /// The bill that joins the authorisations and transactions of one purchase. Amounts are
    /// decimal texts in major units.
    #[schema(title = "Outstanding")]
    pub(crate) struct OutstandingBody of outs_id: OutsId, bill: &Outstanding, currency: Currency {
        outs_id: String = outs_id.to_string(),
        currency: String = currency.to_string(),
        /// Amount still set aside.
        auth_amount: String = Money::new(bill.held_minor, currency).to_major(),
        /// Amount spent, less what came back.
        amount: String = Money::new(bill.posted_minor, currency).to_major(),
        /// In order of arrival; the first 500.
        authorisations: Vec<AuthorisationBody> =
            bill.authorisations.iter().map(AuthorisationBody::of).collect(),
        /// In order; the first 500.
        transactions: Vec<TransactionBody> =
            bill.postings.iter().map(TransactionBody::of).collect(),
    }
}

impl NamesCards for OutstandingBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        let authorisations = self.authorisations.iter_mut().flat_map(NamesCards::cards);
        let transactions = self.transactions.iter_mut().flat_map(NamesCards::cards);
        authorisations.chain(transactions).collect()
    }
}

/// `GET /admin/v1/outstandings/{id}`.
pub(crate) async fn read(call: Call) -> Answer<OutstandingBody> {
    const WHAT: &str = "outstanding";
    let outs_id: OutsId = call.id(WHAT)?;
    let bill = call.object(WHAT, |id| call.state.store.outstanding(id)).await?;
    let first = bill.authorisations.first().ok_or_else(|| Problem::not_found(WHAT))?;
    named(&call.state, OutstandingBody::of(outs_id, &bill, first.amount.currency())).await
}
