//! Authorisation notices opened and answered with the SDK, under generated keys.

use domain::{
    AccountOwner, AuthId, Authorisation, CardId, Currency, CustomerId, EnterpriseId, HoldState,
    Money, OutsId, Payer, ResponseCode, RsaPadding, Timestamp, WebhookId,
};
use sdk::crypto::RsaPrivateKey;
use sdk::notice::{NoticeFault, NoticeKeys};
use wire::cardbridge::authorisation_notice::{SealedNotice, open_reply, seal_notice};

fn authorisation() -> Authorisation {
    let payer = Payer {
        enterprise_id: EnterpriseId::from_i64(1),
        card_id: CardId::from_i64(2),
        customer_id: CustomerId::from_i64(3),
        account: AccountOwner::Deposit,
    };
    let auth_id = AuthId::from_i64(4_934_950_835_815_641_999);
    // The largest amount there is keeps all its digits.
    let (amount, now) = (Money::new(i64::MAX, Currency::SGD), Timestamp::from_micros(0));
    Authorisation {
        hold_state: HoldState::Pending,
        acquirer_amount: Money::new(1550, Currency::USD),
        ..Authorisation::purchase(payer, auth_id, OutsId::from_i64(4), amount, now)
    }
}

fn answer_everything(
    keys: &NoticeKeys,
    own: &RsaPrivateKey,
    platform: &RsaPrivateKey,
    padding: RsaPadding,
) {
    let auth = authorisation();
    let (id, now) = (WebhookId::from_i64(9), Timestamp::from_micros(0));
    let SealedNotice { body, auth_signature } =
        seal_notice(&auth, own.public_key(), platform, padding, id, now).unwrap();
    let notice = keys.open(&body, &auth_signature).unwrap();
    assert_eq!(notice.data.amount.as_str(), "92233720368547758.07");
    for code in ResponseCode::ALL {
        let reply = keys.reply(&notice, *code).unwrap();
        let opened = open_reply(&reply, auth.auth_id, own.public_key(), platform, padding);
        assert_eq!(opened, Ok(*code), "{padding:?}");
    }
    let fault = keys.open(&body, "").unwrap_err();
    assert_eq!(fault, NoticeFault::BadSignature);
}

#[test]
fn every_answer_reaches_the_platform_under_both_paddings() {
    let own = RsaPrivateKey::generate(2048).unwrap();
    let platform = RsaPrivateKey::generate(2048).unwrap();
    for padding in [RsaPadding::Pkcs1, RsaPadding::OaepSha256] {
        let platform_text = platform.public_key().to_base64();
        let keys = NoticeKeys::read(&platform_text, &own.to_pkcs8_der().unwrap(), padding).unwrap();
        answer_everything(&keys, &own, &platform, padding);
    }
}
