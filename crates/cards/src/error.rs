//! Why a request about orders or cards was refused.

use domain::{
    CardEvent, CardTransitionError, ErrorCode, IntentTransitionError, KycTransitionError,
};
use store::{
    CardChangeError, CreateCustomerError, PinChangeError, PlaceOrderError, PlaceReplacementError,
    PlasticError, StoreError,
};
use thiserror::Error;
use vault::VaultError;

/// Why a request about orders or cards was refused.
#[derive(Debug, Clone, Error)]
pub enum CardsError {
    /// No application is accepted while nobody checks the identity of applicants.
    #[error(
        "applications for cards are refused: nobody checks the identity of applicants; the \
         operator of this platform must set `kyc`"
    )]
    NobodyChecks,
    /// The caller's own reference is already in use.
    #[error("card order reference already used")]
    OrderRefTaken,
    /// The application names no profile of this enterprise.
    #[error("card profile not found")]
    ProfileNotFound,
    /// The profile does not serve the applicant's country.
    #[error("the profile does not serve this country")]
    CountryNotServed,
    /// Neither e-mail nor phone is given.
    #[error("neither e-mail nor phone is given")]
    ContactMissing,
    /// Not a phone number.
    #[error("not a phone number")]
    PhoneInvalid,
    /// Not an e-mail address.
    #[error("not an e-mail address")]
    EmailInvalid,
    /// Another customer has this e-mail.
    #[error("e-mail already used")]
    EmailTaken,
    /// Another customer has this phone.
    #[error("phone already used")]
    PhoneTaken,
    /// The customer reference names a customer with other data.
    #[error("customer reference already used")]
    CustomerRefTaken,
    /// No such customer of this enterprise.
    #[error("customer not found")]
    CustomerNotFound,
    /// No such order of this enterprise.
    #[error("card order not found")]
    OrderNotFound,
    /// No such card of this enterprise.
    #[error("card not found")]
    CardNotFound,
    /// The source card of an order does not exist.
    #[error("original card not found")]
    OriginalNotFound,
    /// Only a virtual card can have a physical twin.
    #[error("the original card is not virtual")]
    OriginalNotVirtual,
    /// The source card of an order is not ACTIVATED.
    #[error("the original card is not activated")]
    OriginalNotActivated,
    /// The source card's profile is gone.
    #[error("the card's profile is not found")]
    CardProfileNotFound,
    /// The profile has no such layout.
    #[error("card layout not found")]
    LayoutNotFound,
    /// An order in place of the card is open, or the card already has its physical twin.
    #[error("an order in place of this card is open")]
    OpenOrder,
    /// The card has ended.
    #[error("the card has ended")]
    Ended,
    /// The card was already activated, or has ended.
    #[error("the card does not wait for its activation")]
    NotWaiting,
    /// The card is not embossed.
    #[error("the card is not embossed")]
    NotEmbossed,
    /// Another record stops the card's number, or the card is expired.
    #[error("the card's number is stopped or expired")]
    ActivationRefused,
    /// The caller's own reference of a ticket is already in use.
    #[error("ticket reference already used")]
    TicketRefTaken,
    /// Another ticket on the same subject is still open.
    #[error("another ticket is still open")]
    TicketOngoing,
    /// No such KYC ticket.
    #[error("no such KYC ticket")]
    KycTicketNotFound,
    /// The KYC data is insufficient; the text names the field, never its value.
    #[error("{0}")]
    KycInfoInvalid(&'static str),
    /// The KYC ticket's state does not allow it.
    #[error(transparent)]
    KycTransition(#[from] KycTransitionError),
    /// The sealed data cannot be opened.
    #[error("what is kept cannot be read")]
    Unreadable,
    /// No such intent ticket.
    #[error("no such intent ticket")]
    IntentTicketNotFound,
    /// The intent ticket's state does not allow it.
    #[error(transparent)]
    IntentTransition(#[from] IntentTransitionError),
    /// The business id names no order that waits for evidence.
    #[error("no card order that waits for evidence")]
    EddOrderIncorrect,
    /// The business id names no card that evidence can be given for.
    #[error("no card that evidence can be given for")]
    EddCardIncorrect,
    /// The order was finally refused.
    #[error("the EDD of this order was refused")]
    EddRejected,
    /// The card's state does not allow it.
    #[error(transparent)]
    Transition(#[from] CardTransitionError),
    /// Only a physical card supports this.
    #[error("the card is not physical")]
    NotPhysical,
    /// The card's state does not allow access to its data or PIN.
    #[error("the card is not activated")]
    NotActivated,
    /// A PIN is set although there should be none, or missing although there should be one.
    #[error("the card already has a PIN, or has none to replace")]
    OtherPinThere,
    /// The new PIN is not four digits.
    #[error("a PIN is four digits")]
    PinForm,
    /// The proof that the card is the holder's is not accepted; the error does not say which part
    /// is wrong, if any.
    #[error("the card's data do not match")]
    ProofRefused,
    /// A page would ask for a one-time password, but none can be sent to the customer.
    #[error("no one-time password can be sent to this customer")]
    CustomerOutOfReach,
    /// The store lacks a record that must be there.
    #[error("missing: {0}")]
    Missing(&'static str),
    /// Something sealed cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A field is missing or its value names nothing; the text names the field, never its value.
    #[error("{0}")]
    IllegalField(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CardsError {
    /// The dialect's code (cardbridge-open-api.md sections 6.1.1, 6.1.4 and 6.2).
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::OrderRefTaken => ErrorCode::CardOrderRefAlreadyExists,
            Self::ProfileNotFound => ErrorCode::CardOrderProfileNotFound,
            Self::CountryNotServed => ErrorCode::CardProfileNotSupportingCountryCodes,
            Self::ContactMissing => ErrorCode::CustomerEmailOrPhoneRequired,
            Self::PhoneInvalid => ErrorCode::PhoneInvalid,
            Self::EmailInvalid => ErrorCode::EmailInvalid,
            Self::EmailTaken => ErrorCode::EmailAlreadyExists,
            Self::PhoneTaken => ErrorCode::PhoneAlreadyExists,
            Self::CustomerRefTaken => ErrorCode::CustomerRefNotUnique,
            Self::CustomerNotFound => ErrorCode::CustomerNotFound,
            Self::OrderNotFound => ErrorCode::CardOrderNotFound,
            Self::CardNotFound => ErrorCode::CardNotFound,
            Self::NotPhysical => ErrorCode::CardTypeNotPhysical,
            Self::NotActivated => ErrorCode::CardStatusNotActivated,
            Self::OtherPinThere | Self::CustomerOutOfReach | Self::NobodyChecks => {
                ErrorCode::OperationNotSupport
            }
            Self::Transition(refusal) => match refusal.event {
                CardEvent::Freeze => ErrorCode::CardStatusNotActivated,
                CardEvent::Unfreeze => ErrorCode::CardStatusNotFrozen,
                CardEvent::Activate => ErrorCode::CardStatusNotWaitingActive,
                CardEvent::Block | CardEvent::Unblock | CardEvent::Terminate => {
                    ErrorCode::OperationNotSupport
                }
            },
            Self::OriginalNotFound => ErrorCode::OriginalCardNotFound,
            Self::OriginalNotVirtual => ErrorCode::CardTypeNotVirtual,
            Self::OriginalNotActivated => ErrorCode::OriginalCardStatusNotActivated,
            Self::CardProfileNotFound => ErrorCode::CardProfileNotFound,
            Self::LayoutNotFound => ErrorCode::CardLayoutNotFound,
            Self::OpenOrder => ErrorCode::ExistNotFailedReplaceCardOrder,
            Self::Ended => ErrorCode::OperationNotSupport,
            Self::NotWaiting => ErrorCode::CardStatusNotWaitingActive,
            Self::NotEmbossed => ErrorCode::CardNotEmbossedError,
            Self::ActivationRefused => ErrorCode::CardActivationFailed,
            Self::PinForm => ErrorCode::CardPinMustBeFourDigitNumber,
            Self::TicketRefTaken => ErrorCode::TicketRefRepeated,
            Self::TicketOngoing => ErrorCode::ExistOngoingTicketError,
            Self::KycInfoInvalid(_) => ErrorCode::CardOrderKycInfoInvalid,
            Self::KycTransition(_) | Self::IntentTransition(_) => ErrorCode::OperationNotSupport,
            Self::EddOrderIncorrect => ErrorCode::CardOrderIdIncorrectError,
            Self::EddCardIncorrect => ErrorCode::CardIdIncorrectError,
            Self::EddRejected => ErrorCode::RequestRejectionError,
            Self::KycTicketNotFound
            | Self::IntentTicketNotFound
            | Self::IllegalField(_)
            | Self::ProofRefused => ErrorCode::SysIllegalParam,
            Self::Unreadable | Self::Store(_) | Self::Missing(_) | Self::Vault(_) => {
                ErrorCode::SystemError
            }
        }
    }

    /// Detail that the caller may see along with the code.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Transition(_)
            | Self::KycTransition(_)
            | Self::IntentTransition(_)
            | Self::KycTicketNotFound
            | Self::IntentTicketNotFound
            | Self::KycInfoInvalid(_)
            | Self::ProofRefused
            | Self::CustomerOutOfReach
            | Self::NobodyChecks
            | Self::IllegalField(_) => Some(self.to_string()),
            _ => None,
        }
    }
}

/// Maps refusals of the store to ours; each enumeration also has the store's own failure.
///
/// ```ignore
/// refusals! { PlasticError { NotFound => CardNotFound, Ended => Ended } }
/// ```
macro_rules! refusals {
    ($($error:ident { $($theirs:ident => $ours:ident),+ $(,)? })+) => { $(
        impl From<$error> for CardsError {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$theirs => Self::$ours,)+
                    $error::Store(error) => Self::Store(error),
                }
            }
        }
    )+ };
}

