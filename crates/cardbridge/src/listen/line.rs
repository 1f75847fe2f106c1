//! Everything that arrives, as one readable line each. Foreign texts are shown without control
//! characters, which a terminal would obey.

use std::collections::BTreeMap;
use std::io::Write as _;

use domain::{Currency, ResponseCode};
use sdk::notice::Notice;
use sdk::wire::cardbridge::webhook::ReceivedWebhook;
use serde_json::value::RawValue;

/// Most characters of one text that are shown.
const MAX_SHOWN_CHARS: usize = 200;

/// Writes a line to stdout. If the reader has closed it, it has seen enough; `listen` goes on.
pub fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// A notice and its answer.
pub fn notice(notice: &Notice, code: ResponseCode) -> String {
    let data = &notice.data;
    let mut line = format!(
        "notice   {} {} {} {} {} card {}",
        data.auth_id,
        data.direction,
        data.auth_type,
        data.transaction_type,
        amount(data.amount.as_str(), &data.currency),
        data.card_id,
    );
    if let Some(shop) = &data.card_acceptor_name_location {
        line.push_str(&format!(" at {shop}"));
    }
    if let Some(original) = &data.original_auth_id {
        line.push_str(&format!(" after {original}"));
    }
    let verdict = if code == ResponseCode::Approved { "approved" } else { "declined" };
    shown(&format!("{line} -> {verdict} ({code})"))
}

/// A webhook, with those plain fields of its data that have a value; numbers keep their digits.
pub fn webhook(webhook: &ReceivedWebhook) -> String {
    let data: BTreeMap<String, &RawValue> =
        serde_json::from_str(webhook.data.get()).unwrap_or_default();
    let mut line = format!(
        "webhook  {} {} {}",
        webhook.webhook_type, webhook.webhook_sub_type, webhook.business_id
    );
    for (name, value) in data {
        match value.get() {
            "null" | "\"\"" => {}
            text if text.starts_with('"') => {
                let text: String = serde_json::from_str(text).unwrap_or_default();
                line.push_str(&format!(" {name}={text}"));
            }
            inner if inner.starts_with(['{', '[']) => {}
            plain => line.push_str(&format!(" {name}={plain}")),
        }
    }
    shown(&line)
}

/// A line about something that is wrong.
pub fn trouble(what: &str, why: &str) -> String {
    shown(&format!("{what}: {why}"))
}

/// An amount with its currency's letters.
fn amount(digits: &str, currency: &str) -> String {
    let letters = Currency::parse(currency).map_or(currency, |it| it.alpha());
    format!("{digits} {letters}")
}

fn shown(line: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut words = line.split(' ').map(|word| {
        let mut characters = word.chars();
        let mut cut: String = characters.by_ref().take(MAX_SHOWN_CHARS).map(plain).collect();
        if characters.next().is_some() {
            cut.push('\u{2026}');
        }
        cut
    });
    let first = words.next().unwrap_or_default();
    words.fold(first, |mut line, word| {
        line.push(' ');
        line.push_str(&word);
        line
    })
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn a_webhook_is_one_line_of_its_plain_fields() {
        let data = r#"{"status":"SUCCEED","cardId":"7","errorCode":null,"amount":1.50,"list":[1],"name":"a\u001b[2Jb\nc"}"#;
        let webhook = ReceivedWebhook {
            webhook_id: "1".to_owned(),
            webhook_type: "CARD_ORDER".to_owned(),
            webhook_sub_type: "UPDATE".to_owned(),
            business_id: "9".to_owned(),
            data: RawValue::from_string(data.to_owned()).unwrap(),
            notification_time: String::new(),
        };
        assert_eq!(
            super::webhook(&webhook),
            "webhook  CARD_ORDER UPDATE 9 amount=1.50 cardId=7 \
             name=a\u{fffd}[2Jb\u{fffd}c status=SUCCEED"
        );
    }

    #[test]
    fn amounts_have_currency_letters_and_long_texts_are_cut() {
        assert_eq!(amount("15.50", "840"), "15.50 USD");
        assert_eq!(amount("15.50", "what"), "15.50 what");
        for long in ["x".repeat(300), "\u{7}".repeat(300), "x".repeat(MAX_SHOWN_CHARS + 1)] {
            let cut = shown(&long);
            assert_eq!(cut.chars().count(), MAX_SHOWN_CHARS + 1);
            assert!(cut.ends_with('\u{2026}'), "{cut}");
        }
        let whole = "\u{7}".repeat(MAX_SHOWN_CHARS);
        assert_eq!(shown(&whole), "\u{fffd}".repeat(MAX_SHOWN_CHARS));
    }
}
