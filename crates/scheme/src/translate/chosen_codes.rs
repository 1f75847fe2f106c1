//! The codes that a link chooses (network-iso8583.md section 4.1).

use std::collections::BTreeMap;

use domain::Cause;
use iso8583::Packager;

use super::codes::{Code, code_of};
use super::words::words;

/// The codes of a link.
#[derive(Debug, Clone)]
pub struct Codes {
    version: u8,
    /// The code for a decision to which the enterprise gave no usable answer.
    no_answer: Code,
    chosen: BTreeMap<String, Code>,
}

impl Codes {
    /// Those of network-iso8583.md section 4.1, for the dialect of a packager.
    #[must_use]
    pub const fn new(packager: Packager) -> Self {
        let no_answer = Code::DO_NOT_HONOUR;
        Self { version: packager.version(), no_answer, chosen: BTreeMap::new() }
    }

    /// What a code that is chosen is to be.
    #[must_use]
    pub fn should_be(&self) -> &'static str {
        words(self.version).declining_codes()
    }

    /// Chooses the code for a decision to which the enterprise gave no usable answer; false if the
    /// text is no code for a decline.
    pub fn choose_no_answer(&mut self, text: &str) -> bool {
        let code = self.declining(self.no_answer, text);
        self.no_answer = code.unwrap_or(self.no_answer);
        code.is_some()
    }

    /// Chooses the code for a cause, by the word that records show; false if that is no decline, or
    /// the text is no code for one.
    pub fn choose(&mut self, word: &str, text: &str) -> bool {
        let cause = Cause::from(word);
        let is_decline = !matches!(cause, Cause::Other(_)) && !cause.is_approval();
        let own = code_of(&cause, self.no_answer);
        let code = self.declining(own, text).filter(|_| is_decline);
        code.is_some_and(|code| {
            self.chosen.insert(word.to_owned(), code);
            true
        })
    }

    /// The code with this text in the link's dialect; `None` if the network could take that for
    /// something else than a decline (network-iso8583.md section 4.2).
    fn declining(&self, code: Code, text: &str) -> Option<Code> {
        code.with_text(Some(text).filter(|text| words(self.version).may_decline(text))?)
    }

    /// The code for a decision.
    pub(crate) fn of(&self, cause: &Cause) -> Code {
        let chosen = self.chosen.get(cause.text().as_ref()).copied();
        chosen.unwrap_or_else(|| code_of(cause, self.no_answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_may_choose_the_code_for_no_answer() {
        for (packager, version, text) in
            [(Packager::Iso87Ascii, 0, "91"), (Packager::Iso93Ascii, 1, "907")]
        {
            let mut codes = Codes::new(packager);
            assert!(codes.choose_no_answer(text));
            assert_eq!(codes.of(&Cause::NoAnswer).text(version), text.as_bytes());
            let other = codes.of(&Cause::EnterpriseNoResponse);
            assert_eq!([other.text(0), other.text(1)], [&b"05"[..], b"100"]);
        }
        let refuses = |packager, texts: &[&str]| {
            for text in texts {
                assert!(!Codes::new(packager).choose_no_answer(text), "{text}");
            }
        };
        refuses(Packager::Iso87Binary, &["", "5", "005", "5A", "00", "10", "é"]);
        let iso93 = ["", "05", "1000", "1A0", "000", "010", "099", "400", "500", "800", "é1"];
        refuses(Packager::Iso93Ascii, &iso93);
    }

    #[test]
    fn a_link_may_choose_the_code_of_a_decline() {
        let mut codes = Codes::new(Packager::Iso87Ascii);
        assert!(
            codes.choose("enterprise_not_allowed", "57") && codes.choose("http_status_503", "91")
        );
        assert_eq!(codes.of(&Cause::EnterpriseNotAllowed).text(0), b"57");
        assert_eq!(codes.of(&Cause::EnterpriseNotAllowed).text(1), b"100");
        assert_eq!(codes.of(&Cause::HttpStatus(503)).text(0), b"91");
        assert_eq!(codes.of(&Cause::HttpStatus(502)).text(0), b"05");
        for (word, text) in [("approved", "57"), ("moon_phase", "57"), ("no_fx_rate", "00")] {
            assert!(!codes.choose(word, text), "{word}");
        }
        let mut codes = Codes::new(Packager::Iso93Ascii);
        assert!(codes.choose("enterprise_not_allowed", "119"));
        let code = codes.of(&Cause::EnterpriseNotAllowed);
        assert_eq!([code.text(0), code.text(1)], [&b"05"[..], b"119"]);
    }
}
