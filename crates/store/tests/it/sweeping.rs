//! Rows that are no longer of use are deleted with the next row of their kind.

use domain::{Clock, KeyExtraction, OtpDeliveryStatus};
use store::{OTP_REF_KEPT_S, OtpClaim};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, found};

const DAY_S: i64 = 24 * 60 * 60;

fn code(number: u8, created_days: i64) -> KeyExtraction {
    let created_at = NOW.plus_seconds(created_days * DAY_S);
    KeyExtraction {
        code_digest: [number; 32],
        enterprise_id: ENTERPRISE,
        source_ip: "203.0.113.9".parse().unwrap(),
        created_at,
        expires_at: created_at.plus_seconds(KeyExtraction::VALIDITY_S),
        used_at: (number == 2).then_some(created_at),
    }
}

both_engines!(extraction_codes_are_forgotten_a_month_after_their_time, |store| {
    for number in [1, 2] {
        store.add_key_extraction(&code(number, 0)).await.unwrap();
    }
    store.add_key_extraction(&code(3, 30)).await.unwrap();
    let known = async |number| store.find::<KeyExtraction>([number; 32]).await.unwrap().is_some();
    assert!(known(1).await && known(2).await && known(3).await);
    store.add_key_extraction(&code(4, 31)).await.unwrap();
    assert!(!known(1).await && !known(2).await && known(3).await && known(4).await);
});

both_engines!(used_references_of_passwords_are_forgotten_after_a_month, |store| {
    found(&store, ENTERPRISE, None).await;
    let other = domain::EnterpriseId::from_i64(ENTERPRISE.as_i64() + 1);
    found(&store, other, None).await;
    let now = Clock::system().real_now();
    let claim = async |owner, name: &str, age_s: i64| {
        store.claim_otp_delivery(owner, name, now.plus_seconds(-age_s)).await.unwrap()
    };
    assert_eq!(claim(ENTERPRISE, "old", OTP_REF_KEPT_S).await, OtpClaim::Claimed);
    assert_eq!(claim(other, "old", OTP_REF_KEPT_S).await, OtpClaim::Claimed);
    assert_eq!(claim(ENTERPRISE, "young", OTP_REF_KEPT_S - 1).await, OtpClaim::Claimed);
    store.settle_otp_delivery(ENTERPRISE, "old", OtpDeliveryStatus::Succeeded).await.unwrap();
    assert_eq!(claim(ENTERPRISE, "new", 0).await, OtpClaim::Claimed);
    let known = async |owner, name| store.otp_delivery(owner, name).await.unwrap().is_some();
    assert!(!known(ENTERPRISE, "old").await);
    assert!(known(ENTERPRISE, "young").await && known(ENTERPRISE, "new").await);
    assert!(known(other, "old").await, "nobody forgets for others");
    assert!(matches!(claim(ENTERPRISE, "young", 0).await, OtpClaim::Known(_)));
});
