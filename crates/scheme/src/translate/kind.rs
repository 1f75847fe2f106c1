//! The kinds of messages.

use domain::MessageKind;

use super::codes::Refusal;

/// The kind of a class of messages; `None` for those that have no identity.
pub(super) const fn kind_of(class: u8) -> Option<MessageKind> {
    Some(match class {
        1 => MessageKind::Authorisation,
        2 => MessageKind::Financial,
        4 => MessageKind::Reversal,
        5 => MessageKind::Reconciliation,
        _ => return None,
    })
}

/// The kind of an original, by its type in original data.
pub(super) fn original_kind(mti: &str) -> Result<MessageKind, Refusal> {
    let class = mti.as_bytes().get(1).map(|digit| digit.wrapping_sub(b'0'));
    let kind = class.and_then(kind_of).filter(|kind| kind.is_original());
    kind.ok_or(Refusal::NotSupported)
}
