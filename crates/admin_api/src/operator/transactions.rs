//! Posted transactions.

use domain::Posting;
use store::PostingFilter;

use super::authorisation_body::MerchantBody;
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::card_reference::{NamesCards, card_id_filter, named};
use crate::paging::Page;

answer_body! {
    /// Money that moved for good. Amounts are decimal texts in major units.
    pub(crate) struct TransactionBody of posting: &Posting {
        transaction_id: String = posting.transaction_id.to_string(),
        auth_id: String = posting.auth_id.to_string(),
        outs_id: String = posting.outs_id.to_string(),
        enterprise_id: String = posting.enterprise_id.to_string(),
        card_id: String = posting.card_id.to_string(),
        customer_id: String = posting.customer_id.to_string(),
        direction: String = posting.direction.to_string(),
        amount: String = posting.amount.to_major(),
        currency: String = posting.amount.currency().to_string(),
        acquirer_amount: String = posting.acquirer_amount.to_major(),
        acquirer_currency: String = posting.acquirer_amount.currency().to_string(),
        merchant: MerchantBody = MerchantBody::of(&posting.merchant),
        authorised_at: String = posting.authorised_at.to_string(),
        posted_at: String = posting.posted_at.to_string(),
    }
}

impl NamesCards for TransactionBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

/// `GET /admin/v1/transactions`.
pub(crate) async fn list(call: Call) -> Answer<Page<TransactionBody>> {
    let query = call.query()?;
    let filter = PostingFilter {
        card_id: card_id_filter(&call.state, &query).await?,
        enterprise_id: query.id("enterpriseId")?,
        auth_id: query.id("authId")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let rows = call.state.store.aside().postings(filter).await?;
    named(&call.state, Page::of(&query, &rows, TransactionBody::of, |row| row.transaction_id)?)
        .await
}

/// `GET /admin/v1/transactions/{id}`.
pub(crate) async fn read(call: Call) -> Answer<TransactionBody> {
    let posting =
        call.object("transaction", |id| call.state.store.find_of_anyone::<Posting>(id)).await?;
    named(&call.state, TransactionBody::of(&posting)).await
}
