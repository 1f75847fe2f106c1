//! A request for a link to a hosted page (cardbridge-open-api.md section 6.3).

use domain::{GuidanceType, PageLanguage, PageMode, PageTheme};

use super::body::shown_by_table;
use super::problem::{ParseError, Problem};
use super::reading::Object;
use crate::field;
use crate::field::{Field, Kind, Table};

/// Path of [`GuidanceRequest`].
pub const GUIDANCE_LINK_PATH: &str = "/open-api/card-redirect/v1/guidance-link";

/// Longest User-Agent, or keyword of a User-Agent.
const MAX_USER_AGENT_CHARS: usize = 1_024;

/// `POST card-redirect/v1/guidance-link`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuidanceRequest {
    /// The purpose of the page.
    pub guidance_type: GuidanceType,
    /// The customer that it is for.
    pub customer_id: String,
    /// The card that it is about; set for the types that are about a card.
    pub card_id: Option<String>,
    /// The KYC ticket that it is about; set for the other types.
    pub kyc_ticket_id: Option<String>,
    /// True if we must verify the customer by a one-time password.
    pub is_otp_required: bool,
    /// Language of the page; English if no language is named.
    pub language: PageLanguage,
    /// Colours of the page.
    pub theme: PageTheme,
    /// Brightness of the page.
    pub mode: PageMode,
    /// The User-Agent that will open the page, or a keyword of that User-Agent.
    pub user_agent: String,
    /// Page to go to after success: an absolute http or https URL.
    pub redirect_url: Option<WebUrl>,
}

shown_by_table!(GuidanceRequest);

impl GuidanceRequest {
    const TABLE: Table = Table::named(
        "GuidanceRequest",
        "",
        &[
            Field::of(
                "type",
                "1 shows the card, 2 sets its PIN, 3 resets it, 4 face check, 7 KYC form",
                Kind::Word(GuidanceType::TEXTS),
            )
            .required(),
            Field::of("customerId", "For whom", Kind::Id).required(),
            Field::of("cardId", "Types 1 to 3: the card", Kind::Id),
            Field::of("kycTicketId", "Types 4 and 7: the KYC ticket", Kind::Id),
            Field::of("profileId", "Type 7: required, and nothing depends on it", Kind::Id),
            Field::of(
                "otpStatus",
                "0: the customer is verified; 1: a one-time password is asked for. Also read as \
                 preVerified",
                Kind::Word(&["0", "1"]),
            )
            .required()
            .formerly("preVerified"),
            Field::of("language", "English if left out", Kind::Word(PageLanguage::TEXTS)),
            Field::text("theme", "default or light; others are default"),
            Field::text(
                "mode",
                "light or dark; others, web too, are as the system that shows the page prefers",
            ),
            Field::of(
                "userAgent",
                "The User-Agent that will open the page, or a keyword of it. Also read as ua",
                Kind::Text { max_chars: MAX_USER_AGENT_CHARS },
            )
            .required()
            .formerly("ua"),
            Field::long_text(
                "successfulRedirectUrl",
                "Where to go after success: a host of the enterprise's redirectHosts; in the \
                 sandbox any host as long as that list is empty",
            ),
        ],
    );

    /// Reads the body. Of two spellings of a field the new one wins (cardbridge-open-api.md
    /// section 13, C7).
    ///
    /// # Errors
    /// A field is missing or ill-formed.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let text = |field| Ok(object.text(field)?.unwrap_or_default());
        let id_if = |is_needed, field: Field| match is_needed {
            true => object.read_required(field).map(Some),
            false => Ok(None),
        };
        let guidance_type: GuidanceType = {
            let field = field!(Self::TABLE, "type");
            object.required(field, object.value(field, Problem::UnknownGuidanceType)?)?
        };
        let is_otp_required = parse_otp_status(&object)?;
        let is_about_card = guidance_type.is_about_card();
        id_if(guidance_type == GuidanceType::KycForm, field!(Self::TABLE, "profileId"))?;
        Ok(Self {
            guidance_type,
            customer_id: object.read_required(field!(Self::TABLE, "customerId"))?,
            card_id: id_if(is_about_card, field!(Self::TABLE, "cardId"))?,
            kyc_ticket_id: id_if(!is_about_card, field!(Self::TABLE, "kycTicketId"))?,
            is_otp_required,
            language: object
                .value(field!(Self::TABLE, "language"), Problem::NotALanguage)?
                .unwrap_or(PageLanguage::En),
            theme: PageTheme::or_default(&text(field!(Self::TABLE, "theme"))?),
            mode: PageMode::or_system(&text(field!(Self::TABLE, "mode"))?),
            // A header's value arrives without the blanks around it.
            user_agent: object.read_required(field!(Self::TABLE, "userAgent"))?.trim().to_owned(),
            redirect_url: object.parsed(
                field!(Self::TABLE, "successfulRedirectUrl"),
                Problem::NotAWebUrl,
                WebUrl::parse,
            )?,
        })
    }
}