refusals! {
    PlaceOrderError {
        RefTaken => OrderRefTaken,
        EmailTaken => EmailTaken,
        PhoneTaken => PhoneTaken,
        CustomerRefTaken => CustomerRefTaken,
        CustomerNotFound => CustomerNotFound,
    }
    CreateCustomerError {
        RefTaken => CustomerRefTaken,
        EmailTaken => EmailTaken,
        PhoneTaken => PhoneTaken,
    }
    PinChangeError {
        NotFound => CardNotFound,
        NotPhysical => NotPhysical,
        NotActivated => NotActivated,
        Refused => ProofRefused,
        OtherPredecessor => OtherPinThere,
    }
    PlaceReplacementError {
        RefTaken => OrderRefTaken,
        SourceNotFound => OriginalNotFound,
        SourceNotVirtual => OriginalNotVirtual,
        SourceNotActivated => OriginalNotActivated,
        OpenOrder => OpenOrder,
    }
    PlasticError {
        NotFound => CardNotFound,
        NotPhysical => NotPhysical,
        Ended => Ended,
        NotWaiting => NotWaiting,
        NotEmbossed => NotEmbossed,
        Stopped => ActivationRefused,
    }
}

impl From<CardChangeError> for CardsError {
    fn from(error: CardChangeError) -> Self {
        match error {
            CardChangeError::NotFound => Self::CardNotFound,
            CardChangeError::Transition(refusal) => Self::Transition(refusal),
            CardChangeError::Store(error) => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::CardStatus;

    use super::*;

    #[test]
    fn a_refused_transition_has_the_code_of_what_was_asked() {
        let code = |event| {
            CardsError::from(CardTransitionError { from: CardStatus::Invalid, event }).code()
        };
        assert_eq!(code(CardEvent::Freeze), ErrorCode::CardStatusNotActivated);
        assert_eq!(code(CardEvent::Unfreeze), ErrorCode::CardStatusNotFrozen);
        assert_eq!(code(CardEvent::Terminate), ErrorCode::OperationNotSupport);
        assert_eq!(code(CardEvent::Unblock), ErrorCode::OperationNotSupport);
    }

    #[test]
    fn nothing_internal_is_revealed() {
        let error = CardsError::Store(StoreError::Engine("disk at /data is full".into()));
        assert_eq!((error.code(), error.detail()), (ErrorCode::SystemError, None));
    }
}
