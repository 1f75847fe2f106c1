//! One-time passwords that the enterprise chooses and we deliver
//! (cardbridge-open-api.md section 6.7.3).

use domain::{OtpDeliveryStatus, PageLanguage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::shown_by_table;
use super::problem::{ParseError, Problem};
use super::reading::Object;
use crate::field;
use crate::field::{Field, Kind, Table};

/// Path of [`SendOtp`].
pub const SEND_OTP_PATH: &str = "/open-api/customer/v1/send-otp";

/// Shortest password.
const MIN_OTP_DIGITS: usize = 4;
/// Longest password.
const MAX_OTP_DIGITS: usize = 8;

domain::text_enum! {
    /// The channel by which a password reaches the customer.
    OtpChannel {
        /// A mail.
        Email = "EMAIL",
        /// A short message.
        Sms = "SMS",
    }
}

// No Debug: it holds the password.
/// `POST customer/v1/send-otp`.
pub struct SendOtp {
    /// The enterprise's own reference.
    pub otp_send_ref: String,
    /// EMAIL or SMS.
    pub channel: OtpChannel,
    /// Address of a mail; a caller may have left it out.
    pub email: Option<String>,
    /// Alpha-2, alpha-3 or dialling code, for a short message; may be left out too.
    pub phone_country_code: Option<String>,
    /// National or international number, for a short message; may be left out too.
    pub phone: Option<String>,
    /// 4 to 8 digits.
    pub otp: Zeroizing<String>,
    /// Language of the message; English if no language is named.
    pub language: PageLanguage,
}

shown_by_table!(SendOtp);

impl SendOtp {
    const TABLE: Table = Table::named(
        "SendOtp",
        "`POST customer/v1/send-otp`.",
        &[
            Field::of(
                "otpSendRef",
                "The enterprise's own reference; used again, it only asks for the first result.",
                Kind::Reference,
            )
            .required(),
            Field::text("channel", "EMAIL or SMS.").required(),
            Field::text("email", "Needed for EMAIL."),
            Field::text("phoneCountryCode", "Alpha-2, alpha-3 or dialling code; needed for SMS."),
            Field::text("phone", "National or international; needed for SMS."),
            Field::text("otp", "4 to 8 digits, chosen and checked by the enterprise.").required(),
            Field::text("language", "zh, or en if it is left out."),
        ],
    );

    /// Reads the body. Does not check that the channel's address is there.
    ///
    /// # Errors
    /// A field is missing or ill-formed.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let channel = field!(Self::TABLE, "channel");
        Ok(Self {
            otp_send_ref: object.read_required(field!(Self::TABLE, "otpSendRef"))?,
            otp: parse_otp(&object)?,
            language: object
                .value(field!(Self::TABLE, "language"), Problem::NotALanguage)?
                .unwrap_or(PageLanguage::En),
            email: object.text(field!(Self::TABLE, "email"))?,
            phone_country_code: object.text(field!(Self::TABLE, "phoneCountryCode"))?,
            phone: object.text(field!(Self::TABLE, "phone"))?,
            // A missing channel is refused like an unknown one.
            channel: object
                .value(channel.optional(), Problem::NotAnOtpChannel)?
                .ok_or_else(|| object.wrong(channel, Problem::NotAnOtpChannel))?,
        })
    }
}

fn parse_otp(object: &Object<'_>) -> Result<Zeroizing<String>, ParseError> {
    let field = field!(SendOtp::TABLE, "otp");
    let otp = Zeroizing::new(object.required_text(field)?);
    let is_otp = (MIN_OTP_DIGITS..=MAX_OTP_DIGITS).contains(&otp.len())
        && otp.bytes().all(|byte| byte.is_ascii_digit());
    if is_otp { Ok(otp) } else { Err(object.wrong(field, Problem::NotAnOtp)) }
}

/// The result of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtpDeliveryBody {
    /// The enterprise's own reference.
    pub otp_send_ref: String,
    /// `SUCCEED` or `FAILED`.
    pub status: String,
}

impl OtpDeliveryBody {
    /// The body for a delivery that has ended.
    #[must_use]
    pub fn new(otp_send_ref: String, status: OtpDeliveryStatus) -> Self {
        Self { otp_send_ref, status: status.as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    #[test]
    fn the_sample_of_the_collection_is_read() {
        let body = br#"{"otpSendRef":"sms-test-1","channel":"EMAIL","email":"a@b.test",
            "otp":444555,"language":"zh"}"#;
        let request = SendOtp::parse(body).ok().unwrap();
        assert_eq!((request.otp_send_ref.as_str(), request.otp.as_str()), ("sms-test-1", "444555"));
        assert_eq!((request.channel, request.language), (OtpChannel::Email, PageLanguage::Zh));
        let body = br#"{"otpSendRef":"r","channel":"SMS","otp":"0123"}"#;
        let request = SendOtp::parse(body).ok().unwrap();
        assert_eq!((request.otp.as_str(), request.language), ("0123", PageLanguage::En));
    }

    #[test]
    fn what_is_wrong_is_named_and_the_password_is_not_repeated() {
        use ErrorCode::{OperationNotSupport, SysIllegalParam};
        for (fields, code, said) in [
            (r#""otp":"4444""#, OperationNotSupport, "channel must be EMAIL or SMS"),
            (
                r#""channel":"email","otp":"4444""#,
                OperationNotSupport,
                "channel must be EMAIL or SMS",
            ),
            (r#""channel":"SMS""#, SysIllegalParam, "otp is missing"),
            (r#""channel":"SMS","otp":"123""#, SysIllegalParam, "otp must be 4 to 8 digits"),
            (r#""channel":"SMS","otp":"123456789""#, SysIllegalParam, "otp must be 4 to 8 digits"),
            (r#""channel":"SMS","otp":"12 34""#, SysIllegalParam, "otp must be 4 to 8 digits"),
            (r#""channel":"SMS","otp":-1234"#, SysIllegalParam, "otp must be 4 to 8 digits"),
            (
                r#""channel":"SMS","otp":"1234","language":"fr""#,
                SysIllegalParam,
                "language must be zh or en",
            ),
        ] {
            let body = format!(r#"{{"otpSendRef":"r",{fields}}}"#);
            let error = SendOtp::parse(body.as_bytes()).err().unwrap();
            assert_eq!((error.code(), error.to_string()), (code, said.to_owned()), "{fields}");
        }
        let error = SendOtp::parse(br#"{"channel":"SMS","otp":"1234"}"#).err().unwrap();
        assert_eq!(error.to_string(), "otpSendRef is missing");
    }
}
