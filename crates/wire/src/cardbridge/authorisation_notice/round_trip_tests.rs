//! Notice and reply, there and back, with keys made for the test.

use std::sync::LazyLock;

use domain::{AuthId, ResponseCode, RsaHash, RsaPadding, WebhookId};

use super::*;
use crate::cardbridge::problem::{ParseError, Problem};
use crate::cardbridge::test_objects::{authorisation, moment};

static PLATFORM: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::generate(2048).unwrap());
static ENTERPRISE: LazyLock<RsaPrivateKey> =
    LazyLock::new(|| RsaPrivateKey::generate(2048).unwrap());

fn sealed(padding: RsaPadding) -> SealedNotice {
    let id = WebhookId::from_i64(1);
    seal_notice(&authorisation(), ENTERPRISE.public_key(), &PLATFORM, padding, id, moment())
        .unwrap()
}

fn opened(body: &[u8], signature: &str, padding: RsaPadding) -> Result<Notice, NoticeFault> {
    open_notice(body, signature, PLATFORM.public_key(), &ENTERPRISE, padding)
}

fn answered(body: &[u8]) -> Result<ResponseCode, ReplyFault> {
    let expected = authorisation().auth_id;
    open_reply(body, expected, ENTERPRISE.public_key(), &PLATFORM, RsaPadding::Pkcs1)
}

/// A reply with any plaintext.
fn reply_of(plain: &str) -> Vec<u8> {
    let scheme = RsaPadding::Pkcs1.into();
    let sealed = seal(plain.as_bytes(), PLATFORM.public_key(), &ENTERPRISE, scheme).unwrap();
    reply_body(&sealed.signature, &sealed.ciphertext)
}

