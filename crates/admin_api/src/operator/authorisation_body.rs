//! An authorisation as operators and the sandbox see it.

use domain::{Authorisation, AuthorisationStatus, Merchant, Money};

use crate::answer_body::answer_body;
use crate::card_reference::NamesCards;

answer_body! {
    /// The shop.
    pub(crate) struct MerchantBody of merchant: &Merchant {
        merchant_id: Option<String> = merchant.merchant_id.clone(),
        name: Option<String> = merchant.name.clone(),
        city: Option<String> = merchant.city.clone(),
        country: Option<String> = merchant.country.clone(),
        mcc: Option<String> = merchant.mcc.clone(),
    }
}

answer_body! {
    /// An authorisation. Amounts are decimal texts in major units.
    pub(crate) struct AuthorisationBody of auth: &Authorisation {
        auth_id: String = auth.auth_id.to_string(),
        enterprise_id: String = auth.enterprise_id.to_string(),
        card_id: String = auth.card_id.to_string(),
        customer_id: String = auth.customer_id.to_string(),
        /// The bill it belongs to.
        outs_id: String = auth.outs_id.to_string(),
        /// What this one increments, reverses or refunds.
        original_auth_id: Option<String> = auth.original_auth_id.map(|id| id.to_string()),
        direction: String = auth.direction.to_string(),
        auth_type: String = auth.auth_type.to_string(),
        transaction_type: String = auth.transaction_type.to_string(),
        amount: String = auth.amount.to_major(),
        currency: String = auth.amount.currency().to_string(),
        acquirer_amount: String = auth.acquirer_amount.to_major(),
        acquirer_currency: String = auth.acquirer_amount.currency().to_string(),
        fx_rate: String = auth.fx_rate.clone(),
        merchant: MerchantBody = MerchantBody::of(&auth.merchant),
        stan: Option<String> =
            auth.network_key.as_ref().map(|key| key.stan.clone()),
        rrn: Option<String> =
            auth.network_key.as_ref().map(|key| key.rrn.clone()),
        /// `PENDING`, `APPROVED` or `DECLINED`.
        status: String = auth.status.to_string(),
        approved: bool = auth.status == AuthorisationStatus::Approved,
        /// `00`, `01`, `11` or `21`; null while pending.
        response_code: Option<String> = auth.response_code.map(|code| code.to_string()),
        /// `DAPI_AUTH_*` of a decline.
        reason: Option<String> = auth.reject_reason.map(|code| code.to_string()),
        /// What exactly led to the decision.
        detail: Option<String> = auth.detail(),
        auth_code: Option<String> = auth.auth_code.clone(),
        hold_state: String = auth.hold_state.to_string(),
        /// Amount still set aside.
        held_amount: String = billing(auth, auth.hold_remaining_minor),
        hold_expires_at: Option<String> = auth.hold_expires_at.map(|at| at.to_string()),
        posted_amount: String = billing(auth, auth.posted_minor),
        created_at: String = auth.created_at.to_string(),
        decided_at: Option<String> = auth.decided_at.map(|at| at.to_string()),
    }
}

impl NamesCards for AuthorisationBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

fn billing(auth: &Authorisation, amount_minor: i64) -> String {
    Money::new(amount_minor, auth.amount.currency()).to_major()
}
