//! The 58 error codes of dialect 1 and their texts, in one table.

crate::text::text_enum! {
    /// A code of dialect 1. Source: cardbridge-open-api.md section 11.
    ErrorCode {
        /// System error.
        SystemError = "DAPI_SYSTEM_ERROR",
        /// System illegal param.
        SysIllegalParam = "DAPI_SYS_ILLEGAL_PARAM",
        /// operation not support.
        OperationNotSupport = "DAPI_OPERATION_NOT_SUPPORT",
        /// permission denied.
        PermissionDenied = "DAPI_PERMISSION_DENIED",
        /// API Key cannot be empty.
        ApiKeyEmpty = "DAPI_API_KEY_EMPTY",
        /// request timestamp cannot be empty.
        TimestampEmpty = "DAPI_TIMESTAMP_EMPTY",
        /// incorrectly formatted request timestamp.
        TimestampFormatError = "DAPI_TIMESTAMP_FORMAT_ERROR",
        /// request timestamp has expired.
        TimestampExpired = "DAPI_TIMESTAMP_EXPIRED",
        /// nonce illegal.
        NonceIllegal = "DAPI_NONCE_ILLEGAL",
        /// Api Key is invalid.
        InvalidApiKey = "DAPI_INVALID_API_KEY",
        /// signature error.
        SignatureError = "DAPI_SIGNATURE_ERROR",
        /// Secret Key cannot be empty.
        SecretKeyEmpty = "DAPI_SECRET_KEY_EMPTY",
        /// Failed to calculate hmac-sha256.
        CalculateSignatureError = "DAPI_CALCULATE_SIGNATURE_ERROR",
        /// customer email or phone required.
        CustomerEmailOrPhoneRequired = "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED",
        /// invalid phone.
        PhoneInvalid = "DAPI_PHONE_INVALID",
        /// invalid email.
        EmailInvalid = "DAPI_EMAIL_INVALID",
        /// email already exists.
        EmailAlreadyExists = "DAPI_EMAIL_ALREADY_EXISTS",
        /// phone already exists.
        PhoneAlreadyExists = "DAPI_PHONE_ALREADY_EXISTS",
        /// enterprise not found.
        EnterpriseNotFound = "DAPI_ENTERPRISE_NOT_FOUND",
        /// customer not found.
        CustomerNotFound = "DAPI_CUSTOMER_NOT_FOUND",
        /// channel customer not found.
        ChannelCustomerNotFound = "DAPI_CHANNEL_CUSTOMER_NOT_FOUND",
        /// channel customer create failed.
        ChannelCustomerCreateFailed = "DAPI_CHANNEL_CUSTOMER_CREATE_FAILED",
        /// customerRef not unique.
        CustomerRefNotUnique = "DAPI_CUSTOMER_REF_NOT_UNIQUE",
        /// Wrong business type.
        UploadBusinessTypeError = "DAPI_UPLOAD_BUSINESS_TYPE_ERROR",
        /// ticketRef repeated.
        TicketRefRepeated = "DAPI_TICKET_REF_REPEATED",
        /// There is an ongoing work order.
        ExistOngoingTicketError = "DAPI_EXIST_ONGOING_TICKET_ERROR",
        /// businessId is error,cardOrderId incorrect.
        CardOrderIdIncorrectError = "DAPI_CARD_ORDER_ID_INCORRECT_ERROR",
        /// EDD application rejected.
        RequestRejectionError = "DAPI_REQUEST_REJECTION_ERROR",
        /// businessId is error,cardId incorrect.
        CardIdIncorrectError = "DAPI_CARD_ID_INCORRECT_ERROR",
        /// enterprise explicitly refuse.
        AuthEnterpriseReject = "DAPI_AUTH_ENTERPRISE_REJECT",
        /// auth enterprise timeout reject.
        AuthEnterpriseTimeoutReject = "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT",
        /// auth internal reject.
        AuthInternalReject = "DAPI_AUTH_INTERNAL_REJECT",
        /// card order ref already exists.
        CardOrderRefAlreadyExists = "DAPI_CARD_ORDER_REF_ALREADY_EXISTS",
        /// kyc info invalid.
        CardOrderKycInfoInvalid = "DAPI_CARD_ORDER_KYC_INFO_INVALID",
        /// card profile not found.
        CardOrderProfileNotFound = "DAPI_CARD_ORDER_PROFILE_NOT_FOUND",
        /// customer info invalid.
        CardOrderCustomerInfoInvalid = "DAPI_CARD_ORDER_CUSTOMER_INFO_INVALID",
        /// channel customer invalid.
        CardOrderChannelCustomerInvalid = "DAPI_CARD_ORDER_CHANNEL_CUSTOMER_INVALID",
        /// channel card invalid.
        CardOrderChannelCardInvalid = "DAPI_CARD_ORDER_CHANNEL_CARD_INVALID",
        /// kyc verify failed.
        CardOrderKycVerifyFailed = "DAPI_CARD_ORDER_KYC_VERIFY_FAILED",
        /// card order not found.
        CardOrderNotFound = "DAPI_CARD_ORDER_NOT_FOUND",
        /// virtual to physical failed.
        CardOrderVirtualToPhysicalFailed = "DAPI_CARD_ORDER_VIRTUAL_TO_PHYSICAL_FAILED",
        /// card profile not found.
        CardProfileNotFound = "DAPI_CARD_PROFILE_NOT_FOUND",
        /// Card profile not supporting country codes.
        CardProfileNotSupportingCountryCodes = "DAPI_CARD_PROFILE_NOT_SUPPORTING_COUNTRY_CODES",
        /// card layout not found.
        CardLayoutNotFound = "DAPI_CARD_LAYOUT_NOT_FOUND",
        /// There are card replacement orders that are not accepted.
        ExistNotFailedReplaceCardOrder = "DAPI_EXIST_NOT_FAILED_REPLACE_CARD_ORDER",
        /// card type is not virtual.
        CardTypeNotVirtual = "DAPI_CARD_TYPE_NOT_VIRTUAL",
        /// card type is not physical.
        CardTypeNotPhysical = "DAPI_CARD_TYPE_NOT_PHYSICAL",
        /// card not found.
        CardNotFound = "DAPI_CARD_NOT_FOUND",
        /// card status not activated.
        CardStatusNotActivated = "DAPI_CARD_STATUS_NOT_ACTIVATED",
        /// card status not frozen.
        CardStatusNotFrozen = "DAPI_CARD_STATUS_NOT_FROZEN",
        /// card status not waiting active.
        CardStatusNotWaitingActive = "DAPI_CARD_STATUS_NOT_WAITING_ACTIVE",
        /// card activation failed.
        CardActivationFailed = "DAPI_CARD_ACTIVATION_FAILED",
        /// card The pin must be a four-digit number.
        CardPinMustBeFourDigitNumber = "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER",
        /// original card status not activated.
        OriginalCardStatusNotActivated = "DAPI_ORIGINAL_CARD_STATUS_NOT_ACTIVATED",
        /// original card not found.
        OriginalCardNotFound = "DAPI_ORIGINAL_CARD_NOT_FOUND",
        /// Card not embossed:Activation with card not allowed before embossing.
        CardNotEmbossedError = "DAPI_CARD_NOT_EMBOSSED_ERROR",
        /// guidance link type invalid.
        GuidanceLinkTypeInvalid = "DAPI_GUIDANCE_LINK_TYPE_INVALID",
        /// guidance link preVerified invalid.
        GuidanceLinkPreVerifiedInvalid = "DAPI_GUIDANCE_LINK_PRE_VERIFIED_INVALID",
    }
}

impl ErrorCode {
    /// The short text that travels beside the code, letter for letter as published.
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

    #[test]
    fn every_published_code_is_here_once() {
        assert_eq!(ErrorCode::ALL.len(), 58);
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
