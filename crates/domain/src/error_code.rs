//! The 58 error codes of dialect 1 and their texts, in one table.

crate::text::text_enum! {
    /// A code of dialect 1. Source: cardbridge-open-api.md section 11; the comment on each says
    /// when it is returned.
    ErrorCode {
        /// Something failed on the platform's side; its log says what. Read the object's state
        /// before you try again; with HTTP 503 that is after the seconds of `Retry-After`.
        SystemError = "DAPI_SYSTEM_ERROR",
        /// A field is missing or ill-formed, or an object does not exist and its kind has no
        /// not-found code of its own; `messageDetail` names the field.
        SysIllegalParam = "DAPI_SYS_ILLEGAL_PARAM",
        /// The operation, mode or channel does not exist, or the object's state or the
        /// environment does not allow it.
        OperationNotSupport = "DAPI_OPERATION_NOT_SUPPORT",
        /// The caller's address is not on the enterprise's list, or the enterprise asks for card
        /// data and is not PCI-certified.
        PermissionDenied = "DAPI_PERMISSION_DENIED",
        /// The header `X-DAPI-API-KEY` is missing or blank.
        ApiKeyEmpty = "DAPI_API_KEY_EMPTY",
        /// The header `X-DAPI-TIMESTAMP` is missing or blank.
        TimestampEmpty = "DAPI_TIMESTAMP_EMPTY",
        /// `X-DAPI-TIMESTAMP` is not 13 digits (milliseconds since 1970).
        TimestampFormatError = "DAPI_TIMESTAMP_FORMAT_ERROR",
        /// `X-DAPI-TIMESTAMP` differs from the platform's clock by more than the window, which is
        /// five seconds by default.
        TimestampExpired = "DAPI_TIMESTAMP_EXPIRED",
        /// `X-DAPI-NONCE` is missing or not a number from 10000 to 99999, or this very request
        /// was sent before.
        NonceIllegal = "DAPI_NONCE_ILLEGAL",
        /// No such API key, or it was revoked.
        InvalidApiKey = "DAPI_INVALID_API_KEY",
        /// `X-DAPI-SIGN` is missing, or is not the signature of key, time, nonce and payload
        /// under the key's secret.
        SignatureError = "DAPI_SIGNATURE_ERROR",
        /// The platform keeps no secret for this API key.
        SecretKeyEmpty = "DAPI_SECRET_KEY_EMPTY",
        /// The platform cannot open the secret of this API key.
        CalculateSignatureError = "DAPI_CALCULATE_SIGNATURE_ERROR",
        /// Neither e-mail address nor phone number is given.
        CustomerEmailOrPhoneRequired = "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED",
        /// The phone number or its country code is missing where it is needed, or the two do not
        /// make a valid international number.
        PhoneInvalid = "DAPI_PHONE_INVALID",
        /// The e-mail address is not valid.
        EmailInvalid = "DAPI_EMAIL_INVALID",
        /// Another customer of the enterprise has this e-mail address.
        EmailAlreadyExists = "DAPI_EMAIL_ALREADY_EXISTS",
        /// Another customer of the enterprise has this phone number.
        PhoneAlreadyExists = "DAPI_PHONE_ALREADY_EXISTS",
        /// The API key's enterprise is not there.
        EnterpriseNotFound = "DAPI_ENTERPRISE_NOT_FOUND",
        /// The enterprise has no such customer.
        CustomerNotFound = "DAPI_CUSTOMER_NOT_FOUND",
        /// Reason of a failed order with `replaceCardId`: the issuer no longer has the customer.
        ChannelCustomerNotFound = "DAPI_CHANNEL_CUSTOMER_NOT_FOUND",
        /// Reason of a failed order: the issuer could not register the customer.
        ChannelCustomerCreateFailed = "DAPI_CHANNEL_CUSTOMER_CREATE_FAILED",
        /// The `customerRef` is that of a customer with other data.
        CustomerRefNotUnique = "DAPI_CUSTOMER_REF_NOT_UNIQUE",
        /// The `businessType` of an upload does not exist.
        UploadBusinessTypeError = "DAPI_UPLOAD_BUSINESS_TYPE_ERROR",
        /// The reference was used for another ticket.
        TicketRefRepeated = "DAPI_TICKET_REF_REPEATED",
        /// Another ticket about the same customer, order or card is still open.
        ExistOngoingTicketError = "DAPI_EXIST_ONGOING_TICKET_ERROR",
        /// The `businessId` is not that of one of the enterprise's orders that wait for evidence.
        CardOrderIdIncorrectError = "DAPI_CARD_ORDER_ID_INCORRECT_ERROR",
        /// The evidence of this order was refused for good.
        RequestRejectionError = "DAPI_REQUEST_REJECTION_ERROR",
        /// The `businessId` is not that of one of the enterprise's cards whose limits can be
        /// raised.
        CardIdIncorrectError = "DAPI_CARD_ID_INCORRECT_ERROR",
        /// Reason of a decline: the enterprise answered 01 or 11.
        AuthEnterpriseReject = "DAPI_AUTH_ENTERPRISE_REJECT",
        /// Reason of a decline: no valid answer came in time, the enterprise answered 21, or the
        /// platform stopped or failed before a decision was stored.
        AuthEnterpriseTimeoutReject = "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT",
        /// Reason of a decline: the platform's own checks refused the authorisation without asking
        /// the enterprise, there is nobody to ask, or the authorisation that it follows ended while
        /// the enterprise was being asked.
        AuthInternalReject = "DAPI_AUTH_INTERNAL_REJECT",
        /// The `cardOrderRef` was used for another order; read that one by its reference.
        CardOrderRefAlreadyExists = "DAPI_CARD_ORDER_REF_ALREADY_EXISTS",
        /// The identity data of an order or KYC ticket is invalid, or a required part is missing.
        CardOrderKycInfoInvalid = "DAPI_CARD_ORDER_KYC_INFO_INVALID",
        /// The enterprise has no such card profile.
        CardOrderProfileNotFound = "DAPI_CARD_ORDER_PROFILE_NOT_FOUND",
        /// Reason of a failed order: the platform did not accept the customer's data. This check
        /// comes before that of the identity.
        CardOrderCustomerInfoInvalid = "DAPI_CARD_ORDER_CUSTOMER_INFO_INVALID",
        /// Reason of a failed order: the issuer does not accept the customer.
        CardOrderChannelCustomerInvalid = "DAPI_CARD_ORDER_CHANNEL_CUSTOMER_INVALID",
        /// Reason of a failed order: the issuer could not issue the card.
        CardOrderChannelCardInvalid = "DAPI_CARD_ORDER_CHANNEL_CARD_INVALID",
        /// Reason of a failed order or a refused KYC ticket: the identity check did not pass.
        CardOrderKycVerifyFailed = "DAPI_CARD_ORDER_KYC_VERIFY_FAILED",
        /// The enterprise has no such order, or the id and the reference do not name the same
        /// order.
        CardOrderNotFound = "DAPI_CARD_ORDER_NOT_FOUND",
        /// Reason of a failed order: the physical card could not be made.
        CardOrderVirtualToPhysicalFailed = "DAPI_CARD_ORDER_VIRTUAL_TO_PHYSICAL_FAILED",
        /// The profile of the card is not there.
        CardProfileNotFound = "DAPI_CARD_PROFILE_NOT_FOUND",
        /// The card's profile does not serve this country.
        CardProfileNotSupportingCountryCodes = "DAPI_CARD_PROFILE_NOT_SUPPORTING_COUNTRY_CODES",
        /// The card's profile has no such layout.
        CardLayoutNotFound = "DAPI_CARD_LAYOUT_NOT_FOUND",
        /// An order to replace this card or to make its physical twin is open, or a twin is
        /// ordered for a card that already has one.
        ExistNotFailedReplaceCardOrder = "DAPI_EXIST_NOT_FAILED_REPLACE_CARD_ORDER",
        /// Only a virtual card gets a physical twin.
        CardTypeNotVirtual = "DAPI_CARD_TYPE_NOT_VIRTUAL",
        /// The operation needs a physical card.
        CardTypeNotPhysical = "DAPI_CARD_TYPE_NOT_PHYSICAL",
        /// The enterprise has no such card.
        CardNotFound = "DAPI_CARD_NOT_FOUND",
        /// The card is not ACTIVATED.
        CardStatusNotActivated = "DAPI_CARD_STATUS_NOT_ACTIVATED",
        /// The card is not FROZEN; a block set by the issuer can be lifted only by the issuer.
        CardStatusNotFrozen = "DAPI_CARD_STATUS_NOT_FROZEN",
        /// The card does not wait for its activation.
        CardStatusNotWaitingActive = "DAPI_CARD_STATUS_NOT_WAITING_ACTIVE",
        /// Another card with the same number (its twin) is FROZEN or BLOCKED, or the card has
        /// expired.
        CardActivationFailed = "DAPI_CARD_ACTIVATION_FAILED",
        /// The new PIN is not four digits.
        CardPinMustBeFourDigitNumber = "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER",
        /// The card to replace, or to make a physical twin of, is not ACTIVATED.
        OriginalCardStatusNotActivated = "DAPI_ORIGINAL_CARD_STATUS_NOT_ACTIVATED",
        /// The enterprise has no such card to replace or to make a physical twin of.
        OriginalCardNotFound = "DAPI_ORIGINAL_CARD_NOT_FOUND",
        /// The card is not embossed yet.
        CardNotEmbossedError = "DAPI_CARD_NOT_EMBOSSED_ERROR",
        /// The `type` of a link is not 1, 2, 3, 4 or 7.
        GuidanceLinkTypeInvalid = "DAPI_GUIDANCE_LINK_TYPE_INVALID",
        /// The `otpStatus` (or `preVerified`) of a link is neither 0 nor 1.
        GuidanceLinkPreVerifiedInvalid = "DAPI_GUIDANCE_LINK_PRE_VERIFIED_INVALID",
    }
}

