//! Why a page is not shown: the numbers of cardbridge-open-api.md section 6.3.

use cards::CardsError;
use http::StatusCode;
use store::{OpenLinkError, StoreError};

use super::texts::Texts;

/// Why a page is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageFailure {
    /// Something of ours failed, or the page's purpose cannot be fulfilled.
    System,
    /// The form's token is unknown, used or too old.
    LoginExpired,
    /// The customer was not verified, or the page's purpose is not allowed.
    NotAuthorised,
    /// More one-time passwords than the enterprise may send in a minute; the link stays open.
    TooManyPasswords,
    /// Neither User-Agent nor Referer is the agreed one.
    UserAgent,
    /// The link's secret is unknown, used or expired.
    Secret,
}

impl PageFailure {
    /// The page error's number.
    pub(crate) const fn number(self) -> &'static str {
        match self {
            Self::System | Self::TooManyPasswords => "10000",
            Self::LoginExpired => "10001",
            Self::NotAuthorised => "10002",
            Self::UserAgent => "10003",
            Self::Secret => "10004",
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::System => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyPasswords => StatusCode::TOO_MANY_REQUESTS,
            Self::LoginExpired | Self::NotAuthorised => StatusCode::FORBIDDEN,
            Self::UserAgent | Self::Secret => StatusCode::NOT_FOUND,
        }
    }

    /// Heading and explanation.
    pub(crate) const fn texts(self, texts: &Texts) -> (&'static str, &'static str) {
        match self {
            Self::System => (texts.failed, texts.failed_why),
            Self::TooManyPasswords => (texts.failed, texts.too_many_why),
            Self::LoginExpired => (texts.expired, texts.expired_why),
            Self::NotAuthorised => (texts.refused, texts.refused_why),
            Self::UserAgent | Self::Secret => (texts.not_found, texts.not_found_why),
        }
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        error.tell();
        Self::System
    }
}

impl From<OpenLinkError> for PageFailure {
    fn from(error: OpenLinkError) -> Self {
        match error {
            OpenLinkError::Gone => Self::Secret,
            OpenLinkError::TooManyPasswords => Self::TooManyPasswords,
            OpenLinkError::Store(error) => error.into(),
        }
    }
}

impl From<CardsError> for PageFailure {
    fn from(error: CardsError) -> Self {
        match error {
            CardsError::Store(error) => error.into(),
            CardsError::Missing(_) | CardsError::Vault(_) => {
                tracing::error!(%error, "what a page needs cannot be opened");
                Self::System
            }
            _ => Self::NotAuthorised,
        }
    }
}
