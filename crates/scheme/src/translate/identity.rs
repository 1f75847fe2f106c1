//! What identifies a message. The only place that decides it: the full identity of
//! network-iso8583.md section 5.1 comes here.

use domain::NetworkKey;
use iso8583::Message;

use super::field;

/// The key under which a repeat of the message is recognised: STAN and RRN. A message without RRN
/// has its local date and time instead, and without those the time at which it was sent.
pub(crate) fn network_key(message: &Message) -> Option<NetworkKey> {
    let stan = message.text(field::STAN)?.to_owned();
    let rrn = message.text(field::RRN).map(str::trim).filter(|it| !it.is_empty());
    let local = || {
        let date = message.text(field::LOCAL_DATE)?;
        Some(format!("{date}{}", message.text(field::LOCAL_TIME)?))
    };
    let rrn = rrn.map(str::to_owned).or_else(local);
    let rrn = rrn.or_else(|| message.text(field::TRANSMITTED_AT).map(str::to_owned))?;
    Some(NetworkKey { stan, rrn })
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    fn key(fields: &[(u8, &str)]) -> Option<(String, String)> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        network_key(&message).map(|key| (key.stan, key.rrn))
    }

    #[test]
    fn a_message_without_rrn_is_known_by_its_time() {
        let (stan, sent, date, time) =
            ((11, "000001"), (7, "1129120001"), (13, "1129"), (12, "200001"));
        let is = |rrn: &str| Some(("000001".to_owned(), rrn.to_owned()));
        assert_eq!(key(&[stan, sent, (37, "63331200000 ")]), is("63331200000"));
        assert_eq!(key(&[stan, sent, date, time, (37, "            ")]), is("1129200001"));
        assert_eq!(key(&[stan, sent, date]), is("1129120001"));
        assert_eq!(key(&[sent, date, time]), None);
    }
}
