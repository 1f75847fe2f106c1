//! The end of a try, and resending by hand.

use domain::{
    ChallengeId, DeliveryStatus, EnterpriseId, EventKind, Timestamp, WebhookEvent, WebhookId,
    WebhookSubType, WebhookType,
};

use super::{Attempt, AttemptOutcome, Delivery, destination, queue};
use crate::engine::{Statement, Tx, Value};
use crate::records::{columns, sql};
use crate::three_ds::acknowledge;
use crate::{StoreError, feed};

/// The 3DS challenge whose verdict a webhook asks for.
fn asked_of(event: &WebhookEvent) -> Option<ChallengeId> {
    let asks = event.webhook_type == WebhookType::VmCard3ds
        || (event.webhook_type == WebhookType::Authorisation3dsChallenge
            && event.sub_type == WebhookSubType::Create);
    asks.then(|| ChallengeId::from_i64(event.business_id))
}

/// Ends a lease, and records the try and its outcome, `now` in business time; false, and nothing
/// written, if the lease was lost.
pub(super) async fn finish(
    tx: &Tx,
    delivery: &Delivery,
    attempt: &Attempt,
    outcome: AttemptOutcome,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let event = &delivery.event;
    let is_over = !matches!(outcome, AttemptOutcome::RetryAt(_));
    let mut statements = vec![settle(delivery, outcome)];
    statements.extend(is_over.then(|| queue::first_pending(event)));
    let mut answers = tx.together(&statements).await?;
    if answers.count()? != 1 {
        return Ok(false);
    }
    let next = if is_over { answers.one()? } else { None };
    record(tx, event, attempt).await?;
    // The body of an app's challenge is then no longer of use (operator-and-sandbox.md section 5,
    // Mail).
    if is_over && event.webhook_type == WebhookType::VmCard3ds {
        let wipe = "UPDATE webhook SET body = $1, packed = NULL \
            WHERE enterprise_id = $2 AND webhook_id = $3";
        let empty: &[u8] = &[];
        let params = [empty.into(), event.enterprise_id.into(), event.webhook_id.into()];
        tx.post(wipe, params).await?;
    }
    if let (AttemptOutcome::Delivered, Some(challenge_id)) = (outcome, asked_of(event)) {
        acknowledge(tx, event.enterprise_id, challenge_id, attempt.at).await?;
    }
    let due_at = match outcome {
        AttemptOutcome::RetryAt(at) => Some(at),
        AttemptOutcome::Delivered | AttemptOutcome::Dead => {
            // The beginning of the try is early enough.
            queue::let_go(tx, event, next).await?.then_some(attempt.at)
        }
    };
    let kind = match outcome {
        AttemptOutcome::Delivered => EventKind::WebhookDelivered,
        AttemptOutcome::RetryAt(_) => EventKind::WebhookFailed,
        AttemptOutcome::Dead => EventKind::WebhookParked,
    };
    feed::post(tx, &[queue::told(event, kind, now)]).await?;
    destination::has_place(tx, event.destination(), now).await?;
    if let Some(due_at) = due_at {
        destination::is_due(tx, event.destination(), due_at).await?;
    }
    Ok(true)
}

fn settle(delivery: &Delivery, outcome: AttemptOutcome) -> Statement {
    let (status, next_attempt_at) = match outcome {
        AttemptOutcome::Delivered => (DeliveryStatus::Delivered, None),
        AttemptOutcome::RetryAt(at) => (DeliveryStatus::Pending, Some(at)),
        AttemptOutcome::Dead => (DeliveryStatus::Dead, None),
    };
    let sql = "UPDATE webhook SET status = $1, tries = tries + 1, leased_until = NULL, \
        next_attempt_at = COALESCE($2, next_attempt_at), \
        is_first = CASE WHEN $1 = 'PENDING' THEN is_first ELSE 0 END WHERE enterprise_id = $3 \
        AND webhook_id = $4 AND status = 'PENDING' AND leased_until = $5";
    let params = [
        status.as_str().into(),
        next_attempt_at.into(),
        delivery.event.enterprise_id.into(),
        delivery.event.webhook_id.into(),
        delivery.leased_until.into(),
    ];
    Statement::new(sql, params)
}

async fn record(tx: &Tx, event: &WebhookEvent, attempt: &Attempt) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_attempt (enterprise_id, webhook_id, attempt, attempted_at, \
        status, latency_ms, excerpt, refusal) \
        SELECT $1, $2, COALESCE(MAX(attempt), 0) + 1, $3, $4, $5, $6, $7 \
        FROM webhook_attempt WHERE enterprise_id = $1 AND webhook_id = $2";
    let params: [Value; 7] = [
        event.enterprise_id.into(),
        event.webhook_id.into(),
        attempt.at.into(),
        attempt.status.into(),
        attempt.latency_ms.into(),
        (&attempt.excerpt).into(),
        attempt.refusal.as_ref().into(),
    ];
    tx.post(sql, params).await
}

/// Makes a delivered or parked webhook pending again, due at `now`; false if there is no such
/// webhook.
pub(super) async fn resend(
    tx: &Tx,
    webhook_id: WebhookId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let owner = "SELECT enterprise_id FROM webhook WHERE webhook_id = $1";
    let owner: Option<EnterpriseId> = tx.one(owner, &[webhook_id.into()]).await?;
    let Some(owner) = owner else { return Ok(false) };
    let sql = sql!(
        "SELECT {}, seq FROM webhook WHERE enterprise_id = $1 AND webhook_id = $2 \
         AND status <> 'PENDING' AND (vm_app_id = 0 OR status = 'DEAD') \
         AND (packed IS NOT NULL OR LENGTH(body) > 0) FOR UPDATE",
        columns::<WebhookEvent>()
    );
    let found: Option<(WebhookEvent, i64)> =
        tx.one(sql, &[owner.into(), webhook_id.into()]).await?;
    let Some((event, seq)) = found else { return Ok(false) };
    let sql = "UPDATE webhook SET status = 'PENDING', tries = 0, next_attempt_at = $1, \
        leased_until = NULL, is_first = 0 WHERE enterprise_id = $2 AND webhook_id = $3";
    tx.execute(sql, &[now.into(), event.enterprise_id.into(), webhook_id.into()]).await?;
    queue::put_back(tx, &event, seq).await?;
    feed::post(tx, &[queue::told(&event, EventKind::WebhookResent, now)]).await?;
    destination::is_due(tx, event.destination(), now).await?;
    Ok(true)
}
