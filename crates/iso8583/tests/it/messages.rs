//! Message types, fields that are set and removed, and answers.

use iso8583::{
    FieldError, FieldSet, Frame, Framing, FramingSettings, Layout, Message, Mti, Packager,
    WipedBytes, answer_to, answer_to_undecodable, decode, default_echo, describe, encode,
};

use crate::vectors::{bytes, encoded, layout, refused, vector};

fn mti(text: &str) -> Mti {
    Mti::parse(text).unwrap()
}

/// The answers of network-iso8583.md section 3.1.
#[test]
fn a_request_or_advice_has_an_answer() {
    for (request, answer) in [
        ("0100", "0110"),
        ("0101", "0110"),
        ("0120", "0130"),
        ("0121", "0130"),
        ("0401", "0410"),
        ("0421", "0430"),
        ("0102", "0112"),
        ("0103", "0112"),
        ("0800", "0810"),
        ("1420", "1430"),
    ] {
        assert_eq!(mti(request).answer().map(|it| it.to_string()).as_deref(), Some(answer));
        assert_eq!(mti(request).first().answer(), mti(request).answer());
    }
    for other in ["0110", "0130", "0140", "0150", "0810", "0199"] {
        assert_eq!(mti(other).answer(), None, "{other}");
    }
    for bad in ["", "010", "01000", "01O0", "-100", "01é"] {
        assert_eq!(Mti::parse(bad), None, "{bad}");
    }
    assert!(mti("0101").is_repeat() && !mti("0100").is_repeat());
    assert_eq!(mti("0405").first(), mti("0404"));
}

#[test]
fn an_answer_repeats_the_fields_of_the_list_that_came() {
    let purchase = vector("V01");
    let request = decode(&layout(&purchase), &bytes(&purchase, "hex")).unwrap().message;
    let answer = answer_to(&request, default_echo()).unwrap();
    assert_eq!(answer.mti(), mti("0110"));
    let approval = vector("V02");
    let approval = decode(&layout(&approval), &bytes(&approval, "hex")).unwrap().message;
    let ours: FieldSet = [38, 39].into_iter().collect();
    let expected = approval.fields().into_iter().filter(|it| !ours.contains(*it));
    assert_eq!(answer.fields(), expected.collect());
    for (number, value) in answer.iter() {
        assert_eq!(Some(value), request.get(number));
    }
    assert!(answer_to(&answer, default_echo()).is_none());
}

#[test]
fn fields_are_set_and_removed() {
    let mut message = Message::new(mti("0100"));
    for (number, value) in [(128, "last"), (2, "first"), (64, "middle"), (64, ""), (64, "again")] {
        message.set(number, value.as_bytes()).unwrap();
    }
    let all: Vec<_> = message.iter().map(|(number, value)| (number, value.to_vec())).collect();
    let expected = [(2, "first"), (64, "again"), (128, "last")];
    assert_eq!(all, expected.map(|(number, value)| (number, value.as_bytes().to_vec())));
    message.remove(64);
    message.remove(64);
    assert_eq!((message.get(64), message.text(128)), (None, Some("last")));
    for number in [0, 1, 65, 129, 255] {
        assert_eq!(message.set(number, b"1"), Err(FieldError::NoSuchField(number)));
        assert_eq!(message.get(number), None);
    }
    assert_eq!(message.set(48, &[0; 1_001]), Err(FieldError::TooLong(48)));
    message.set(48, &[0xFF]).unwrap();
    assert_eq!((message.get(48), message.text(48)), (Some(&[0xFF][..]), None));
    message.set_mti(mti("0110"));
    assert_eq!(message.mti(), mti("0110"));
}

/// DE39 has two characters in dialect 1987 and three digits in 1993.
#[test]
fn the_answer_to_an_undecodable_message_reports_a_format_error() {
    for (id, answered, code) in [("V01", "0110", "30"), ("V22", "1110", "904")] {
        let vector = vector(id);
        let (layout, mut sent) = (layout(&vector), bytes(&vector, "hex"));
        // Cuts off the last digit of DE49.
        sent.pop();
        let answer = answer_to_undecodable(&refused(&layout, &sent), default_echo()).unwrap();
        assert_eq!(answer.mti(), mti(answered));
        assert_eq!((answer.text(39), answer.text(44)), (Some(code), Some("049")));
        assert!(encode(&layout, &answer, &mut WipedBytes::with_capacity(0)).is_ok());
    }
    for unanswered in ["V02", "V18"] {
        let vector = vector(unanswered);
        let sent = bytes(&vector, "hex");
        let error = refused(&layout(&vector), &sent[..sent.len() - 1]);
        assert!(answer_to_undecodable(&error, default_echo()).is_none(), "{unanswered}");
    }
}

/// Card numbers in fields that are not made for them, behind a length, and in DE54.
#[test]
fn a_description_finds_card_numbers_in_other_fields() {
    let layout = Layout::of(Packager::Iso87Ascii);
    let mut message = Message::new(mti("0100"));
    let pan = "4000990012345678";
    for (number, value) in [
        (43, format!("{pan:40}")),
        (46, format!("\x1b[31m16{pan}")),
        (54, format!("0001{pan}")),
        (98, format!("{pan:25}")),
        (102, "400099001234".to_owned()),
        (104, format!("92{pan}3012")),
        (126, "792".to_owned()),
    ] {
        message.set(number, value.as_bytes()).unwrap();
    }
    let shown = describe(&layout, &encoded(&layout, &message)).to_string();
    assert!(!shown.contains("40009900123456"), "{shown}");
    assert!(!shown.contains("792") && !shown.contains('\x1b'), "{shown}");
    assert!(shown.contains(".[31m16****************"), "{shown}");
}

#[test]
fn an_empty_buffer_is_no_frame_and_an_empty_description_has_an_error() {
    let framing = Framing::new(&FramingSettings::default()).unwrap();
    assert!(framing.read(&[]).unwrap() == Frame::Incomplete);
    let description = describe(&Layout::of(Packager::Iso87Ascii), &[]);
    assert_eq!(description.to_string(), "error truncated 0 0\n");
}