fn reply_body(signature: &str, ciphertext: &str) -> Vec<u8> {
    format!(r#"{{"signature":"{signature}","encryptData":"{ciphertext}"}}"#).into_bytes()
}

#[test]
fn a_notice_opens_with_both_paddings() {
    for padding in [RsaPadding::Pkcs1, RsaPadding::OaepSha256] {
        let sealed = sealed(padding);
        let notice = opened(&sealed.body, &sealed.auth_signature, padding).unwrap();
        assert_eq!(notice.data.auth_id, "4934950835815641999");
        assert_eq!(notice.data.amount.as_str(), "20.50");
        assert_eq!(notice.webhook_sub_type, "CREATE");
        assert_eq!(notice.notification_time, "2025-01-15T10:30:00+08:00");
    }
}

#[test]
fn a_changed_clear_field_is_noticed() {
    let sealed = sealed(RsaPadding::Pkcs1);
    let body = String::from_utf8(sealed.body).unwrap();
    for (from, to) in [
        (r#""amount":20.50"#, r#""amount":0.50"#),
        (r#""currency":"702""#, r#""currency":"840""#),
        (r#""direction":"OUTGOING""#, r#""direction":"INCOMING""#),
        (r#""authId":"4934950835815641999""#, r#""authId":"1""#),
        (r#""businessId":"4934950835815641999""#, r#""businessId":"1""#),
    ] {
        let changed = body.replacen(from, to, 1);
        assert_ne!(changed, body);
        let fault = opened(changed.as_bytes(), &sealed.auth_signature, RsaPadding::Pkcs1);
        assert_eq!(fault.unwrap_err(), NoticeFault::Mismatch, "{from}");
    }
}

#[test]
fn a_notice_signed_by_another_key_is_refused() {
    let sealed = sealed(RsaPadding::Pkcs1);
    let other = STANDARD.encode(ENTERPRISE.sign_sha256(&sealed.body).unwrap());
    for signature in ["", "*", &other] {
        let fault = opened(&sealed.body, signature, RsaPadding::Pkcs1).unwrap_err();
        assert_eq!(fault, NoticeFault::BadSignature);
    }
    let fault = opened(b"{}", &sealed.auth_signature, RsaPadding::Pkcs1).unwrap_err();
    assert_eq!(fault, NoticeFault::Malformed);
}

#[test]
fn every_published_code_comes_back() {
    let auth_id = authorisation().auth_id.to_string();
    for code in ResponseCode::ALL {
        let (platform, padding) = (PLATFORM.public_key(), RsaPadding::Pkcs1);
        let body = seal_reply(&auth_id, *code, platform, &ENTERPRISE, padding).unwrap();
        assert_eq!(answered(&body), Ok(*code));
    }
}

#[test]
fn the_answer_is_read_forgivingly() {
    let integer_id = reply_of(r#"{ "responseCode": "00", "authId": 4934950835815641999 }"#);
    assert_eq!(answered(&integer_id), Ok(ResponseCode::Approved));
    let block = PLATFORM
        .public_key()
        .encrypt(RsaPadding::Pkcs1, br#"{"authId":"4934950835815641999","responseCode":"01"}"#)
        .unwrap();
    let over_raw_bytes = STANDARD.encode(ENTERPRISE.sign_sha256(&block).unwrap());
    let body = reply_body(&over_raw_bytes, &STANDARD.encode(&block));
    assert_eq!(answered(&body), Ok(ResponseCode::InsufficientFunds));
    let escaped = String::from_utf8(body).unwrap().replace('=', r"\u003d");
    assert_eq!(answered(escaped.as_bytes()), Ok(ResponseCode::InsufficientFunds));
}

#[test]
fn base64_is_read_in_every_form_and_signed_as_it_stands() {
    let plain = r#"{"authId":"4934950835815641999","responseCode":"00"}"#;
    let block = PLATFORM.public_key().encrypt(RsaPadding::Pkcs1, plain.as_bytes()).unwrap();
    let text = STANDARD.encode(&block);
    let in_lines = format!("{}\n{}\n", &text[..76], &text[76..]);
    let for_urls = text.replace('+', "-").replace('/', "_");
    let unpadded = text.trim_end_matches('=').to_owned();
    for sent in [&in_lines, &in_lines.replace('\n', "\r\n"), &for_urls, &unpadded] {
        for signed in [sent.as_bytes(), &block] {
            let signature = STANDARD.encode(ENTERPRISE.sign_sha256(signed).unwrap());
            let signature = format!("{}\n{}", &signature[..64], &signature[64..]);
            let body = serde_json::json!({ "signature": signature, "encryptData": sent });
            assert_eq!(answered(body.to_string().as_bytes()), Ok(ResponseCode::Approved));
        }
        // A signature over another form of the same text is not a signature of this answer.
        let signature = STANDARD.encode(ENTERPRISE.sign_sha256(text.as_bytes()).unwrap());
        let body = serde_json::json!({ "signature": signature, "encryptData": sent });
        assert_eq!(answered(body.to_string().as_bytes()), Err(ReplyFault::BadSignature));
    }
}

#[test]
fn a_byte_order_mark_before_either_json_is_no_fault() {
    let plain = r#"{"authId":"4934950835815641999","responseCode":"00"}"#;
    let body = reply_of(&format!("\u{feff}{plain}"));
    assert_eq!(answered(&body), Ok(ResponseCode::Approved));
    let marked = ["\u{feff}".as_bytes(), &body].concat();
    assert_eq!(answered(&marked), Ok(ResponseCode::Approved));
}

#[test]
fn every_scheme_works_both_ways_and_no_other_digest_is_accepted() {
    let id = WebhookId::from_i64(1);
    for hash in RsaHash::ALL {
        for signed_bytes in RsaSignedBytes::ALL {
            let (hash, signed_bytes) = (*hash, *signed_bytes);
            let scheme = RsaScheme { padding: RsaPadding::Pkcs1, hash, signed_bytes };
            let enterprise = ENTERPRISE.public_key();
            let sealed =
                seal_notice(&authorisation(), enterprise, &PLATFORM, scheme, id, moment()).unwrap();
            let platform = PLATFORM.public_key();
            let open = |scheme: RsaScheme| {
                let (body, signature) = (&sealed.body, &sealed.auth_signature);
                open_notice(body, signature, platform, &ENTERPRISE, scheme)
            };
            let notice = open(scheme).unwrap();
            let ciphertext = &notice.data.encrypted_data;
            let block = STANDARD.decode(ciphertext).unwrap();
            let signed = match signed_bytes {
                RsaSignedBytes::Text => ciphertext.as_bytes(),
                RsaSignedBytes::Raw => &block,
            };
            let signature = STANDARD.decode(&sealed.auth_signature).unwrap();
            assert!(platform.verify(hash, signed, &signature), "{hash} {signed_bytes}");
            let auth_id = authorisation().auth_id;
            let reply = seal_reply(
                &notice.data.auth_id,
                ResponseCode::Approved,
                platform,
                &ENTERPRISE,
                scheme,
            )
            .unwrap();
            for other in RsaHash::ALL {
                let other = RsaScheme { hash: *other, ..scheme };
                let opened = open_reply(&reply, auth_id, enterprise, &PLATFORM, other);
                assert_eq!(opened.is_ok(), other.hash == hash, "{hash} {}", other.hash);
            }
        }
    }
}

#[test]
fn faults_are_told_apart_for_the_receipt() {
    for body in [&b""[..], b"[]", b"<html>", b"{", "\u{feff}".as_bytes()] {
        assert_eq!(answered(body), Err(ReplyFault::Malformed));
    }
    let told = |body: &str| answered(body.as_bytes()).unwrap_err().to_string();
    assert_eq!(told("{}"), "signature is missing");
    assert_eq!(told(r#"{"encryptData":"a"}"#), "signature is missing");
    assert_eq!(told(r#"{"signature":"a"}"#), "encryptData is missing");
    assert_eq!(told(r#"{"signature":"a","encryptData":{}}"#), "encryptData has the wrong type");
    let notices = answered(br#"{"signature":"a","encryptedData":"a"}"#);
    assert_eq!(notices, Err(ReplyFault::NoticesField));
    let wrong_id = reply_of(r#"{"authId":"1","responseCode":"00"}"#);
    assert_eq!(answered(&wrong_id), Err(ReplyFault::WrongAuthId));
    let unknown = reply_of(r#"{"authId":"4934950835815641999","responseCode":"99 long-text"}"#);
    assert_eq!(answered(&unknown), Err(ReplyFault::UnknownCode("99long-t".to_owned())));
    let both = r#"{"authId":"4934950835815641999","responseCode":"01","responseCode":"00"}"#;
    let told = |plain: &str| answered(&reply_of(plain)).unwrap_err().to_string();
    let lacks = r#"{"authId":"4934950835815641999"}"#;
    assert_eq!(told(lacks), "encryptData.responseCode is missing");
    assert_eq!(told(r#"{"responseCode":"00"}"#), "encryptData.authId is missing");
    assert_eq!(told(both), "encryptData.responseCode is given more than once");
    for plain in ["00", "[]", "approved"] {
        assert_eq!(answered(&reply_of(plain)), Err(ReplyFault::NotJson), "{plain}");
    }
    for plain in ["", "\u{1}\u{2}"] {
        assert_eq!(answered(&reply_of(plain)), Err(ReplyFault::BadCiphertext), "{plain}");
    }
}

#[test]
fn a_reply_is_verified_before_it_is_decrypted() {
    let good = reply_of(r#"{"authId":"4934950835815641999","responseCode":"00"}"#);
    let other = open_reply(
        &good,
        AuthId::from_i64(4_934_950_835_815_641_999),
        PLATFORM.public_key(),
        &PLATFORM,
        RsaPadding::Pkcs1,
    );
    assert_eq!(other, Err(ReplyFault::BadSignature));
    let garbage = STANDARD.encode([7; 256]);
    let unsigned = reply_body(&garbage, &garbage);
    assert_eq!(answered(&unsigned), Err(ReplyFault::BadSignature));
}

#[test]
fn a_signed_block_of_garbage_is_one_fault_whatever_is_wrong_with_it() {
    for block in [vec![7; 256], vec![255; 256], vec![7; 255], Vec::new()] {
        let ciphertext = STANDARD.encode(block);
        let signature = STANDARD.encode(ENTERPRISE.sign_sha256(ciphertext.as_bytes()).unwrap());
        let fault = answered(&reply_body(&signature, &ciphertext)).unwrap_err();
        let missing = ReplyFault::Field(ParseError::new("encryptData", Problem::Missing));
        let expected = if ciphertext.is_empty() { missing } else { ReplyFault::BadCiphertext };
        assert_eq!(fault, expected);
    }
}
