//! Fields of messages that hold the same in every dialect, by what that is.

/// Primary account number.
pub(crate) const PAN: u8 = 2;
/// Processing code.
pub(crate) const PROCESSING_CODE: u8 = 3;
/// Amount of the transaction.
pub(crate) const AMOUNT: u8 = 4;
/// Amount of the cardholder's billing.
pub(crate) const BILLING_AMOUNT: u8 = 6;
/// Transmission date and time.
pub(crate) const TRANSMITTED_AT: u8 = 7;
/// Rate of the cardholder's billing.
pub(crate) const BILLING_RATE: u8 = 10;
/// System trace audit number.
pub(crate) const STAN: u8 = 11;
/// Expiry.
pub(crate) const EXPIRY: u8 = 14;
/// Settlement date.
pub(crate) const SETTLEMENT_DATE: u8 = 15;
/// Acquirer's country.
pub(crate) const ACQUIRER_COUNTRY: u8 = 19;
/// Point of service entry mode.
pub(crate) const ENTRY_MODE: u8 = 22;
/// Sequence number of the card.
pub(crate) const CARD_SEQUENCE: u8 = 23;
/// Acquirer.
pub(crate) const ACQUIRER: u8 = 32;
/// Track 2.
pub(crate) const TRACK_2: u8 = 35;
/// Retrieval reference number.
pub(crate) const RRN: u8 = 37;
/// Authorisation code.
pub(crate) const AUTH_CODE: u8 = 38;
/// Response code.
pub(crate) const RESPONSE_CODE: u8 = 39;
/// Terminal.
pub(crate) const TERMINAL: u8 = 41;
/// Card acceptor.
pub(crate) const MERCHANT_ID: u8 = 42;
/// Name and place of the card acceptor.
pub(crate) const MERCHANT_PLACE: u8 = 43;
/// Track 1.
pub(crate) const TRACK_1: u8 = 45;
/// Currency of the transaction.
pub(crate) const CURRENCY: u8 = 49;
/// Amount of the settlement.
pub(crate) const SETTLEMENT_AMOUNT: u8 = 5;
/// Currency of the settlement.
pub(crate) const SETTLEMENT_CURRENCY: u8 = 50;
/// Settlement code.
pub(crate) const SETTLEMENT_CODE: u8 = 66;
/// Net amount of the settlement.
pub(crate) const NET_SETTLEMENT: u8 = 97;
/// Currency of the cardholder's billing.
pub(crate) const BILLING_CURRENCY: u8 = 51;
/// PIN block.
pub(crate) const PIN_BLOCK: u8 = 52;
/// Additional amounts.
pub(crate) const ADDITIONAL_AMOUNTS: u8 = 54;
/// Chip data.
pub(crate) const CHIP_DATA: u8 = 55;
