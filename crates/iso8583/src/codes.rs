//! What known codes mean, for reading. Nothing is decided by them.

use crate::message::Mti;

/// A code and its meaning.
type Codes = [(&'static str, &'static str)];

fn find(codes: &Codes, code: &str) -> Option<&'static str> {
    codes.iter().find(|(it, _)| *it == code).map(|(_, meaning)| *meaning)
}

/// What a message type means.
#[must_use]
pub fn message_type(mti: Mti) -> String {
    let class = match mti.class() {
        1 => "authorisation",
        2 => "financial",
        3 => "file action",
        4 => "reversal",
        5 => "reconciliation",
        6 => "administrative",
        7 => "fee collection",
        8 => "network management",
        _ => "unknown class",
    };
    let function = match mti.function() {
        0 => "request",
        1 => "request response",
        2 => "advice",
        3 => "advice response",
        4 => "notification",
        _ => "unknown function",
    };
    let repeat = if mti.is_repeat() { ", repeat" } else { "" };
    format!("{class} {function}{repeat}")
}

/// What the transaction type in the first two digits of DE3 means.
#[must_use]
pub fn transaction_type(digits: &str) -> Option<&'static str> {
    const TYPES: &Codes = &[
        ("00", "purchase"),
        ("01", "cash"),
        ("02", "adjustment, debit"),
        ("09", "purchase with cash back"),
        ("11", "quasi-cash"),
        ("17", "cash advance"),
        ("20", "refund"),
        ("21", "deposit"),
        ("22", "adjustment, credit"),
        ("26", "payment to a card"),
        ("28", "payment"),
        ("30", "balance inquiry"),
        ("31", "balance inquiry"),
        ("33", "account verification"),
        ("40", "transfer"),
    ];
    find(TYPES, digits)
}

/// What an account type (DE3, DE54) means.
#[must_use]
pub fn account_type(digits: &str) -> Option<&'static str> {
    const TYPES: &Codes = &[
        ("00", "default"),
        ("10", "savings"),
        ("20", "cheque"),
        ("30", "credit"),
        ("40", "universal"),
        ("60", "stored value"),
    ];
    find(TYPES, digits)
}

/// What an amount type in DE54 means.
#[must_use]
pub fn amount_type(digits: &str) -> Option<&'static str> {
    const TYPES: &Codes = &[
        ("01", "ledger balance"),
        ("02", "available balance"),
        ("03", "amount owing"),
        ("04", "amount due"),
        ("20", "remaining this cycle"),
        ("40", "cash back"),
        ("57", "original amount"),
    ];
    find(TYPES, digits)
}

/// What the value of a field means, if it is a known code of dialect 1987.
#[must_use]
pub fn meaning(field: u8, value: &str) -> Option<&'static str> {
    match field {
        22 => find(ENTRY_MODES, value.get(..2)?),
        25 => find(CONDITIONS, value),
        39 => find(RESPONSES, value),
        70 => find(NETWORK_MANAGEMENT, value),
        _ => None,
    }
}

/// What the value of a field means, if it is a known code of dialect 1993.
#[must_use]
pub fn meaning_1993(field: u8, value: &str) -> Option<&'static str> {
    match field {
        24 => find(FUNCTIONS_1993, value),
        39 => find(ACTIONS_1993, value),
        _ => None,
    }
}

const ENTRY_MODES: &Codes = &[
    ("00", "unknown"),
    ("01", "manual"),
    ("02", "magnetic stripe"),
    ("05", "chip"),
    ("07", "contactless chip"),
    ("10", "credential on file"),
    ("79", "chip failed, manual"),
    ("80", "chip failed, magnetic stripe"),
    ("81", "e-commerce"),
    ("90", "magnetic stripe, whole track"),
    ("91", "contactless magnetic stripe"),
    ("95", "chip, CVV unreliable"),
];

const CONDITIONS: &Codes = &[
    ("00", "normal"),
    ("01", "customer not present"),
    ("02", "unattended terminal"),
    ("03", "merchant suspicious"),
    ("05", "customer present, card not present"),
    ("06", "pre-authorised request"),
    ("08", "mail or telephone order"),
    ("51", "account check without amount"),
    ("59", "e-commerce"),
];

const RESPONSES: &Codes = &[
    ("00", "approved"),
    ("01", "refer to card issuer"),
    ("03", "invalid merchant"),
    ("04", "capture card"),
    ("05", "do not honour"),
    ("06", "error"),
    ("10", "approved for a partial amount"),
    ("12", "invalid transaction"),
    ("13", "invalid amount"),
    ("14", "invalid card number"),
    ("15", "no such issuer"),
    ("17", "customer cancelled"),
    ("21", "no action taken"),
    ("24", "file update not supported"),
    ("25", "record not found"),
    ("30", "format error"),
    ("32", "completed partially"),
    ("40", "function not supported"),
    ("41", "lost card"),
    ("43", "stolen card"),
    ("51", "insufficient funds"),
    ("54", "expired card"),
    ("55", "incorrect PIN"),
    ("57", "not permitted to cardholder"),
    ("58", "not permitted to terminal"),
    ("59", "suspected fraud"),
    ("61", "exceeds amount limit"),
    ("62", "restricted card"),
    ("63", "security violation"),
    ("65", "exceeds count limit"),
    ("68", "response received too late"),
    ("75", "PIN tries exceeded"),
    ("81", "PIN cannot be verified"),
    ("91", "issuer or switch inoperative"),
    ("92", "no route to the issuer"),
    ("94", "duplicate transmission"),
    ("95", "reconciliation error"),
    ("96", "system malfunction"),
];

const NETWORK_MANAGEMENT: &Codes = &[
    ("001", "sign-on"),
    ("002", "sign-off"),
    ("101", "new key"),
    ("161", "request for a key"),
    ("201", "cut-over"),
    ("301", "echo test"),
];

const FUNCTIONS_1993: &Codes = &[
    ("100", "original authorisation, amount accurate"),
    ("101", "original authorisation, amount estimated"),
    ("200", "original financial request"),
    ("400", "full reversal"),
    ("401", "partial reversal"),
    ("801", "sign-on"),
    ("802", "sign-off"),
    ("811", "new key"),
    ("821", "cut-over"),
    ("831", "echo test"),
];

const ACTIONS_1993: &Codes = &[
    ("000", "approved"),
    ("100", "do not honour"),
    ("101", "expired card"),
    ("104", "restricted card"),
    ("106", "PIN tries exceeded"),
    ("110", "invalid amount"),
    ("111", "invalid card number"),
    ("115", "function not supported"),
    ("116", "insufficient funds"),
    ("117", "incorrect PIN"),
    ("121", "exceeds amount limit"),
    ("122", "security violation"),
    ("123", "exceeds count limit"),
    ("126", "invalid PIN block"),
    ("304", "file action not supported"),
    ("400", "reversal accepted"),
    ("800", "network management accepted"),
    ("904", "format error"),
    ("907", "issuer or switch inoperative"),
    ("909", "system malfunction"),
    ("910", "issuer signed off"),
    ("911", "issuer timed out"),
    ("912", "issuer unavailable"),
    ("913", "duplicate transmission"),
    ("914", "original not found"),
    ("916", "MAC incorrect"),
    ("917", "key out of step"),
];
