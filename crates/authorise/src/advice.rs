//! Advices: what a network decided in the enterprise's place is recorded as a fact, and the
//! enterprise is told afterwards (network-iso8583.md section 5.6).

use std::sync::Arc;
use std::time::Duration;

use domain::{
    ArrivedMessage, AuthId, Authorisation, Cause, JobId, LinkArrival, MessageFacts,
    MessageIdentity, MessageKind, Money, NetworkKey, ResponseCode, WebhookId, WebhookSubType,
};
use schedule::{JobError, LeasedJobs};
use store::{AdviceTold, Advise, Advised, Claim, Job, JobKind, Store};
use tokio::sync::oneshot;
use tokio::time::Instant;
use wire::cardbridge::webhook::authorisation_result_event;

use crate::authoriser::Authoriser;
use crate::authoriser_parts::AuthoriserParts;
use crate::convert::{Conversion, ConversionFault, NO_RATE};
use crate::endpoint::endpoint;
use crate::fault::Fault;
use crate::forward::{self, Exchange};
use crate::hold::{self, HoldTerms};
use crate::load::load;
use crate::parts::converted;
use crate::receipt::{Receipt, StoredReceipt, Timings};
use crate::request::{AdviceAnswer, AdviceRequest, AuthorisationRequest, AuthoriseError};
use crate::reversal::Prepared;
use crate::webhooks::transactions;

/// Most enterprises that are told at the same time.
const MAX_TELLING: u32 = 64;

impl Authoriser {
    /// Takes an advice as the fact that it states, and answers once it is committed. It is
    /// completed even if the caller goes away.
    ///
    /// # Errors
    /// [`AuthoriseError`]; it is not known then whether it was taken, and the network repeats it.
    pub async fn advise(
        self: &Arc<Self>,
        request: AdviceRequest,
    ) -> Result<AdviceAnswer, AuthoriseError> {
        let under_way = self.admit().await.ok_or(AuthoriseError::Overloaded)?;
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let own = Arc::clone(self);
        tokio::spawn(Claim::carried(async move {
            let card = request.fact.card.clone();
            match own.state(request, started).await {
                Ok(Advised { is_repeated: repeated, auth_id, reversal }) => {
                    let reversal_id = reversal.as_ref().map(|it| it.auth_id);
                    let _ = reply.send(Ok(AdviceAnswer { auth_id, reversal_id, repeated }));
                    if let Some(reversal) = reversal {
                        let prepared = Prepared::of(&own.parts, card, started).await;
                        own.tell_reversal(prepared, reversal, started, under_way).await;
                    }
                }
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            }
        }));
        answer.await.unwrap_or(Err(AuthoriseError::BrokenOff))
    }

    async fn state(
        &self,
        advice: AdviceRequest,
        started: Instant,
    ) -> Result<Advised, AuthoriseError> {
        let AdviceRequest { fact, message, names, decline, auth_code, allows_more, must_clear } =
            advice;
        let AuthoriserParts { store, vm_settings, .. } = &self.parts;
        let (now, posts) = (store.clock().now(), fact.posts);
        let mut timings = Timings::new(started);
        let converted_amount = fact.billed().map_or(fact.acquirer_amount, |it| it.amount);
        let context = load(store, &fact.card, converted_amount.currency()).await?;
        let conversion = converted(store, &fact, &context.fx_table).await?;
        let currency = fact.card.currency;
        // Without a rate the fact cannot be booked yet: the network repeats it.
        let conversion = conversion.or_else(|fault| match fault {
            // A fact that is worth nothing here is one all the same.
            ConversionFault::RoundsToZero => {
                Ok(Conversion { amount: Money::zero(currency), rate: NO_RATE.to_owned() })
            }
            ConversionFault::Fx(_) => {
                let (link, stan) = (fact.network.link.as_deref(), stan_of(&fact));
                tracing::warn!(link, stan, "an advice cannot be booked: its amount has no rate");
                Err(AuthoriseError::NoRate)
            }
        })?;
        timings.ended("load");
        let terms = HoldTerms::new(&context, &fact, *vm_settings);
        let webhooks = transactions(context.vm_card.as_ref(), *vm_settings);
        let kind = fact.kind();
        let (presented, network) = (fact.presented, fact.network.clone());
        let record = hold::record(store, fact, &context.profile, Some(conversion), now);
        let receipt = Receipt { network, ..Receipt::new(presented, Vec::new(), timings) };
        let (message, kept) = match message {
            Some(LinkArrival { message, record }) => (message, Some(record)),
            None => (simulated(kind, &record), None),
        };
        let advise = Advise {
            receipt: receipt.prepared(&record, None, Vec::new()),
            record,
            message,
            kept,
            names,
            decline,
            auth_code,
            posts,
            allows_more,
            must_clear,
            reversal_id: AuthId::from_i64(store.ids().next()),
            job_id: JobId::from_i64(store.ids().next()),
            webhooks,
            decision_webhooks: terms.webhooks,
            corrected_receipt: |stored, it| StoredReceipt::of(stored).corrected(it),
            vm_app_id: terms.vm_app_id,
            velocity: terms.limits,
            tariff: terms.tariff,
            now,
        };
        Ok(store.advise(advise).await?)
    }

