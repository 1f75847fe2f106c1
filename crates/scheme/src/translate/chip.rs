//! What a chip sends and is answered (network-iso8583.md section 3.6).

use std::collections::BTreeMap;

use authorise::ChipVerdict;
use iso8583::tlv::{Element, KEPT_TAGS, append, elements};
use iso8583::{Message, WipedBytes};
use vault::{ChipAnswer, ChipRequest};

use super::codes::Refusal;
use super::field;
use super::reply::Reply;
use crate::order::OrderChip;

/// Tags whose values a cryptogram covers, in their order.
const COVERED_TAGS: [u32; 10] =
    [0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, COUNTER];
/// The other amount, which a terminal leaves out if it is zero.
const OTHER_AMOUNT: u32 = 0x9F03;
const NO_AMOUNT: [u8; 6] = [0; 6];
/// The transaction counter.
const COUNTER: u32 = 0x9F36;
/// The issuer's application data.
const APPLICATION_DATA: u32 = 0x9F10;
/// The cryptogram.
const CRYPTOGRAM: u32 = 0x9F26;
/// The card's sequence number.
const SEQUENCE: u32 = 0x5F34;
/// The issuer's authentication data, in an answer.
const AUTHENTICATION_DATA: u32 = 0x91;
/// The sequence number of a card that names none.
const NO_SEQUENCE: &str = "00";

/// What the chip sent, not verified yet; of a tag that comes twice, the first. Tags that are not
/// kept end here.
pub(super) fn chip_of(message: &Message) -> Result<Option<OrderChip>, Refusal> {
    let Some(bytes) = message.get(field::CHIP_DATA) else { return Ok(None) };
    let elements = elements(bytes).map_err(|_| Refusal::Format(field::CHIP_DATA))?;
    let mut tags = BTreeMap::new();
    for Element { tag, value } in elements {
        if KEPT_TAGS.contains(&tag) {
            tags.entry(tag).or_insert_with(|| value.to_vec());
        }
    }
    let sequence = sequence_of(message, &tags);
    Ok(Some(OrderChip { sequence, tags, verdict: ChipVerdict::Unverified }))
}

/// The last two digits of the message's sequence number, otherwise the chip's.
fn sequence_of(message: &Message, tags: &BTreeMap<u32, Vec<u8>>) -> String {
    let of_message = message.text(field::CARD_SEQUENCE).and_then(|digits| digits.get(1..));
    let of_chip = || match tags.get(&SEQUENCE).map(Vec::as_slice) {
        Some([number]) => Some(format!("{number:02X}")),
        _ => None,
    };
    of_message.map(str::to_owned).or_else(of_chip).unwrap_or_else(|| NO_SEQUENCE.to_owned())
}

impl OrderChip {
    /// Asks `verify` about its cryptogram; `None` if it lacks what a cryptogram covers.
    pub(crate) fn verified<T>(&self, verify: impl FnOnce(&ChipRequest<'_>) -> T) -> Option<T> {
        let mut data = Vec::with_capacity(64);
        for tag in COVERED_TAGS {
            match self.tag(tag) {
                Some(value) => data.extend_from_slice(value),
                None if tag == OTHER_AMOUNT => data.extend_from_slice(&NO_AMOUNT),
                None => return None,
            }
        }
        Some(verify(&ChipRequest {
            sequence: &self.sequence,
            data: &data,
            counter: self.tag(COUNTER)?.try_into().ok()?,
            application_data: self.tag(APPLICATION_DATA)?,
            cryptogram: self.tag(CRYPTOGRAM)?.try_into().ok()?,
        }))
    }
}

/// Adds to an answer what authenticates the issuer to the chip, if its request was decided.
pub(crate) fn answer_chip(answer: &mut Message, chip: &ChipAnswer, reply: &Reply) {
    let is_approved = matches!(reply, Reply::Approved { .. });
    let is_decided = is_approved || matches!(reply, Reply::Declined { .. });
    let Some(code) = reply.code().filter(|_| is_decided) else { return };
    // Chips know the two characters of dialect 1987 only.
    let Ok(code) = code.text(0).try_into() else { return };
    let value = chip.authentication_data(is_approved, code);
    let mut bytes = WipedBytes::with_capacity(value.len() + 2);
    // Ten bytes are neither too long for an element nor for a field.
    if append(Element { tag: AUTHENTICATION_DATA, value: &value }, &mut bytes).is_ok() {
        let _ = answer.set(field::CHIP_DATA, &bytes);
    }
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    /// DE55 of V05, and in it a PAN, which is not kept.
    const V05: &str = "\
        9F260829812AE91DC117379F2701809F100706010A03A0B8009F370452BF45859F3602004295\
        0580000480009A032611299C01009F02060000000042505F2A020978820218009F1A0207029F\
        03060000000000005F3401015A0840009900999999945A00";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.bytes().collect();
        let pair =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    fn read(hex: &str, sequence: Option<&str>) -> Result<Option<OrderChip>, Refusal> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        message.set(55, &bytes(hex)).unwrap();
        if let Some(sequence) = sequence {
            message.set(23, sequence.as_bytes()).unwrap();
        }
        chip_of(&message)
    }

    #[test]
    fn kept_tags_are_read_and_all_others_end() {
        let chip = read(V05, Some("002")).ok().unwrap().unwrap();
        assert_eq!(chip.sequence, "02");
        let shown = chip.shown();
        assert_eq!(shown.len(), 14);
        assert_eq!(shown["9F26"], "29812AE91DC11737");
        assert_eq!((&*shown["95"], &*shown["5F34"]), ("8000048000", "01"));
        assert!(!shown.contains_key("5A"));
        assert_eq!(read(V05, None).ok().unwrap().unwrap().sequence, "01");
        assert_eq!(read("820218", None).err(), Some(Refusal::Format(55)));
        let twice = read("9C01009C0109", None).ok().unwrap().unwrap();
        assert_eq!((twice.sequence.as_str(), twice.tag(0x9C)), ("00", Some(&[0][..])));
    }

    #[test]
    fn a_cryptogram_covers_ten_values_in_their_order() {
        let data = |hex: &str| {
            let chip = read(hex, None).ok().unwrap().unwrap();
            chip.verified(|request| request.data.to_vec())
        };
        let covered = bytes(
            "00000000425000000000000007028000048000097826112900\
            52BF458518000042",
        );
        assert_eq!(data(V05), Some(covered.clone()));
        assert_eq!(data(&V05.replace("9F0306000000000000", "")), Some(covered), "no other amount");
        assert_eq!(data(&V05.replace("9F36020042", "")), None);
        assert_eq!(data(&V05.replace("9F260829812AE91DC11737", "")), None);
    }
}
