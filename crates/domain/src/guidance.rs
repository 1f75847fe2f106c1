//! A guidance link: one-time access to one hosted page (cardbridge-open-api.md section 6.3).

use crate::text::text_enum;
use crate::{CardId, CustomerId, EnterpriseId, KycTicketId, Timestamp};

text_enum! {
    /// The purpose of a hosted page. Types 5 and 6 were never published (cardbridge-open-api.md
    /// section 14, U14).
    GuidanceType {
        /// Shows PAN, expiry and CVV2.
        ShowCard = "1",
        /// Sets the first PIN of a physical card.
        SetPin = "2",
        /// Replaces the PIN of a physical card.
        ResetPin = "3",
        /// Face verification for a KYC ticket.
        FaceCheck = "4",
        /// The KYC form.
        KycForm = "7",
    }
}

impl GuidanceType {
    /// True if the page is about a card, which the request must name (cardbridge-open-api.md
    /// section 13, C18).
    #[must_use]
    pub const fn is_about_card(self) -> bool {
        matches!(self, Self::ShowCard | Self::SetPin | Self::ResetPin)
    }
}

text_enum! {
    /// The language of a page, which is the first segment of its path.
    PageLanguage {
        /// Chinese.
        Zh = "zh",
        /// English.
        En = "en",
    }
}

text_enum! {
    /// The colours of a page.
    PageTheme {
        /// Ours.
        Default = "default",
        /// Plain, without a tinted background.
        Light = "light",
    }
}

impl PageTheme {
    /// The theme of this name; an unknown one is the default.
    #[must_use]
    pub fn or_default(name: &str) -> Self {
        name.parse().unwrap_or(Self::Default)
    }
}

text_enum! {
    /// The brightness of a page.
    PageMode {
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
        /// As the displaying system prefers.
        System = "web",
    }
}

impl PageMode {
    /// The mode of this name; a missing or unknown one follows the system.
    #[must_use]
    pub fn or_system(name: &str) -> Self {
        name.parse().unwrap_or(Self::System)
    }
}

text_enum! {
    /// The next step of an opened page.
    PageStep {
        /// The one-time password.
        Otp = "OTP",
        /// The step that the page was made for.
        Form = "FORM",
    }
}

/// A guidance link and the page that was opened with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuidanceLink {
    /// SHA-256 of the link's secret.
    pub secret_hash: [u8; 32],
    /// The enterprise that made it.
    pub enterprise_id: EnterpriseId,
    /// Purpose of its page.
    pub guidance_type: GuidanceType,
    /// The customer it is for.
    pub customer_id: CustomerId,
    /// The card it is about.
    pub card_id: Option<CardId>,
    /// The KYC ticket it is about.
    pub kyc_ticket_id: Option<KycTicketId>,
    /// True if we must verify the customer by a one-time password.
    pub is_otp_required: bool,
    /// Language of the page.
    pub language: PageLanguage,
    /// Colours of the page.
    pub theme: PageTheme,
    /// Brightness of the page.
    pub mode: PageMode,
    /// Text that the User-Agent or Referer of the opening request must contain.
    pub user_agent: String,
    /// Page to go to after success.
    pub redirect_url: Option<String>,
    /// Created.
    pub created_at: Timestamp,
    /// When it can no longer be opened.
    pub expires_at: Timestamp,
    /// When it was opened, if it was.
    pub opened_at: Option<Timestamp>,
}

impl GuidanceLink {
    /// Time in which a link can be opened, and in which the next step of an opened page must
    /// follow, in seconds of business time (cardbridge-open-api.md section 6.3).
    pub const LIFETIME_SECONDS: i64 = 300;

    /// True if a request with these headers may open the page: the User-Agent is the agreed
    /// one or contains the agreed keyword, or the Referer contains it.
    #[must_use]
    pub fn admits(&self, user_agent: Option<&str>, referer: Option<&str>) -> bool {
        let contains = |text: Option<&str>| text.is_some_and(|it| it.contains(&self.user_agent));
        !self.user_agent.is_empty() && (contains(user_agent) || contains(referer))
    }

    /// The link's name in the audit: the first eight bytes of its hash, which cannot open anything.
    #[must_use]
    pub fn audit_name(&self) -> String {
        format!("link:{}", hex::encode(&self.secret_hash[..8]))
    }

    /// True if the page can still be opened.
    #[must_use]
    pub fn is_open_at(&self, now: Timestamp) -> bool {
        self.opened_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(user_agent: &str) -> GuidanceLink {
        GuidanceLink {
            secret_hash: [7; 32],
            enterprise_id: EnterpriseId::from_i64(1),
            guidance_type: GuidanceType::ShowCard,
            customer_id: CustomerId::from_i64(2),
            card_id: Some(CardId::from_i64(3)),
            kyc_ticket_id: None,
            is_otp_required: false,
            language: PageLanguage::En,
            theme: PageTheme::Default,
            mode: PageMode::Light,
            user_agent: user_agent.to_owned(),
            redirect_url: None,
            created_at: Timestamp::default(),
            expires_at: Timestamp::default().plus_seconds(GuidanceLink::LIFETIME_SECONDS),
            opened_at: None,
        }
    }

    #[test]
    fn the_user_agent_or_the_referer_must_contain_what_was_agreed() {
        let link = link("AcmeApp/2");
        assert!(link.admits(Some("AcmeApp/2"), None));
        assert!(link.admits(Some("Mozilla/5.0 AcmeApp/2.1 Mobile"), None));
        assert!(link.admits(Some("Mozilla/5.0"), Some("https://acme.example/AcmeApp/2")));
        assert!(!link.admits(Some("Mozilla/5.0"), Some("https://acme.example/")));
        assert!(!link.admits(Some("acmeapp/2"), None), "case matters");
        assert!(!link.admits(None, None));
    }

    #[test]
    fn nothing_agreed_admits_nobody() {
        assert!(!link("").admits(Some("Mozilla/5.0"), Some("https://acme.example/")));
    }

    #[test]
    fn a_link_is_open_once_and_for_five_minutes() {
        let at = |seconds| Timestamp::default().plus_seconds(seconds);
        let fresh = link("x");
        assert!(fresh.is_open_at(at(299)));
        assert!(!fresh.is_open_at(at(300)));
        let opened = GuidanceLink { opened_at: Some(at(1)), ..fresh };
        assert!(!opened.is_open_at(at(2)));
        assert_eq!(opened.audit_name(), "link:0707070707070707");
    }

    #[test]
    fn unknown_themes_and_modes_fall_back() {
        assert_eq!(PageTheme::or_default("light"), PageTheme::Light);
        assert_eq!(PageTheme::or_default("neon"), PageTheme::Default);
        assert_eq!(PageMode::or_system("dark"), PageMode::Dark);
        assert_eq!(PageMode::or_system("light"), PageMode::Light);
        assert_eq!(PageMode::or_system("web"), PageMode::System);
        assert_eq!(PageMode::or_system("dim"), PageMode::System);
        assert_eq!(PageMode::or_system(""), PageMode::System);
    }
}