impl ErrorCode {
    /// True if it is a reason for declining an authorisation. No request is refused with such a
    /// code.
    #[must_use]
    pub const fn is_decline(self) -> bool {
        matches!(
            self,
            Self::AuthEnterpriseReject
                | Self::AuthEnterpriseTimeoutReject
                | Self::AuthInternalReject
        )
    }

    /// The short text sent with the code, exactly as published.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::SystemError => "System error",
            Self::SysIllegalParam => "System illegal param",
            Self::OperationNotSupport => "operation not support",
            Self::PermissionDenied => "permission denied",
            Self::ApiKeyEmpty => "API Key cannot be empty",
            Self::TimestampEmpty => "request timestamp cannot be empty",
            Self::TimestampFormatError => "incorrectly formatted request timestamp",
            Self::TimestampExpired => "request timestamp has expired",
            Self::NonceIllegal => "nonce illegal",
            Self::InvalidApiKey => "Api Key is invalid",
            Self::SignatureError => "signature error",
            Self::SecretKeyEmpty => "Secret Key cannot be empty",
            Self::CalculateSignatureError => "Failed to calculate hmac-sha256",
            Self::CustomerEmailOrPhoneRequired => "customer email or phone required",
            Self::PhoneInvalid => "invalid phone",
            Self::EmailInvalid => "invalid email",
            Self::EmailAlreadyExists => "email already exists",
            Self::PhoneAlreadyExists => "phone already exists",
            Self::EnterpriseNotFound => "enterprise not found",
            Self::CustomerNotFound => "customer not found",
            Self::ChannelCustomerNotFound => "channel customer not found",
            Self::ChannelCustomerCreateFailed => "channel customer create failed",
            Self::CustomerRefNotUnique => "customerRef not unique",
            Self::UploadBusinessTypeError => "Wrong business type",
            Self::TicketRefRepeated => "ticketRef repeated",
            Self::ExistOngoingTicketError => "There is an ongoing work order",
            Self::CardOrderIdIncorrectError => "businessId is error,cardOrderId incorrect！",
            Self::RequestRejectionError => "EDD application rejected！",
            Self::CardIdIncorrectError => "businessId is error,cardId incorrect！",
            Self::AuthEnterpriseReject => "enterprise explicitly refuse",
            Self::AuthEnterpriseTimeoutReject => "auth enterprise timeout reject",
            Self::AuthInternalReject => "auth internal reject",
            Self::CardOrderRefAlreadyExists => "card order ref already exists",
            Self::CardOrderKycInfoInvalid => "kyc info invalid",
            Self::CardOrderProfileNotFound | Self::CardProfileNotFound => "card profile not found",
            Self::CardOrderCustomerInfoInvalid => "customer info invalid",
            Self::CardOrderChannelCustomerInvalid => "channel customer invalid",
            Self::CardOrderChannelCardInvalid => "channel card invalid",
            Self::CardOrderKycVerifyFailed => "kyc verify failed",
            Self::CardOrderNotFound => "card order not found",
            Self::CardOrderVirtualToPhysicalFailed => "virtual to physical failed",
            Self::CardProfileNotSupportingCountryCodes => {
                "Card profile not supporting country codes"
            }
            Self::CardLayoutNotFound => "card layout not found",
            Self::ExistNotFailedReplaceCardOrder => {
                "There are card replacement orders that are not accepted"
            }
            Self::CardTypeNotVirtual => "card type is not virtual",
            Self::CardTypeNotPhysical => "card type is not physical",
            Self::CardNotFound => "card not found",
            Self::CardStatusNotActivated => "card status not activated",
            Self::CardStatusNotFrozen => "card status not frozen",
            Self::CardStatusNotWaitingActive => "card status not waiting active",
            Self::CardActivationFailed => "card activation failed",
            Self::CardPinMustBeFourDigitNumber => "card The pin must be a four-digit number",
            Self::OriginalCardStatusNotActivated => "original card status not activated",
            Self::OriginalCardNotFound => "original card not found",
            Self::CardNotEmbossedError => {
                "Card not embossed:Activation with card not allowed before embossing"
            }
            Self::GuidanceLinkTypeInvalid => "guidance link type invalid",
            Self::GuidanceLinkPreVerifiedInvalid => "guidance link preVerified invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    const PUBLISHED: &str = include_str!("../../../docs/spec/data/error_codes.tsv");

    #[test]
    fn codes_and_texts_are_those_that_are_published() {
        let published: Vec<_> =
            PUBLISHED.lines().skip(1).filter_map(|row| row.split_once('\t')).collect();
        let ours: Vec<_> =
            ErrorCode::ALL.iter().map(|code| (code.as_str(), code.message())).collect();
        assert_eq!(ours, published);
    }

    #[test]
    fn every_published_code_is_here_once() {
        assert_eq!(ErrorCode::ALL.len(), 58);
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
