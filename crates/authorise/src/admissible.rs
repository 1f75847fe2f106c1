//! The conditions of a message before anything else is checked: it names what its kind needs, and
//! what it names is of the right kind. Pure.

use domain::{AuthType, TransactionType};
use store::MoneyError;

use crate::request::{AuthorisationRequest, AuthoriseError};

/// Only an inquiry may have a zero amount.
pub(crate) fn require_authorisable(request: &AuthorisationRequest) -> Result<(), AuthoriseError> {
    let amount_minor = request.acquirer_amount.amount_minor();
    match request.transaction_type {
        TransactionType::Inquiry if amount_minor >= 0 => Ok(()),
        TransactionType::Cash | TransactionType::Purchase | TransactionType::Refund
            if amount_minor > 0 =>
        {
            Ok(())
        }
        _ => Err(AuthoriseError::Amount),
    }
}

/// Whatever is named as original must be something the request can follow. The store decides
/// whether it is still open, in the commit that takes the hold.
pub(crate) fn require_original(request: &AuthorisationRequest) -> Result<(), AuthoriseError> {
    let Some(original) = &request.original else {
        let needs_one = request.auth_type == AuthType::PreAuthCompletion;
        return if needs_one { Err(AuthoriseError::OriginalMissing) } else { Ok(()) };
    };
    let is_reservation = original.auth_type == AuthType::PreAuth && !original.is_increment();
    if !original.is_approved_purchase() {
        Err(MoneyError::NotApproved.into())
    } else if request.transaction_type == TransactionType::Refund {
        Ok(())
    } else if request.transaction_type == TransactionType::Inquiry {
        // An inquiry moves nothing, so it can neither raise nor complete anything.
        Err(AuthoriseError::NotIncrementable)
    } else if request.auth_type == AuthType::PreAuthCompletion {
        if is_reservation { Ok(()) } else { Err(AuthoriseError::NotReserved) }
    } else if original.is_increment() || original.is_completion() {
        Err(AuthoriseError::NotIncrementable)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::{AuthType, Currency, Merchant, Money};

    use super::*;
    use crate::network_facts::NetworkFacts;
    use crate::request::Presented;
    use crate::test_objects::card;

    #[test]
    fn only_an_inquiry_may_be_about_nothing() {
        let check = |transaction_type, minor| {
            require_authorisable(&AuthorisationRequest {
                card: card(),
                acquirer_amount: Money::new(minor, Currency::USD),
                billing: None,
                transaction_type,
                auth_type: AuthType::Normal,
                merchant: Merchant::default(),
                network_key: None,
                message: None,
                posts: false,
                original: None,
                not_followed: None,
                presented: Presented::default(),
                pin: None,
                network: NetworkFacts::default(),
                answer_by: None,
            })
            .is_ok()
        };
        for transaction_type in
            [TransactionType::Purchase, TransactionType::Cash, TransactionType::Refund]
        {
            assert!(check(transaction_type, 1));
            assert!(!check(transaction_type, 0));
            assert!(!check(transaction_type, -1));
        }
        assert!(check(TransactionType::Inquiry, 0));
        assert!(!check(TransactionType::Inquiry, -1));
    }
}