    /// Tells an enterprise what a network decided; its answer changes nothing but the cause.
    async fn tell_advice(&self, job: Job) -> Result<(), JobError> {
        let AuthoriserParts { store, vault, .. } = &self.parts;
        let auth_id = AuthId::from_i64(job.subject_id);
        let Some(view) = store.authorisation_view(auth_id).await? else {
            return Ok(store.end_advice_telling(job).await?);
        };
        let it = Arc::new(view.authorisation);
        let card = store.find_of_anyone(it.card_id).await?;
        let card = card.ok_or(AuthoriseError::Missing("card"))?;
        let context = load(store, &card, card.currency).await?;
        let mut receipt = StoredReceipt::of(&view.receipt);
        let verdict = match endpoint(vault, &card, &context)? {
            Ok(endpoint) => {
                let own_ms = u64::from(context.enterprise.auth_deadline_ms);
                let deadline = Instant::now() + Duration::from_millis(own_ms);
                let asking = self.asked(&job, &it, &endpoint, deadline);
                let exchange = tokio::time::timeout_at(deadline, asking).await;
                match exchange.unwrap_or(Err(Fault::NO_ANSWER)) {
                    Ok(exchange) => {
                        receipt.answered(&exchange);
                        exchange.verdict
                    }
                    Err(fault) => Err(fault),
                }
            }
            Err(reach) => Err(reach.cause().map_or(Fault::NO_ANSWER, Fault::from)),
        };
        let cause = cause_of(&verdict);
        let told = Authorisation { cause: Some(cause.clone()), ..(*it).clone() };
        let receipt = receipt.corrected(&told);
        let (webhook_id, now) = (WebhookId::from_i64(store.ids().next()), store.clock().now());
        let decided_at = told.decided_at.unwrap_or(now);
        let create = WebhookSubType::Create;
        let event = authorisation_result_event(&told, webhook_id, create, decided_at).ok();
        Ok(store.advice_told(AdviceTold { job, cause, receipt, event }).await?)
    }

    /// Posts the notice, which has the same id however often it is posted.
    async fn asked(
        &self,
        job: &Job,
        it: &Arc<Authorisation>,
        endpoint: &forward::AuthEndpoint,
        deadline: Instant,
    ) -> Result<Exchange, Fault> {
        let AuthoriserParts { store, outbound, pool, .. } = &self.parts;
        let webhook_id = WebhookId::from_i64(job.job_id.as_i64());
        let now = store.clock().now();
        let notice = forward::seal(pool, endpoint, it, webhook_id, now).await?;
        Ok(forward::exchange(outbound, pool, endpoint, notice, it.auth_id, deadline).await)
    }
}

/// Tells enterprises what networks decided in their place. A notice that could not be sent is no
/// reason to send it again: the result webhook follows in any case.
#[must_use]
pub fn advice_worker(store: Store, authoriser: Arc<Authoriser>) -> LeasedJobs {
    let kind = ("advices", JobKind::AdviceTelling);
    LeasedJobs::new(store, kind, MAX_TELLING, move |job| {
        let authoriser = Arc::clone(&authoriser);
        Box::pin(async move { authoriser.tell_advice(job).await })
    })
}

fn stan_of(fact: &AuthorisationRequest) -> Option<&str> {
    fact.network_key.as_ref().map(|key| key.stan.as_str())
}

/// A simulated advice, which is about this.
fn simulated(kind: MessageKind, it: &Authorisation) -> ArrivedMessage {
    let identity = match &it.network_key {
        Some(NetworkKey { stan, rrn }) => MessageIdentity::of_card(kind, it.card_id, stan, rrn),
        None => MessageIdentity::making(kind, it.auth_id),
    };
    let amount = Some(it.acquirer_amount);
    ArrivedMessage { identity, facts: MessageFacts { amount, ..MessageFacts::default() } }
}

/// The cause of an approval that the network reported, by what the enterprise said to it.
fn cause_of(verdict: &Result<ResponseCode, Fault>) -> Cause {
    match verdict {
        Ok(ResponseCode::Approved) => Cause::Advice,
        Ok(ResponseCode::InsufficientFunds | ResponseCode::NotAllowed) => Cause::AdviceRefused,
        Ok(ResponseCode::NoResponse) | Err(_) => Cause::AdviceNotAnswered,
    }
}
