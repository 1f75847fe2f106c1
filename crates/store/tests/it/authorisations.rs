//! Authorisations and postings are read.

use domain::{AuthId, CardId, EnterpriseId, ResponseCode};
use store::{AuthorisationFilter, ClearAuthorisation, DecideOutcome, PostingFilter, Store};
use testkit::database::Database;

use crate::both_engines;
use crate::money::{approved, decision, fund, purchase, usd};
use crate::samples::{ENTERPRISE, NOW};

async fn listed(store: &Store, filter: AuthorisationFilter) -> Vec<AuthId> {
    let rows = store.authorisations(AuthorisationFilter { limit: 10, ..filter }).await.unwrap();
    rows.iter().map(|it| it.auth_id).collect()
}

both_engines!(authorisations_are_listed_by_what_is_asked, |store| {
    fund(&store, 10_000).await;
    let one = approved(&store, usd(1)).await;
    let mut request = purchase(store.ids(), usd(2), None);
    request.authorisation.card_id = CardId::from_i64(70);
    request.authorisation.created_at = NOW.plus_seconds(10);
    let two = request.authorisation.auth_id;
    store.begin_authorisation(request).await.unwrap();
    let all = AuthorisationFilter::default;
    assert_eq!(listed(&store, all()).await, [one.auth_id, two]);
    assert_eq!(
        listed(&store, AuthorisationFilter { from: Some(NOW.plus_seconds(1)), ..all() }).await,
        [two]
    );
    assert_eq!(
        listed(&store, AuthorisationFilter { to: Some(NOW.plus_seconds(10)), ..all() }).await,
        [one.auth_id]
    );
    assert_eq!(
        listed(&store, AuthorisationFilter { cursor: Some(one.auth_id), ..all() }).await,
        [two]
    );
    assert_eq!(
        listed(&store, AuthorisationFilter { card_id: Some(one.card_id), ..all() }).await,
        [one.auth_id]
    );
    let other = Some(EnterpriseId::from_i64(9));
    assert_eq!(listed(&store, AuthorisationFilter { enterprise_id: other, ..all() }).await, []);
    let view = store.authorisation_view(one.auth_id).await.unwrap().unwrap();
    assert_eq!((view.authorisation, view.late_answer), (one, None));
});

both_engines!(only_what_is_undecided_or_expired_is_swept, |store| {
    fund(&store, 10_000).await;
    let open = purchase(store.ids(), usd(1), None);
    let (undecided, expires_at) = (open.authorisation.auth_id, NOW.plus_seconds(3_600));
    store.begin_authorisation(open).await.unwrap();
    let id = |places: i64| AuthId::from_i64(undecided.as_i64() + places);
    let pending = async |after, before| {
        store.undecided_authorisations(id(after), id(before), 10).await.unwrap()
    };
    assert_eq!(pending(-1, 0).await, []);
    assert_eq!(pending(0, 1).await, []);
    assert_eq!(pending(-1, 1).await, [undecided]);
    // The hold of an undecided authorisation never expires.
    assert_eq!(store.next_hold_expiry().await.unwrap(), None);
    assert!(store.expired_holds(expires_at, 10).await.unwrap().is_empty());
    let request = decision(undecided, ResponseCode::Approved);
    let DecideOutcome::Decided(it) = store.decide_authorisation(request).await.unwrap() else {
        panic!("decided before")
    };
    assert_eq!(pending(-1, 1).await, []);
    assert_eq!(store.next_hold_expiry().await.unwrap(), Some(expires_at));
    assert!(store.expired_holds(expires_at.plus_millis(-1), 10).await.unwrap().is_empty());
    let expired = store.expired_holds(expires_at, 10).await.unwrap();
    assert_eq!(expired.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [it]);
});

#[tokio::test]
async fn of_a_shared_server_a_process_sweeps_up_only_after_itself() {
    let database = Database::on_server().await;
    let (one, two) = (database.open_as(1).await, database.open_as(2).await);
    fund(&one, 10_000).await;
    let open = purchase(one.ids(), usd(1), None);
    let undecided = open.authorisation.auth_id;
    one.begin_authorisation(open).await.unwrap();
    let (first, last) = (AuthId::from_i64(0), AuthId::from_i64(i64::MAX));
    assert_eq!(two.undecided_authorisations(first, last, 10).await.unwrap(), []);
    assert_eq!(one.undecided_authorisations(first, last, 10).await.unwrap(), [undecided]);
    one.close().await;
    two.close().await;
    database.drop().await;
}

both_engines!(a_late_answer_is_kept_and_changes_nothing_else, |store| {
    fund(&store, 10_000).await;
    let it = approved(&store, usd(5)).await;
    let late = "{\"receivedMs\":2500}".to_owned();
    store.record_late_answer(ENTERPRISE, it.auth_id, late.clone()).await.unwrap();
    let view = store.authorisation_view(it.auth_id).await.unwrap().unwrap();
    assert_eq!((view.authorisation, view.late_answer), (it, Some(late)));
});

both_engines!(postings_and_transfers_are_found_by_their_authorisation, |store| {
    fund(&store, 10_000).await;
    let mut posted = Vec::new();
    for amount in [3, 4] {
        let auth_id = approved(&store, usd(amount)).await.auth_id;
        let request = ClearAuthorisation {
            auth_id,
            acquirer_amount_minor: None,
            is_final: true,
            webhooks: None,
        };
        posted.push(store.clear_authorisation(request).await.unwrap().posting);
    }
    let list = async |filter: PostingFilter| {
        store.postings(PostingFilter { limit: 10, ..filter }).await.unwrap()
    };
    let all = PostingFilter::default;
    assert_eq!(list(all()).await, posted);
    assert_eq!(
        list(PostingFilter { auth_id: Some(posted[1].auth_id), ..all() }).await,
        posted[1..]
    );
    let cursor = Some(posted[0].transaction_id);
    assert_eq!(list(PostingFilter { cursor, ..all() }).await, posted[1..]);
    let owned = PostingFilter { enterprise_id: Some(ENTERPRISE), ..all() };
    assert_eq!(list(PostingFilter { card_id: Some(posted[0].card_id), ..owned }).await, posted);
    let transfers = store.transfers_of(ENTERPRISE, posted[1].auth_id).await.unwrap();
    let amounts: Vec<_> = transfers.iter().map(|it| (it.kind.as_str(), it.amount)).collect();
    assert_eq!(amounts, [("HOLD", usd(4)), ("CLEARING", usd(4))]);
    let accounts = store.accounts(store::AccountFilter { limit: 10, ..Default::default() }).await;
    assert_eq!(accounts.unwrap().len(), 1);
});