/// `0`: the channel has verified the customer; `1`: we must verify them. A missing field is refused
/// like any other value.
fn parse_otp_status(object: &Object<'_>) -> Result<bool, ParseError> {
    let field = object.as_sent(field!(GuidanceRequest::TABLE, "otpStatus"))?;
    match object.text(field.optional())?.as_deref() {
        Some("0") => Ok(false),
        Some("1") => Ok(true),
        _ => Err(object.wrong(field, Problem::NotAnOtpStatus)),
    }
}

/// An absolute http or https URL without user information, in the form in which a browser
/// reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl {
    text: String,
    host: String,
    origin: String,
}

impl WebUrl {
    /// Reads the URL as a browser does.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_bare = url.username().is_empty() && url.password().is_none();
        let host = url.host_str()?.to_owned();
        let origin = url.origin().ascii_serialization();
        (is_web && is_bare).then(|| Self { text: url.into(), host, origin })
    }

    /// Scheme, host and port, as a browser writes an origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host, lower-cased, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<GuidanceRequest, ParseError> {
        GuidanceRequest::parse(json.as_bytes())
    }

    /// The published example with one more field in place of `extra`.
    fn example(extra: &str) -> String {
        format!(
            r#"{{"cardId":"1154377797108502528","customerId":"1154370114007601153","type":"1",
            "language":"en","theme":"default","mode":"dark","userAgent":"Mozilla/5.0 test"{extra}}}"#
        )
    }

    #[test]
    fn the_published_example_is_read() {
        let request = parse(&example(r#","otpStatus":"1""#)).unwrap();
        assert_eq!(request.guidance_type, GuidanceType::ShowCard);
        assert_eq!(request.card_id.as_deref(), Some("1154377797108502528"));
        assert!(request.is_otp_required);
        assert_eq!((request.theme, request.mode), (PageTheme::Default, PageMode::Dark));
        assert_eq!(request.user_agent, "Mozilla/5.0 test");
        assert_eq!(request.redirect_url, None);
    }

    #[test]
    fn both_spellings_are_read_and_the_new_one_wins() {
        let otp = |extra: &str| parse(&example(extra)).map(|request| request.is_otp_required);
        assert_eq!(otp(r#","preVerified":1"#), Ok(true));
        assert_eq!(otp(r#","preVerified":"0""#), Ok(false));
        assert_eq!(otp(r#","preVerified":"1","otpStatus":0"#), Ok(false));
        let old = r#"{"type":7,"customerId":1,"kycTicketId":2,"profileId":3,"preVerified":0,"ua":" App "}"#;
        let request = parse(old).unwrap();
        assert_eq!((&*request.user_agent, request.card_id), ("App", None));
        assert_eq!(request.kyc_ticket_id.as_deref(), Some("2"));
        assert_eq!(request.language, PageLanguage::En);
        let both = r#"{"type":7,"customerId":1,"kycTicketId":2,"profileId":3,"preVerified":0,"ua":"a",
            "userAgent":"b"}"#;
        assert_eq!(parse(both).unwrap().user_agent, "b");
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        let code = |json: &str| {
            let error = parse(json).unwrap_err();
            (error.code(), error.field)
        };
        let of = |from: &str, to: &str| code(&example(r#","otpStatus":"0""#).replace(from, to));
        let illegal = |field: &str| (domain::ErrorCode::SysIllegalParam, field.to_owned());
        for bad in ["5", "6", "0", "8", "x"] {
            let expected = (domain::ErrorCode::GuidanceLinkTypeInvalid, "type".to_owned());
            assert_eq!(of(r#""type":"1""#, &format!(r#""type":"{bad}""#)), expected, "{bad}");
        }
        for bad in [r#""2""#, "true", "2", r#""""#] {
            let (code, field) = of(r#""otpStatus":"0""#, &format!(r#""otpStatus":{bad}"#));
            assert_eq!(field, "otpStatus", "{bad}");
            let is_type = bad == "true";
            assert_eq!(code == domain::ErrorCode::GuidanceLinkPreVerifiedInvalid, !is_type);
        }
        assert_eq!(of(r#""type":"1""#, r#""type":null"#), illegal("type"));
        assert_eq!(of("customerId", "customer"), illegal("customerId"));
        assert_eq!(of("cardId", "card"), illegal("cardId"));
        assert_eq!(of(r#""type":"1""#, r#""type":"4""#), illegal("kycTicketId"));
        assert_eq!(of(r#""language":"en""#, r#""language":"fr""#), illegal("language"));
        assert_eq!(of("userAgent", "agent"), illegal("userAgent"));
    }

    #[test]
    fn only_web_urls_are_redirect_targets() {
        let host = |text: &str| WebUrl::parse(text).map(|url| url.host().to_owned());
        assert_eq!(host("https://Shop.Example:8443/a?b=c").as_deref(), Some("shop.example"));
        assert_eq!(host("https://shop.example\\@evil.example/").as_deref(), Some("shop.example"));
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//shop.example/",
            "/done",
            "https://user@shop.example/",
            "https://shop.example@evil.example/",
            "ftp://shop.example/",
            "shop.example",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
