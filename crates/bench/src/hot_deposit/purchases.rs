//! Purchases on one deposit.

use std::sync::Arc;

use anyhow::{Context, Result};
use domain::{
    AccountOwner, ArrivedMessage, Authorisation, CardId, Clock, Currency, CustomerId, EnterpriseId,
    HoldState, IdGenerator, LinkArrival, MessageFacts, MessageKind, MessageNumbers, MessageRecord,
    Money, NetworkMessageId, PanId, Payer,
};
use store::{BeginAuthorisation, FailedCheck, ReceiptRenderer, Store};

use crate::purchase;

/// The amount of each purchase, in minor units.
pub const AMOUNT_MINOR: i64 = 100;
/// The deposit at first, in minor units: more than all runs can hold.
const DEPOSIT_MINOR: i64 = 1_000_000_000_000;
/// US dollars.
const CURRENCY: u16 = 840;
/// The life of a hold, in seconds.
const HOLD_SECONDS: i64 = 7 * 24 * 3600;
/// About as long as the receipt of a purchase whose hold is just taken.
const RECEIPT: &str = concat!(
    r#"{"request":{"amount":"1.00","currency":"840","transactionType":"R"},"checks":["#,
    r#"{"name":"card_state","passed":true},{"name":"expiry","passed":true},"#,
    r#"{"name":"velocity","passed":true},{"name":"enterprise_reachable","passed":true}]}"#
);

#[derive(Debug)]
struct Receipt;

impl ReceiptRenderer for Receipt {
    fn receipt(&self, _: &Authorisation, _: Option<FailedCheck>) -> String {
        RECEIPT.to_owned()
    }
}

/// Draws purchases of one enterprise.
#[derive(Clone)]
pub struct Purchases {
    pub enterprise_id: EnterpriseId,
    pub ids: Arc<IdGenerator>,
    currency: Currency,
    clock: Clock,
}

impl Purchases {
    /// Purchases of a new enterprise with a fresh deposit in `store`.
    pub async fn on_new_deposit(
        store: &Store,
        clock: Clock,
        ids: Arc<IdGenerator>,
    ) -> Result<Self> {
        let currency = Currency::from_numeric(CURRENCY).context("US dollars")?;
        let enterprise_id = EnterpriseId::from_i64(ids.next());
        let amount = Money::new(DEPOSIT_MINOR, currency);
        store.deposit(enterprise_id, amount, "bench".to_owned(), clock.now()).await?;
        Ok(Self { enterprise_id, ids, currency, clock })
    }

    /// The next purchase, by a link.
    pub fn draw_of_link(&self) -> BeginAuthorisation {
        let mut it = self.draw();
        let amount = Some(it.authorisation.acquirer_amount);
        let stan = it.authorisation.network_key.as_ref().map(|key| key.stan.clone());
        let numbers = MessageNumbers {
            network: "bench".to_owned(),
            kind: MessageKind::Authorisation,
            acquirer: "412345".to_owned(),
            stan: stan.unwrap_or_default(),
            stamp: "20261129200001".to_owned(),
            rrn: it.authorisation.auth_id.to_string(),
        };
        let facts = MessageFacts {
            transmitted_at: "1129120001".to_owned(),
            processing_code: "000000".to_owned(),
            amount,
            ..MessageFacts::default()
        };
        let record = MessageRecord {
            settlement: None,
            message_id: NetworkMessageId::from_i64(self.ids.next()),
            link: "bench".to_owned(),
            mti: "0100".to_owned(),
            settlement_date: None,
            auth_code: None,
            response_code: None,
        };
        let message = ArrivedMessage { identity: numbers.about(PanId::from_i64(1)), facts };
        it.message = Some(LinkArrival { message, record });
        it
    }

    /// The next purchase.
    pub fn draw(&self) -> BeginAuthorisation {
        let now = self.clock.now();
        let amount = Money::new(AMOUNT_MINOR, self.currency);
        let payer = Payer {
            enterprise_id: self.enterprise_id,
            card_id: CardId::from_i64(1),
            customer_id: CustomerId::from_i64(1),
            account: AccountOwner::Deposit,
        };
        let authorisation = Authorisation {
            hold_state: HoldState::Pending,
            hold_remaining_minor: AMOUNT_MINOR,
            hold_expires_at: Some(now.plus_seconds(HOLD_SECONDS)),
            ..purchase::record(payer, &self.ids, amount, now)
        };
        BeginAuthorisation {
            authorisation,
            message: None,
            kind: MessageKind::Authorisation,
            receipt: Arc::new(Receipt),
            webhooks: None,
            vm_app_id: None,
            velocity: None,
            tariff: None,
        }
    }
}
