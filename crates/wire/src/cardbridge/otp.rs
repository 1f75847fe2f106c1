//! One-time passwords that the enterprise chooses and we deliver
//! (cardbridge-open-api.md section 6.7.3).

use domain::{OtpDeliveryStatus, PageLanguage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::input::{Object, ParseError, Problem};

/// Path of [`SendOtp`].
pub const SEND_OTP_PATH: &str = "/open-api/customer/v1/send-otp";

/// Shortest password.
const MIN_OTP_DIGITS: usize = 4;
/// Longest password.
const MAX_OTP_DIGITS: usize = 8;

/// The road of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub enum OtpChannel {
    /// A mail.
    Email,
    /// A short message.
    Sms,
}

// No Debug: it holds the password.
/// `POST customer/v1/send-otp`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SendOtp {
    /// The enterprise's own reference; used again, it only asks for the first result.
    pub otp_send_ref: String,
    /// EMAIL or SMS.
    pub channel: OtpChannel,
    /// Needed for EMAIL.
    pub email: Option<String>,
    /// Alpha-2, alpha-3 or dialling code; needed for SMS.
    pub phone_country_code: Option<String>,
    /// National or international; needed for SMS.
    pub phone: Option<String>,
    /// 4 to 8 digits, chosen and checked by the enterprise.
    #[schema(value_type = String)]
    pub otp: Zeroizing<String>,
    /// zh, or en if it is left out.
    #[schema(value_type = String, required = false)]
    pub language: PageLanguage,
}

impl SendOtp {
    /// Reads the body. That the channel's address is there is not a question of form.
    ///
    /// # Errors
    /// A field is missing or ill-formed.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse_body(body)?;
        let otp_send_ref = object.reference("otpSendRef")?;
        Ok(Self {
            otp_send_ref: object.required("otpSendRef", otp_send_ref)?,
            otp: parse_otp(&object)?,
            language: parse_language(&object)?,
            email: object.text("email")?,
            phone_country_code: object.text("phoneCountryCode")?,
            phone: object.text("phone")?,
            channel: match object.text("channel")?.as_deref() {
                Some("EMAIL") => OtpChannel::Email,
                Some("SMS") => OtpChannel::Sms,
                _ => return Err(object.error("channel", Problem::NotAnOtpChannel)),
            },
        })
    }
}

fn parse_otp(object: &Object<'_>) -> Result<Zeroizing<String>, ParseError> {
    let otp = Zeroizing::new(object.required_text("otp")?);
    let is_otp = (MIN_OTP_DIGITS..=MAX_OTP_DIGITS).contains(&otp.len())
        && otp.bytes().all(|byte| byte.is_ascii_digit());
    if is_otp { Ok(otp) } else { Err(object.error("otp", Problem::NotAnOtp)) }
}

fn parse_language(object: &Object<'_>) -> Result<PageLanguage, ParseError> {
    let Some(text) = object.text("language")? else { return Ok(PageLanguage::En) };
    text.parse().map_err(|_| object.error("language", Problem::NotALanguage))
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtpDeliveryBody {
    /// The enterprise's own reference.
    pub otp_send_ref: String,
    /// `SUCCEED` or `FAILED`.
    pub status: String,
}

impl OtpDeliveryBody {
    /// The body for a delivery that has come to its end.
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
