//! Every code of the operator and sandbox APIs' refusals, with its meaning.

use serde_json::{Value, json};

/// A code of a refusal.
pub(crate) struct ProblemCode {
    /// HTTP status.
    pub(crate) status: u16,
    /// The stable word.
    pub(crate) code: &'static str,
    /// Its meaning, for people.
    pub(crate) meaning: &'static str,
}

const fn code(status: u16, code: &'static str, meaning: &'static str) -> ProblemCode {
    ProblemCode { status, code, meaning }
}

/// All codes. Where several share a status, the usual one stands first.
pub(crate) const PROBLEM_CODES: &[ProblemCode] = &[
    code(400, "malformed_request", "the request cannot be read"),
    code(401, "unauthorised", "the bearer token is missing or wrong"),
    code(404, "not_found", "there is no such object or path"),
    code(405, "method_not_allowed", "the path has no such method"),
    code(408, "body_too_slow", "the body did not arrive in time"),
    code(413, "body_too_large", "the body is larger than its limit"),
    code(422, "invalid_value", "a value is wrong, missing or unknown; `detail` names its field"),
    code(500, "internal", "something failed on the platform's side"),
    code(502, "mail_refused", "the mail server did not take the mail; nothing was done"),
    code(
        503,
        "unavailable",
        "too much work is waiting already, or the store does not answer; try again after the \
         seconds of `Retry-After`",
    ),
    code(504, "link_silent", "no peer of the link answered within 10 s"),
    code(409, "insufficient_funds", "the account's available balance is less than the amount"),
    code(
        409,
        "already_done",
        "the call was already carried out; its answer contained a secret and is not repeated; \
         `objectId` names the object that it created",
    ),
    code(409, "card_state", "the card's state does not allow it"),
    code(409, "challenge_state", "the 3DS challenge is over"),
    code(
        409,
        "delivery_over",
        "the webhook was acknowledged by an app, or the one-time code in it was wiped",
    ),
    code(409, "delivery_pending", "the webhook is still waiting to be sent automatically"),
    code(409, "end_of_time", "business time ends with the year 8999"),
    code(409, "exceeds_authorisation", "more is asked for than the authorisation has left"),
    code(409, "hold_closed", "the authorisation's hold is over"),
    code(
        409,
        "idempotency_in_progress",
        "the first request with this key is not answered yet, or broke off",
    ),
    code(409, "link_not_connected", "the link has no connection"),
    code(409, "network_key_conflict", "another message had this card, STAN and RRN within 40 days"),
    code(409, "no_account", "the enterprise has no account in this currency"),
    code(409, "no_mail_server", "no mail server is configured"),
    code(409, "not_approved", "the authorisation is not approved"),
    code(409, "not_embossed", "the card is not embossed"),
    code(409, "not_incrementable", "the authorisation cannot be raised"),
    code(409, "not_physical", "the card is not physical"),
    code(409, "not_reserved", "the authorisation to be completed is not a reservation"),
    code(409, "out_of_range", "the balance would leave the range of amounts"),
    code(409, "product_code_taken", "the product code is that of another product"),
    code(409, "reference_mismatch", "the reference was used for another movement"),
    code(409, "ticket_state", "the ticket was already decided, with the other outcome"),
    code(
        409,
        "too_many_increments",
        "the authorisation has as many follow-up messages as it can have",
    ),
    code(409, "too_many_products", "the app has as many products as an app can have"),
    code(409, "undecided", "the authorisation is not decided yet"),
];

impl ProblemCode {
    /// A refusal with this code.
    pub(crate) fn sample(&self) -> Value {
        let title =
            http::StatusCode::from_u16(self.status).ok().and_then(|it| it.canonical_reason());
        json!({
            "type": format!("urn:cardbridge:problem:{}", self.code),
            "title": title,
            "status": self.status,
            "code": self.code,
            "detail": self.meaning,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::PROBLEM_CODES;

    /// The calls that make refusals, and which of their arguments is the code.
    const MAKERS: [(&str, usize); 2] = [("conflict(", 0), ("Self::new(StatusCode::", 1)];

    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// The codes of all refusals that a source makes; a code may be a constant.
    fn made(source: &str) -> Vec<String> {
        let mut codes = Vec::new();
        for (maker, place) in MAKERS {
            for after in source.split(maker).skip(1) {
                let argument = after.split([',', ')']).nth(place).unwrap_or_default();
                let constant = format!("const{argument}:&str=");
                let text = source.split(&constant).nth(1).unwrap_or(argument);
                let code = text.strip_prefix('"').and_then(|it| it.split('"').next());
                // Uploads answer with codes of S3, which are not listed here.
                let is_ours = |it: &&str| it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                codes.extend(code.filter(is_ours).map(str::to_owned));
            }
        }
        codes
    }

    #[test]
    fn every_code_that_is_made_is_described_and_no_other() {
        let mut paths = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
        let mut codes = BTreeSet::new();
        for path in paths.into_iter().filter(|path| !path.ends_with("problem_codes.rs")) {
            // Without blanks, since a call may span several lines.
            let source: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
            codes.extend(made(&source));
        }
        let described: BTreeSet<_> = PROBLEM_CODES.iter().map(|it| it.code.to_owned()).collect();
        assert_eq!(codes, described);
        assert_eq!(described.len(), PROBLEM_CODES.len());
    }
}
