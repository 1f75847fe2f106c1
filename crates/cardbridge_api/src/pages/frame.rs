//! The surroundings of every page: language, colours, the origins that may frame it and hear from
//! it, and the headers that keep others from storing, framing or scripting it.

use std::sync::LazyLock;

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::sha256;
use domain::{Enterprise, GuidanceLink, PageLanguage, PageMode, PageTheme};
use http::{HeaderName, HeaderValue, StatusCode, header};
use listener::shell::LoggedCode;
use wire::cardbridge::guidance::WebUrl;

use super::failure::PageFailure;
use super::place::Place;
use super::texts::Texts;

/// The one style of all pages.
pub(crate) const STYLE: &str = include_str!("page.css");
/// The one script of all pages: copies, wipes secrets when their page is left, closes, and tells
/// the parent.
pub(crate) const SCRIPT: &str = include_str!("page.js");

/// The beginning of the policy: nothing but this very script and style.
static OWN_SOURCES: LazyLock<String> = LazyLock::new(|| {
    let source = |text: &str| format!("'sha256-{}'", STANDARD.encode(sha256(text.as_bytes())));
    let (script, style) = (source(SCRIPT), source(STYLE));
    format!("default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'")
});

/// The surroundings of a page.
pub(crate) struct Frame {
    pub(crate) texts: &'static Texts,
    pub(crate) language: PageLanguage,
    pub(crate) theme: PageTheme,
    pub(crate) mode: PageMode,
    /// Origins that may frame the page and hear from it, with a blank between them.
    pub(crate) origins: String,
    /// The target of the page's form.
    pub(crate) path: String,
    /// The target after success.
    pub(crate) redirect_url: Option<String>,
}

impl Frame {
    /// For a page of which only the path is known: nobody may frame it.
    pub(crate) fn bare(place: Place) -> Self {
        Self {
            texts: Texts::of(place.language),
            language: place.language,
            theme: PageTheme::Default,
            mode: PageMode::System,
            origins: String::new(),
            path: place.path(),
            redirect_url: None,
        }
    }

    /// For the page of a link.
    pub(crate) fn of(link: &GuidanceLink, enterprise: Option<&Enterprise>) -> Self {
        let origins = enterprise.map_or(&[][..], |it| &it.page_origins);
        let origins: Vec<&str> =
            origins.iter().map(String::as_str).filter(|it| is_plain_origin(it)).collect();
        Self {
            theme: link.theme,
            mode: link.mode,
            origins: origins.join(" "),
            redirect_url: link.redirect_url.clone(),
            ..Self::bare(Place::of(link))
        }
    }

    /// A rendered page.
    pub(crate) fn page<T: Template>(&self, content: &T) -> Response {
        match content.render() {
            Ok(html) => self.respond(StatusCode::OK, html),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                self.failure(PageFailure::System)
            }
        }
    }

    /// The page of a failure.
    pub(crate) fn failure(&self, failure: PageFailure) -> Response {
        let (heading, why) = failure.texts(self.texts);
        let page = FailurePage { frame: self, heading, why, number: failure.number() };
        // Even if this page cannot be rendered, its number can be shown.
        let html = page.render().unwrap_or_else(|_| failure.number().to_owned());
        let mut response = self.respond(failure.status(), html);
        response.extensions_mut().insert(LoggedCode(failure.number()));
        response
    }

    /// The answer after success: the link's redirect, or a page that says so.
    pub(crate) fn success(&self, message: &'static str) -> Response {
        let target = self.redirect_url.as_ref().and_then(|url| HeaderValue::from_str(url).ok());
        let Some(target) = target else { return self.page(&DonePage { frame: self, message }) };
        let mut response = self.respond(StatusCode::SEE_OTHER, String::new());
        response.headers_mut().insert(header::LOCATION, target);
        response
    }

    /// An answer without content, for requests that must use up nothing.
    pub(crate) fn empty(&self, status: StatusCode) -> Response {
        self.respond(status, String::new())
    }

    fn respond(&self, status: StatusCode, html: String) -> Response {
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, "text/html; charset=utf-8");
        set(header::CACHE_CONTROL, "no-store");
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
        if self.origins.is_empty() {
            set(header::X_FRAME_OPTIONS, "DENY");
        }
        let policy = HeaderValue::from_str(&self.policy());
        let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }

    fn policy(&self) -> String {
        let ancestors = if self.origins.is_empty() { "'none'" } else { &self.origins };
        // Browsers hold a form's redirect to the same rule as the form.
        let target = self.redirect_url.as_deref().and_then(WebUrl::parse);
        let target = target.map(|url| format!(" {}", url.origin())).unwrap_or_default();
        format!("{}; form-action 'self'{target}; frame-ancestors {ancestors}", *OWN_SOURCES)
    }
}

/// True if an origin has no character that would end its place in a policy.
fn is_plain_origin(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:/[]".contains(&b))
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: &'a Frame,
    heading: &'static str,
    why: &'static str,
    number: &'static str,
}

#[derive(Template)]
#[template(path = "done.html")]
struct DonePage<'a> {
    frame: &'a Frame,
    message: &'static str,
}

#[cfg(test)]
mod tests {
    use domain::GuidanceType;

    use super::*;

    fn frame(origins: &str, redirect_url: Option<&str>) -> Frame {
        let language = PageLanguage::En;
        let place = Place { language, guidance_type: GuidanceType::SetPin };
        let redirect_url = redirect_url.map(str::to_owned);
        Frame { origins: origins.to_owned(), redirect_url, ..Frame::bare(place) }
    }

    #[test]
    fn the_policy_lets_in_one_script_one_style_and_registered_parents() {
        let policy = frame("https://a.example https://b.example", Some("https://c.example:8443/x"));
        let policy = policy.policy();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let end = "form-action 'self' https://c.example:8443; \
            frame-ancestors https://a.example https://b.example";
        assert!(policy.ends_with(end), "{policy}");
        let nobody = frame("", None).policy();
        assert!(nobody.ends_with("form-action 'self'; frame-ancestors 'none'"), "{nobody}");
    }

    #[test]
    fn an_origin_cannot_add_to_the_policy() {
        assert!(is_plain_origin("https://shop.example:8443"));
        assert!(is_plain_origin("http://[::1]:80"));
        assert!(!is_plain_origin("https://a;script-src"));
        assert!(!is_plain_origin("https://a 'unsafe-inline'"));
    }

    #[test]
    fn the_script_and_the_style_cannot_end_their_own_elements() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</"));
    }
}
