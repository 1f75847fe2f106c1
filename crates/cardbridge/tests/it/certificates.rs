//! Certificates for tests.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A certificate for a name or an address, signed by an authority, or that of an authority; returns
/// it with its key.
pub fn certificate(
    name: &str,
    authority: Option<(&X509, &PKey<Private>)>,
) -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    let issuer = authority.map_or(&*subject, |(authority, _)| authority.subject_name());
    builder.set_issuer_name(issuer).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let context = builder.x509v3_context(authority.map(|(authority, _)| &**authority), None);
    let extension = if authority.is_some() {
        let mut names = SubjectAlternativeName::new();
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        let names = if is_address { names.ip(name) } else { names.dns(name) };
        names.build(&context).unwrap()
    } else {
        BasicConstraints::new().critical().ca().build().unwrap()
    };
    builder.append_extension(extension).unwrap();
    let signer = authority.map_or(&key, |(_, key)| key);
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
