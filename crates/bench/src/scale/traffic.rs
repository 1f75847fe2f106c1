//! Authorisations on random cards of a filled store, without an enterprise.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use domain::{
    Authorisation, Card, CardId, Cause, Clock, IdGenerator, MessageKind, Money, Random,
    SystemRandom, WebhookEvent, WebhookSubType, WebhookType,
};
use store::{
    BeginAuthorisation, BeginOutcome, CardSurroundings, Change, DecideAuthorisation, DecideOutcome,
    FailedCheck, Location, ReceiptRenderer, Store, VelocityTerms, WebhookRenderer,
};

use super::template::Filled;
use crate::{process, purchase};

/// Concurrent callers.
const CALLERS: u32 = 16;
/// The price of each purchase, in minor units.
const AMOUNT_MINOR: i64 = 100;
/// About as long as the receipt of a decided purchase.
const RECEIPT_BYTES: usize = 1_200;
/// About as long as a result webhook.
const WEBHOOK_BYTES: usize = 300;

/// The cost of one authorisation.
pub struct Cost {
    /// CPU of the whole process, in microseconds.
    pub cpu_us: f64,
    /// Time from the first to the last, divided by their number, in microseconds.
    pub wall_us: f64,
}

/// A filled store in use.
pub struct Traffic {
    store: Store,
    filled: Filled,
}

impl Traffic {
    /// Opens the store at `path` again.
    pub async fn on(path: &Path, filled: Filled) -> Result<Self> {
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let store = Store::open(Location::Sqlite(path.to_owned()), clock, ids).await?;
        Ok(Self { store, filled })
    }

    /// Makes `count` authorisations, then waits for `settle`; CPU used meanwhile counts too.
    pub async fn run(&self, count: u32, settle: Duration) -> Result<Cost> {
        let cpu_before = process::own_cpu_seconds()?;
        let started = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let share = count / CALLERS + u32::from(caller < count % CALLERS);
                let (store, template) = (self.store.clone(), self.filled.template.card_id);
                let cards = self.filled.cards;
                tokio::spawn(async move {
                    for _ in 0..share {
                        let nth = 1 + SystemRandom.below(u64::from(cards));
                        let card_id = template.as_i64() + i64::try_from(nth)?;
                        authorise(&store, CardId::from_i64(card_id)).await?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        let wall = started.elapsed();
        tokio::time::sleep(settle).await;
        let each_us = |seconds: f64| seconds * 1e6 / f64::from(count);
        Ok(Cost {
            cpu_us: each_us(process::own_cpu_seconds()? - cpu_before),
            wall_us: each_us(wall.as_secs_f64()),
        })
    }

    /// Closes the store.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Every store operation of an authorisation: the card, its related records, the hold with its
/// limits, and the decision.
pub async fn authorise(store: &Store, card_id: CardId) -> Result<Authorisation> {
    let card = store.find_of_anyone::<Card>(card_id).await?.context("the card")?;
    let surroundings = store.card_surroundings(&card).await?;
    let request = purchase(store, &card, surroundings)?;
    let held = match store.begin_authorisation(request).await? {
        BeginOutcome::Held(held) => held,
        other => bail!("a hold was not taken: {other:?}"),
    };
    let decision = DecideAuthorisation {
        enterprise_id: held.enterprise_id,
        auth_id: held.auth_id,
        cause: Cause::Approved,
        stand_in: None,
        auth_code: Some("123456".to_owned()),
        posts: false,
        receipt: Arc::new(Padding),
        webhooks: Some(Arc::new(Padding)),
        tariff: None,
        now: store.clock().now(),
    };
    match store.decide_authorisation(decision).await? {
        DecideOutcome::Decided(it) => Ok(it),
        DecideOutcome::AlreadyDecided(it) => bail!("{} was decided before", it.auth_id),
    }
}

fn purchase(
    store: &Store,
    card: &Card,
    surroundings: CardSurroundings,
) -> Result<BeginAuthorisation> {
    ensure!(surroundings.cards_of_pan.len() == 1, "each card has a PAN of its own");
    let profile = surroundings.profile.context("the profile")?;
    let (ids, now) = (store.ids(), store.clock().now());
    let amount = Money::new(AMOUNT_MINOR, card.currency);
    let authorisation = Authorisation {
        hold_expires_at: Some(now.plus_seconds(7 * 86_400)),
        ..purchase::record(card, ids, amount, now)
    };
    let velocity = VelocityTerms { pan_id: card.pan_id, limits: profile.limits, own: None };
    Ok(BeginAuthorisation {
        webhooks: Some(Arc::new(Padding)),
        vm_app_id: None,
        authorisation,
        message: None,
        kind: MessageKind::Authorisation,
        receipt: Arc::new(Padding),
        velocity: Some(velocity),
        tariff: None,
    })
}

/// Renders receipts and webhooks of the usual length.
#[derive(Debug)]
struct Padding;

impl ReceiptRenderer for Padding {
    fn receipt(&self, _: &Authorisation, _: Option<FailedCheck>) -> String {
        "x".repeat(RECEIPT_BYTES)
    }
}

impl WebhookRenderer for Padding {
    fn webhook(&self, Change { after, webhook_id, .. }: &Change<'_>) -> Option<WebhookEvent> {
        Some(WebhookEvent {
            enterprise_id: after.enterprise_id,
            vm_app_id: None,
            webhook_id: *webhook_id,
            webhook_type: WebhookType::AuthorisationResult,
            sub_type: WebhookSubType::Create,
            business_id: after.auth_id.as_i64(),
            body: vec![b'x'; WEBHOOK_BYTES],
            created_at: after.created_at,
        })
    }
}
