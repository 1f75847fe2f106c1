//! One authorisation, from its arrival to its answer.

use std::pin::pin;
use std::sync::Arc;

use domain::{AuthId, Authorisation, PinVerdict, ResponseCode, TransactionType, WebhookId};
use store::{
    BeginOutcome, Claim, DecideAuthorisation, OpenDay, PinPresentation, StoreError, TakenBack,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use wire::cardbridge::authorisation_notice::SealedNotice;

use crate::admissible::{require_authorisable, require_original};
use crate::authoriser_parts::AuthoriserParts;
use crate::caller::{Reply, answer};
use crate::checks::{CheckInput, Reach, first_refusal, run_checks};
use crate::decision::cause_of;
use crate::endpoint::endpoint;
use crate::fault::Fault;
use crate::forward::{self, AuthEndpoint, Exchange};
use crate::held::{Held, HoldOutcome, TimeToAnswer};
use crate::hold::HoldTerms;
use crate::late_reads::LateReads;
use crate::left_behind::LeftBehind;
use crate::load::load;
use crate::parts::{PartTurns, converted};
use crate::receipt::{NoticeFacts, Receipt, Timings, whole_ms};
use crate::recover::Recovery;
use crate::request::{
    AuthorisationAnswer, AuthorisationRequest, AuthoriseError, NetworkReversal, Presented,
    ReversalAnswer, ReversalRequest,
};
use crate::reversal::Prepared;
use crate::undecided::Undecided;
use crate::{hold, late, repeat, reversal, settle, unusable};

/// Authorisations under way at once; more are refused at the door.
const MAX_UNDER_WAY: u32 = 4_096;
/// Authorisation codes have six digits.
const AUTH_CODES: u64 = 1_000_000;

/// Decides authorisations. There is one in the whole process.
pub struct Authoriser {
    pub(crate) parts: AuthoriserParts,
    under_way: Arc<Semaphore>,
    late_reads: LateReads,
    undecided: Arc<Undecided>,
    part_turns: PartTurns,
}

/// A message's place among those under way, and the day it arrived.
pub(crate) struct MessageSlot {
    _permit: OwnedSemaphorePermit,
    _day: OpenDay,
}

/// A message of the network.
enum Message {
    Authorise(Box<AuthorisationRequest>),
    Reverse(Box<ReversalRequest>),
}

impl Authoriser {
    /// An authoriser with these parts.
    #[must_use]
    pub fn new(parts: AuthoriserParts) -> Arc<Self> {
        Arc::new(Self {
            under_way: Arc::new(Semaphore::new(MAX_UNDER_WAY as usize)),
            late_reads: LateReads::new(parts.max_exchanges),
            undecided: Undecided::new(parts.store.clone(), parts.vm_settings),
            part_turns: PartTurns::default(),
            parts,
        })
    }

    /// Decides one authorisation: a purchase, cash withdrawal or inquiry, what increments or
    /// completes one, or a refund. It is completed even if the caller goes away.
    ///
    /// # Errors
    /// [`AuthoriseError`]; a decline is not an error.
    pub async fn authorise(
        self: &Arc<Self>,
        request: AuthorisationRequest,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        require_authorisable(&request)?;
        require_original(&request)?;
        self.carry(Message::Authorise(Box::new(request))).await
    }

    /// Takes back what an approved authorisation and its increments hold, then tells the
    /// enterprise, whose answer is recorded and changes nothing (operator-and-sandbox.md section
    /// 5). It is completed even if the caller goes away.
    ///
    /// # Errors
    /// [`AuthoriseError`]; nothing was taken back then.
    pub async fn reverse(
        self: &Arc<Self>,
        request: ReversalRequest,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        if request.acquirer_amount_minor.is_some_and(|minor| minor <= 0) {
            return Err(AuthoriseError::Amount);
        }
        self.carry(Message::Reverse(Box::new(request))).await
    }

    /// Carries out a network's reversal, and answers once it is committed; the enterprise is told
    /// afterwards (network-iso8583.md section 5.7). It is completed even if the caller goes away.
    ///
    /// # Errors
    /// [`AuthoriseError`]; it is not known then whether anything was given back, and the network
    /// repeats the message.
    pub async fn take_back(
        self: &Arc<Self>,
        request: NetworkReversal,
    ) -> Result<ReversalAnswer, AuthoriseError> {
        let under_way = self.admit().await.ok_or(AuthoriseError::Overloaded)?;
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let own = Arc::clone(self);
        tokio::spawn(async move {
            let Self { parts, undecided, .. } = &*own;
            match reversal::take_back(parts, undecided, request, started).await {
                Ok((TakenBack { outcome, is_repeated: repeated, reversal }, prepared)) => {
                    let _ = reply.send(Ok(ReversalAnswer { outcome, repeated }));
                    if let Some(reversal) = reversal {
                        own.tell_reversal(Ok(prepared), reversal, started, under_way).await;
                    }
                }
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            }
        });
        answer.await.unwrap_or(Err(AuthoriseError::BrokenOff))
    }

    /// Tells the enterprise of a reversal whose money is back and whose sender has its answer.
    pub(crate) async fn tell_reversal(
        &self,
        prepared: Result<Prepared, AuthoriseError>,
        reversal: Authorisation,
        started: Instant,
        under_way: MessageSlot,
    ) {
        let (nobody, _) = oneshot::channel();
        let auth_id = reversal.auth_id;
        let told = match prepared {
            Ok(prepared) => prepared.told(&self.parts, &self.undecided, reversal).await,
            Err(error) => Err(error),
        };
        if told.is_err() {
            self.undecided.decline_later(auth_id);
        }
        self.go_on(told, started, nobody, under_way).await;
    }

    /// Admits a message, unless too many are under way.
    pub(crate) async fn admit(&self) -> Option<MessageSlot> {
        let permit = Arc::clone(&self.under_way).try_acquire_owned().ok()?;
        Some(MessageSlot { _permit: permit, _day: self.parts.store.open_day().await })
    }

    async fn carry(
        self: &Arc<Self>,
        message: Message,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        let under_way = self.admit().await.ok_or(AuthoriseError::Overloaded)?;
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let own = Arc::clone(self);
        let run = async move { own.run(message, started, reply, under_way).await };
        tokio::spawn(Claim::carried(run));
        answer.await.unwrap_or(Err(AuthoriseError::BrokenOff))
    }

    /// The outcome of an authorisation or reversal that was begun before, once it is decided.
    ///
    /// # Errors
    /// [`AuthoriseError`]; `Undecided` if it remains undecided.
    pub async fn outcome(&self, auth_id: AuthId) -> Result<AuthorisationAnswer, AuthoriseError> {
        let started = Instant::now();
        let found = self.parts.store.find_of_anyone::<Authorisation>(auth_id).await?;
        let begun = found.ok_or(AuthoriseError::Missing("authorisation"))?;
        let authorisation = repeat::decided(&self.parts.store, begun, None).await?;
        let total_ms = whole_ms(started.elapsed());
        Ok(AuthorisationAnswer { authorisation, repeated: true, total_ms, enterprise_ms: None })
    }

    /// Declines every authorisation that a crash of this process left undecided and gives its hold
    /// back (operator-and-sandbox.md section 5), including one whose commit ends later. Call it at
    /// start, before the first request; returns how many there were.
    ///
    /// # Errors
    /// [`AuthoriseError`].
    pub async fn recover(&self) -> Result<usize, AuthoriseError> {
        let AuthoriserParts { store, vm_settings, .. } = &self.parts;
        let undecided = Arc::clone(&self.undecided);
        Recovery::new(store.clone(), *vm_settings, undecided).await?.run().await
    }

    /// Ends what dead processes left behind, until `stopped` turns true.
    pub async fn keep_ending_left_behind(&self, stopped: watch::Receiver<bool>) {
        let AuthoriserParts { store, vm_settings, .. } = &self.parts;
        if !store.is_embedded() {
            LeftBehind::new(store.clone(), *vm_settings).keep_looking(stopped).await;
        }
    }

    /// Waits until no authorisation is under way; reads of late answers go on.
    pub async fn settled(&self) {
        // The semaphore is never closed, so this cannot fail.
        let _ = self.under_way.acquire_many(MAX_UNDER_WAY).await;
    }

    async fn run(&self, message: Message, started: Instant, reply: Reply, under_way: MessageSlot) {
        let arrival = match message {
            Message::Authorise(request) => self.arrive(*request, started).await,
            Message::Reverse(request) => {
                let Self { parts, undecided, .. } = self;
                reversal::reverse(parts, undecided, *request, started).await
            }
        };
        self.go_on(arrival, started, reply, under_way).await;
    }

    /// Asks the enterprise where it is to be asked, and answers.
    async fn go_on(
        &self,
        arrival: Result<HoldOutcome, AuthoriseError>,
        started: Instant,
        reply: Reply,
        under_way: MessageSlot,
    ) {
        match arrival {
            Ok(HoldOutcome::Held(held)) => match held.endpoint.clone() {
                Some(endpoint) => self.ask(*held, endpoint, reply, under_way).await,
                None => self.approve(*held, reply, under_way).await,
            },
            Ok(HoldOutcome::Answered { authorisation, repeated }) => {
                let total_ms = whole_ms(started.elapsed());
                answer(
                    reply,
                    Ok(AuthorisationAnswer {
                        authorisation: *authorisation,
                        repeated,
                        total_ms,
                        enterprise_ms: None,
                    }),
                );
            }
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Load, convert, check, hold.
    async fn arrive(
        &self,
        mut request: AuthorisationRequest,
        started: Instant,
    ) -> Result<HoldOutcome, AuthoriseError> {
        let store = &self.parts.store;
        let now = store.clock().now();
        let mut timings = Timings::new(started);
        let converted_amount = request.billed().map_or(request.acquirer_amount, |it| it.amount);
        let context = load(store, &request.card, converted_amount.currency()).await?;
        timings.ended("load");
        let endpoint = endpoint(&self.parts.vault, &request.card, &context)?;
        let (answer_by, posts) = (request.answer_by, request.posts);
        let _turn = self.part_turns.take(&request).await;
        let conversion = converted(store, &request, &context.fx_table).await?;
        let presented = Presented { pin: self.judge_pin(&request).await?, ..request.presented };
        let checks = run_checks(&CheckInput {
            is_refund: request.transaction_type == TransactionType::Refund,
            card: &request.card,
            cards_of_pan: &context.cards_of_pan,
            limits: context.limits(),
            presented,
            conversion: &conversion,
            reach: endpoint.as_ref().err().copied().unwrap_or(Reach::Ready),
            now,
        });
        let refusal = first_refusal(&checks);
        timings.ended("checks");
        let mut receipt = Receipt::new(presented, checks, timings);
        receipt.not_followed = request.not_followed;
        receipt.network = std::mem::take(&mut request.network);
        let mut terms = HoldTerms::new(&context, &request, self.parts.vm_settings);
        // An amount without counterpart in the card's currency is the platform's fault: no charge.
        terms.tariff = terms.tariff.filter(|_| conversion.is_ok());
        let record = hold::record(store, request, &context.profile, conversion.ok(), now);
        let auth_id = record.auth_id;
        let begun = hold::begin(store, record, refusal, &terms, &mut receipt).await;
        let outcome = begun.inspect_err(|error| {
            repeat::count_conflict(error);
            self.undecided.doubt(auth_id, error);
        })?;
        receipt.timings.ended("hold");
        match (outcome, &endpoint) {
            (BeginOutcome::Held(authorisation), Ok(_) | Err(Reach::NotAsked)) => {
                Ok(HoldOutcome::Held(Box::new(Held {
                    authorisation: Arc::new(authorisation),
                    endpoint: endpoint.ok().map(Arc::new),
                    webhooks: terms.webhooks,
                    tariff: terms.tariff,
                    posts,
                    stand_in: context.enterprise.stand_in,
                    time: TimeToAnswer::of(&context.enterprise, started, answer_by),
                    receipt,
                })))
            }
            (BeginOutcome::Repeated(first), _) => {
                let authorisation = repeat::decided(store, first, answer_by).await?;
                Ok(HoldOutcome::Answered { authorisation: Box::new(authorisation), repeated: true })
            }
            (BeginOutcome::Refused(authorisation) | BeginOutcome::Held(authorisation), _) => {
                Ok(HoldOutcome::Answered {
                    authorisation: Box::new(authorisation),
                    repeated: false,
                })
            }
        }
    }

    /// The verdict on the PIN, if one was entered. A message that was accepted before is not judged
    /// again: it gets the first answer.
    async fn judge_pin(
        &self,
        request: &AuthorisationRequest,
    ) -> Result<Option<PinVerdict>, StoreError> {
        let Some(pin) = request.pin.clone() else { return Ok(request.presented.pin) };
        let presentation = PinPresentation {
            enterprise_id: request.card.enterprise_id,
            card_id: request.card.card_id,
            network_key: request.network_key.clone().or_else(|| {
                // A repeated call counts as a single try too.
                Claim::current().map(|claim| claim.message_key())
            }),
            kind: request.kind(),
            identity: request.message.as_ref().map(|it| it.message.identity.clone()),
            follows: request.original.as_ref().map(|it| it.auth_id),
            pin,
            now: self.parts.store.clock().now(),
        };
        self.parts.store.present_pin(presentation).await
    }

    /// Forwards, settles and answers; then keeps reading for a late answer.
    async fn ask(
        &self,
        mut held: Held,
        endpoint: Arc<AuthEndpoint>,
        reply: Reply,
        under_way: MessageSlot,
    ) {
        let AuthoriserParts { outbound, pool, store, .. } = &self.parts;
        let authorisation = Arc::clone(&held.authorisation);
        let auth_id = authorisation.auth_id;
        let notice = match self.seal(&mut held, &endpoint).await {
            Ok(notice) => notice,
            Err(fault) => {
                let settled = self.settle(held, None, Err(fault)).await;
                return self.conclude(settled, reply, under_way, auth_id);
            }
        };
        let asking = self.late_reads.begin();
        let deadline = held.time.deadline;
        let exchange = forward::exchange(outbound, pool, &endpoint, notice, auth_id, deadline);
        let mut exchange = pin!(exchange);
        let mut in_time = timeout_at(deadline, exchange.as_mut()).await.ok();
        held.receipt.timings.ended("exchange");
        let is_late = in_time.is_none();
        if let Some(in_time) = &mut in_time {
            unusable::tell(&self.parts, in_time, &endpoint, &authorisation).await;
        }
        let settled = self.settle(held, in_time, Err(Fault::NO_ANSWER)).await;
        self.conclude(settled, reply, under_way, auth_id);
        if is_late {
            let reading = self.late_reads.read_on(asking, authorisation.enterprise_id);
            if let Some(mut late) = reading.of(exchange).await {
                unusable::tell(&self.parts, &mut late, &endpoint, &authorisation).await;
                late::record(store, &authorisation, &late).await;
            }
        }
    }

    /// Approves what the card's own money covers and no check refused; nobody is asked.
    async fn approve(&self, held: Held, reply: Reply, under_way: MessageSlot) {
        let auth_id = held.authorisation.auth_id;
        let settled = self.settle(held, None, Ok(ResponseCode::Approved)).await;
        self.conclude(settled, reply, under_way, auth_id);
    }

    /// Answers. If the decision could not be written, the caller gets no answer, which counts as a
    /// decline, and the authorisation is declined as soon as the store accepts writes.
    fn conclude(
        &self,
        settled: Result<AuthorisationAnswer, AuthoriseError>,
        reply: Reply,
        under_way: MessageSlot,
        auth_id: AuthId,
    ) {
        let is_written = settled.is_ok();
        answer(reply, settled);
        // Stopping does not wait for the store: the next start declines as well.
        drop(under_way);
        if !is_written {
            self.undecided.decline_later(auth_id);
        }
    }

    /// Seals the notice, unless the deadline passes first.
    async fn seal(&self, held: &mut Held, endpoint: &AuthEndpoint) -> Result<SealedNotice, Fault> {
        let store = &self.parts.store;
        let webhook_id = WebhookId::from_i64(store.ids().next());
        let sealing = forward::seal(
            &self.parts.pool,
            endpoint,
            &held.authorisation,
            webhook_id,
            store.clock().now(),
        );
        let ask_before = held.time.ask_before;
        let notice = timeout_at(ask_before, sealing).await.map_err(|_| Fault::LATE_NOTICE)??;
        // The timer can be late, above all where the time was over before the sealing began.
        if Instant::now() >= ask_before {
            return Err(Fault::LATE_NOTICE);
        }
        held.receipt.timings.ended("seal");
        held.receipt.notice = Some(NoticeFacts {
            webhook_id,
            body_bytes: notice.body.len(),
            rsa_padding: endpoint.scheme.padding,
            rsa_hash: endpoint.scheme.hash,
            rsa_signed_bytes: endpoint.scheme.signed_bytes,
            platform_key_version: endpoint.platform_key_version,
            left_ms: whole_ms(held.time.deadline.saturating_duration_since(Instant::now())),
        });
        Ok(notice)
    }

    /// Decides by what arrived in time, or by `otherwise` if nothing did. Without a usable answer
    /// the commit may approve in the enterprise's place.
    async fn settle(
        &self,
        held: Held,
        in_time: Option<Exchange>,
        otherwise: Result<ResponseCode, Fault>,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        let verdict = in_time.as_ref().map_or(otherwise, |exchange| exchange.verdict.clone());
        let stand_in = held.stand_in.filter(|_| verdict.is_err());
        let cause = cause_of(&held.authorisation, verdict);
        let may_approve = cause.is_approval() || stand_in.is_some();
        let has_code = may_approve && !held.authorisation.is_reversal();
        let auth_code = has_code.then(|| self.draw_auth_code());
        let Held { authorisation: held, webhooks, tariff, posts, mut receipt, .. } = held;
        receipt.unanswered = stand_in.map(|_| cause.clone());
        let prepared = receipt.prepared(&held, in_time.as_ref(), Vec::new());
        let store = &self.parts.store;
        let request = settle::request(store, &held, cause, prepared, webhooks);
        let request = DecideAuthorisation { stand_in, auth_code, tariff, posts, ..request };
        let authorisation = settle::decide(store, request).await?;
        tracing::debug!(
            auth_id = %authorisation.auth_id,
            enterprise_id = %authorisation.enterprise_id,
            detail = authorisation.detail().as_deref(),
            "decided"
        );
        Ok(AuthorisationAnswer {
            authorisation,
            repeated: false,
            total_ms: receipt.timings.total_ms(),
            enterprise_ms: in_time.and_then(|exchange| exchange.elapsed).map(whole_ms),
        })
    }

    fn draw_auth_code(&self) -> String {
        format!("{:06}", self.parts.random.below(AUTH_CODES))
    }
}
