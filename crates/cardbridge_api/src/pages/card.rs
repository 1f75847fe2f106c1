//! Type 1: the numbers of a card, shown once.

use askama::Template;
use axum::response::Response;
use domain::{CardId, GuidanceLink, RevealPurpose};
use zeroize::Zeroizing;

use super::failure::PageFailure;
use super::frame::Frame;
use crate::state::ApiState;

/// Digits in a group, as on the card.
const GROUP_DIGITS: usize = 4;

/// Shows PAN, expiry and CVV2. The audit has its row before they leave the vault.
pub(super) async fn show(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    card_id: CardId,
) -> Result<Response, PageFailure> {
    let purpose = RevealPurpose::ShowCardPage;
    let card = state
        .cards
        .reveal(link.enterprise_id, &card_id.to_string(), purpose, &link.audit_name())
        .await?;
    let (year, month) = card.expiry_yymm.split_at(card.expiry_yymm.len() / 2);
    let expiry = Zeroizing::new(format!("{month}/{year}"));
    Ok(frame.page(&CardPage {
        frame,
        pan_groups: groups(card.pan.expose()),
        expiry: &expiry,
        cvv2: card.cvv2.expose(),
    }))
}

fn groups(pan: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = pan;
    while let Some((group, later)) = rest.split_at_checked(GROUP_DIGITS) {
        groups.push(group);
        rest = later;
    }
    groups.extend(Some(rest).filter(|rest| !rest.is_empty()));
    groups
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardPage<'a> {
    frame: &'a Frame,
    pan_groups: Vec<&'a str>,
    expiry: &'a str,
    cvv2: &'a str,
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn digits_stand_in_fours_and_none_is_lost() {
        assert_eq!(groups("1234567890123456"), ["1234", "5678", "9012", "3456"]);
        assert_eq!(groups("1234567890123456789").concat(), "1234567890123456789");
        assert_eq!(groups("123"), ["123"]);
    }
}
