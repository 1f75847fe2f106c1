//! The worked example of docs/authorisation.md, made again and opened.

use crypto::RsaPublicKey;
use domain::{ResponseCode, RsaPadding};

use super::*;
use crate::cardbridge::signature::webhook_signature;

const PAGE: &str = include_str!("../../../../../docs/authorisation.md");

/// The block of the page whose first line ends with `name`.
fn block(name: &str) -> &'static str {
    let mut found = PAGE.split("\n```").filter_map(|part| {
        let (info, body) = part.split_once('\n')?;
        (info.split_once(' ')?.1 == name).then(|| body.trim_end())
    });
    let block = found.next().unwrap_or_else(|| panic!("the page has no {name}"));
    assert!(found.next().is_none(), "{name} is there once");
    block
}

fn private_key(name: &str) -> RsaPrivateKey {
    let base64: String = block(name).lines().filter(|line| !line.starts_with('-')).collect();
    RsaPrivateKey::from_pkcs8_der(&STANDARD.decode(base64).unwrap()).unwrap()
}

#[test]
fn the_notice_of_the_page_is_what_it_says() {
    let (platform, enterprise) = (private_key("platform-key"), private_key("enterprise-key"));
    let public = RsaPublicKey::from_text(block("platformPublicKey")).unwrap();
    assert_eq!(platform.public_key().to_spki_der(), public.to_spki_der());
    assert_eq!(enterprise.public_key().to_base64(), block("externalPublicKey"));

    let (body, signature) = (block("notice"), block("X-Auth-Signature"));
    let notice =
        open_notice(body.as_bytes(), signature, &public, &enterprise, RsaPadding::Pkcs1).unwrap();
    let ciphertext = &notice.data.encrypted_data;
    let made = STANDARD.encode(platform.sign_sha256(ciphertext.as_bytes()).unwrap());
    assert_eq!(made, signature);
    let sealed = STANDARD.decode(ciphertext).unwrap();
    let plain = enterprise.decrypt(RsaPadding::Pkcs1, &sealed).unwrap();
    assert_eq!(String::from_utf8(plain.to_vec()).unwrap(), block("notice-plaintext"));
    assert_eq!(webhook_signature(block("secretKey"), body.as_bytes()), block("X-Signature"));
    assert_eq!(serde_json::to_string(&notice).unwrap(), body, "each field, in its order");
}

#[test]
fn the_answer_of_the_page_approves() {
    let (platform, enterprise) = (private_key("platform-key"), private_key("enterprise-key"));
    let plain = block("answer-plaintext");
    let said: serde_json::Value = serde_json::from_str(plain).unwrap();
    let auth_id = said["authId"].as_str().unwrap().parse().unwrap();
    let answer = block("answer").as_bytes();
    let opened = open_reply(answer, auth_id, enterprise.public_key(), &platform, RsaPadding::Pkcs1);
    assert_eq!(opened, Ok(ResponseCode::Approved));
    let sent: serde_json::Value = serde_json::from_slice(answer).unwrap();
    let ciphertext = sent["encryptData"].as_str().unwrap();
    let made = STANDARD.encode(enterprise.sign_sha256(ciphertext.as_bytes()).unwrap());
    assert_eq!(made, sent["signature"].as_str().unwrap());
    let sealed = STANDARD.decode(ciphertext).unwrap();
    let opened = platform.decrypt(RsaPadding::Pkcs1, &sealed).unwrap();
    assert_eq!(String::from_utf8(opened.to_vec()).unwrap(), plain);
}
