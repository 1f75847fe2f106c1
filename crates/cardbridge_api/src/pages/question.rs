//! The data printed on the card, as the second way to verify a customer whom no one-time password
//! reaches: the last four digits and the expiry.

use domain::{Card, GuidanceLink};
use store::HolderProof;
use vault::expiry_yymm;

use super::failure::PageFailure;
use super::form::Form;
use crate::state::ApiState;

/// Field with the last four digits of the card number.
pub(super) const LAST4: &str = "cardLast4";
/// Field with the expiry, month before year.
pub(super) const EXPIRY: &str = "cardExpiry";

/// True if the page can ask for the data on the card: only a page about a card knows which card.
pub(super) const fn is_asked(link: &GuidanceLink) -> bool {
    link.card_id.is_some()
}

/// True if a form answers this question instead of bringing a password.
pub(super) fn is_answered(form: &Form) -> bool {
    !form.field(LAST4).is_empty() || !form.field(EXPIRY).is_empty()
}

/// The answer as a proof. Both parts are compared before either is judged; for a page without a
/// card every answer is wrong.
pub(super) async fn proof(
    state: &ApiState,
    link: &GuidanceLink,
    form: &Form,
) -> Result<HolderProof, PageFailure> {
    let card = match link.card_id {
        Some(card_id) => state.store.find::<Card>((link.enterprise_id, card_id)).await?,
        None => None,
    };
    let is_right = card.is_some_and(|card| {
        let given_last4 = form.field(LAST4).trim().as_bytes();
        let last4 = crypto::constant_time_eq(given_last4, card.pan_last4.as_bytes());
        let given_expiry = yymm(form.field(EXPIRY)).unwrap_or_default();
        let own_expiry = expiry_yymm(card.valid_until);
        let expiry = crypto::constant_time_eq(given_expiry.as_bytes(), own_expiry.as_bytes());
        last4 & expiry
    });
    Ok(HolderProof::CardDetails { is_right })
}

/// YYMM from what people type who read MM/YY on their card: with the slash, blanks, a dash or
/// nothing in between, with or without the century.
fn yymm(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !" /-".contains(*c)).collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        4 => Some(format!("{}{}", &digits[2..], &digits[..2])),
        6 => Some(format!("{}{}", &digits[4..], &digits[..2])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::yymm;

    #[test]
    fn an_expiry_is_read_as_people_type_it() {
        for typed in ["07/29", "0729", "07 / 29", "07-29", "07/2029", " 072029 "] {
            assert_eq!(yymm(typed).as_deref(), Some("2907"), "{typed}");
        }
        for bad in ["", "7/29", "07/9", "July 29", "07/29/1", "0７29"] {
            assert_eq!(yymm(bad), None, "{bad}");
        }
    }
}
