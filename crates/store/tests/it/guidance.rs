//! Guidance links and the pages that were opened with them.

use domain::{
    CardId, CustomerId, GuidanceLink, GuidanceType, KycTicketId, PageLanguage, PageMode, PageStep,
    PageTheme, Timestamp,
};
use store::{HolderProof, OpenLinkError, OpenedPage, PagePassword, ProofOutcome};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW};

const SECRET: [u8; 32] = [1; 32];
const TOKEN: [u8; 32] = [2; 32];
const NEXT: [u8; 32] = [3; 32];
const OTP: [u8; 32] = [4; 32];
const RIGHT: HolderProof = HolderProof::Password(OTP);

fn link(secret_hash: [u8; 32]) -> GuidanceLink {
    GuidanceLink {
        secret_hash,
        enterprise_id: ENTERPRISE,
        guidance_type: GuidanceType::ResetPin,
        customer_id: CustomerId::from_i64(5),
        card_id: Some(CardId::from_i64(6)),
        kyc_ticket_id: Some(KycTicketId::from_i64(7)),
        is_otp_required: true,
        language: PageLanguage::Zh,
        theme: PageTheme::Light,
        mode: PageMode::Dark,
        user_agent: "Étoile/1".to_owned(),
        redirect_url: Some("https://shop.example/done".to_owned()),
        created_at: NOW,
        expires_at: at(300),
        opened_at: None,
    }
}

fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

fn page(step: PageStep, opened_at: Timestamp) -> OpenedPage {
    let password = PagePassword { hash: OTP, sent_at: opened_at };
    let password = (step == PageStep::Otp).then_some(password);
    let expires_at = opened_at.plus_seconds(300);
    OpenedPage { step, token_hash: TOKEN, password, opened_at, expires_at }
}

both_engines!(a_link_is_kept_whole_and_opened_once, |store| {
    store.create_guidance_link(link(SECRET)).await.unwrap();
    assert_eq!(store.find::<GuidanceLink>(SECRET).await.unwrap(), Some(link(SECRET)));
    assert_eq!(store.find::<GuidanceLink>(TOKEN).await.unwrap(), None);
    let open = |opened_at| store.open_guidance_link(SECRET, page(PageStep::Form, opened_at));
    assert!(matches!(open(at(300)).await, Err(OpenLinkError::Gone)), "too late");
    open(at(299)).await.unwrap();
    assert!(matches!(open(at(299)).await, Err(OpenLinkError::Gone)), "a second time");
    let opened = GuidanceLink { opened_at: Some(at(299)), ..link(SECRET) };
    assert_eq!(store.find::<GuidanceLink>(SECRET).await.unwrap(), Some(opened.clone()));
    let found = store.guidance_page(TOKEN, at(400)).await.unwrap();
    assert_eq!(found, Some((opened, PageStep::Form)));
});

both_engines!(of_many_openings_at_once_one_succeeds, |store| {
    store.create_guidance_link(link(SECRET)).await.unwrap();
    let open = || store.open_guidance_link(SECRET, page(PageStep::Form, at(1)));
    let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
    let opened = [a, b, c, d].into_iter().filter(Result::is_ok).count();
    assert_eq!(opened, 1);
});

both_engines!(a_form_token_works_once_and_for_five_minutes, |store| {
    store.create_guidance_link(link(SECRET)).await.unwrap();
    store.open_guidance_link(SECRET, page(PageStep::Form, at(0))).await.unwrap();
    assert!(!store.use_form_token(TOKEN, NEXT, at(300)).await.unwrap(), "too late");
    assert_eq!(store.guidance_page(TOKEN, at(300)).await.unwrap(), None);
    let take = || store.use_form_token(TOKEN, NEXT, at(299));
    let (one, two) = tokio::join!(take(), take());
    assert!(one.unwrap() ^ two.unwrap());
    assert_eq!(store.guidance_page(TOKEN, at(1)).await.unwrap(), None);
    assert!(store.guidance_page(NEXT, at(299)).await.unwrap().is_some());
    assert!(store.guidance_page(NEXT, at(300)).await.unwrap().is_none(), "no longer than before");
});

