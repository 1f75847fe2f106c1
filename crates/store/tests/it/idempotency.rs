//! Idempotency keys of the operator API.

use store::IdempotencyState;

use crate::both_engines;

const DIGEST: [u8; 32] = [1; 32];

both_engines!(a_key_answers_again_and_knows_its_request, |store| {
    let begin = |digest| store.begin_idempotent("key", digest);
    assert_eq!(begin(DIGEST).await.unwrap(), IdempotencyState::New);
    assert_eq!(begin(DIGEST).await.unwrap(), IdempotencyState::InProgress);
    assert_eq!(begin([2; 32]).await.unwrap(), IdempotencyState::Mismatch);
    store.finish_idempotent("key", 201, b"made").await.unwrap();
    let answered = IdempotencyState::Answered { status: 201, body: b"made".to_vec() };
    assert_eq!(begin(DIGEST).await.unwrap(), answered);
    assert_eq!(begin([2; 32]).await.unwrap(), IdempotencyState::Mismatch);
});

both_engines!(a_freed_key_can_be_taken_again, |store| {
    store.begin_idempotent("key", DIGEST).await.unwrap();
    store.forget_idempotent("key").await.unwrap();
    assert_eq!(store.begin_idempotent("key", [2; 32]).await.unwrap(), IdempotencyState::New);
});

both_engines!(an_unanswered_key_is_given_up_after_a_minute, |store, database| {
    store.begin_idempotent("key", DIGEST).await.unwrap();
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 59000000").await;
    let state = store.begin_idempotent("key", DIGEST).await.unwrap();
    assert_eq!(state, IdempotencyState::InProgress);
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 1000000").await;
    assert_eq!(store.begin_idempotent("key", DIGEST).await.unwrap(), IdempotencyState::New);
});

both_engines!(an_answer_is_kept_for_a_day, |store, database| {
    store.begin_idempotent("key", DIGEST).await.unwrap();
    store.finish_idempotent("key", 200, b"").await.unwrap();
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 86399000000").await;
    let state = store.begin_idempotent("key", DIGEST).await.unwrap();
    assert_eq!(state, IdempotencyState::Answered { status: 200, body: Vec::new() });
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 1000000").await;
    assert_eq!(store.begin_idempotent("key", [2; 32]).await.unwrap(), IdempotencyState::New);
});