both_engines!(
    a_right_password_leads_to_the_form_and_a_token_of_one_step_is_none_of_another,
    |store| {
        store.create_guidance_link(link(SECRET)).await.unwrap();
        store.open_guidance_link(SECRET, page(PageStep::Otp, at(0))).await.unwrap();
        assert!(
            !store.use_form_token(TOKEN, NEXT, at(1)).await.unwrap(),
            "the password is skipped"
        );
        let passed = store.try_holder_proof(TOKEN, RIGHT, NEXT, at(299), at(599)).await.unwrap();
        assert_eq!(passed, ProofOutcome::Passed);
        let again = store.try_holder_proof(NEXT, RIGHT, TOKEN, at(300), at(600)).await.unwrap();
        assert_eq!(again, ProofOutcome::Expired);
        let (_, step) = store.guidance_page(NEXT, at(598)).await.unwrap().unwrap();
        assert_eq!(step, PageStep::Form);
    }
);

both_engines!(the_fifth_wrong_proof_is_the_last_whatever_its_kind, |store| {
    let wrong = [HolderProof::Password([9; 32]), HolderProof::CardDetails { is_right: false }];
    let tokens = [TOKEN, [11; 32], [12; 32], [13; 32], [14; 32], [15; 32]];
    for kinds in [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0]] {
        let secret = [kinds[0] as u8 * 2 + kinds[1] as u8 + 50; 32];
        store.create_guidance_link(link(secret)).await.unwrap();
        store.open_guidance_link(secret, page(PageStep::Otp, at(0))).await.unwrap();
        let attempt = |n: usize| {
            store.try_holder_proof(tokens[n], wrong[kinds[n]], tokens[n + 1], at(9), at(309))
        };
        for n in 0..4 {
            assert_eq!(attempt(n).await.unwrap(), ProofOutcome::Wrong);
        }
        assert_eq!(attempt(4).await.unwrap(), ProofOutcome::Exhausted);
        for token in tokens {
            for right in [RIGHT, HolderProof::CardDetails { is_right: true }] {
                let late =
                    store.try_holder_proof(token, right, NEXT, at(9), at(309)).await.unwrap();
                assert_eq!(late, ProofOutcome::Expired);
            }
        }
    }
});

both_engines!(what_stands_on_the_card_leads_to_the_form_as_a_password_does, |store| {
    store.create_guidance_link(link(SECRET)).await.unwrap();
    store.open_guidance_link(SECRET, page(PageStep::Otp, at(0))).await.unwrap();
    let right = HolderProof::CardDetails { is_right: true };
    let late = store.try_holder_proof(TOKEN, right, NEXT, at(300), at(600)).await.unwrap();
    assert_eq!(late, ProofOutcome::Expired);
    let passed = store.try_holder_proof(TOKEN, right, NEXT, at(299), at(599)).await.unwrap();
    assert_eq!(passed, ProofOutcome::Passed);
    let (_, step) = store.guidance_page(NEXT, at(598)).await.unwrap().unwrap();
    assert_eq!(step, PageStep::Form);
});

both_engines!(links_are_forgotten_a_day_after_their_end, |store| {
    store.create_guidance_link(link(SECRET)).await.unwrap();
    let next = |secret_hash, created_at: Timestamp| GuidanceLink {
        created_at,
        expires_at: created_at.plus_seconds(300),
        ..link(secret_hash)
    };
    store.create_guidance_link(next([8; 32], at(299 + 86_400))).await.unwrap();
    assert!(store.find::<GuidanceLink>(SECRET).await.unwrap().is_some());
    store.create_guidance_link(next([9; 32], at(300 + 86_400))).await.unwrap();
    assert!(store.find::<GuidanceLink>(SECRET).await.unwrap().is_none());
    assert!(store.find::<GuidanceLink>([8; 32]).await.unwrap().is_some());
});
