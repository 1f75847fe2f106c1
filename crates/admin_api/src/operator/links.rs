//! Links to card networks (network-iso8583.md section 7.6).

use axum::Json;
use domain::{FieldDifference, ReconciliationResult, ReconciliationWindow};
use iso8583::Word as _;
use scheme::{
    ConnectionStatus, Link, LinkCounters, LinkKeyStatus, LinkStatus, Management, ManagementAnswer,
    Target,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::problem::Problem;

answer_body! {
    /// A connection of a link.
    pub(crate) struct LinkConnectionBody of connection: &ConnectionStatus {
        /// Its number within the link.
        id: u64 = connection.id,
        /// The peer's address and port.
        peer: String = connection.peer.to_string(),
        /// The name in the peer's certificate: its first DNS name, otherwise its common name; null
        /// without TLS, and if the peer shows no certificate.
        tls_peer: Option<String> = connection.tls_peer.clone(),
        /// `CONNECTED` (not signed on), `SIGNED_ON`, `SIGNED_OFF` or `DRAINING`.
        state: String = connection.state.as_str().to_owned(),
        /// When it was made.
        since: String = connection.since.to_string(),
        /// Requests under way.
        in_flight: usize = connection.in_flight,
        last_received_at: Option<String> = connection.last_received_at.map(|at| at.to_string()),
        last_sent_at: Option<String> = connection.last_sent_at.map(|at| at.to_string()),
    }
}

answer_body! {
    /// Counts of a link since the start of the process.
    pub(crate) struct LinkCountersBody of counters: &LinkCounters {
        /// Messages that were decoded.
        received: u64 = counters.received,
        /// Answers that were written.
        answered: u64 = counters.answered,
        approved: u64 = counters.approved,
        declined: u64 = counters.declined,
        /// Requests that were known already and got their first answer again.
        repeats: u64 = counters.repeats,
        /// Messages that could not be decoded.
        format_errors: u64 = counters.format_errors,
        /// Messages without the message authentication code that the link asks for.
        mac_errors: u64 = counters.mac_errors,
        /// PIN blocks that could not be opened.
        pin_errors: u64 = counters.pin_errors,
        /// Messages that were answered without a decision on record.
        refused: u64 = counters.refused,
        /// Answers that could not be written, or came too late to be.
        undelivered: u64 = counters.undelivered,
        /// Reversals that came before their originals.
        early_reversals: u64 = counters.early_reversals,
        /// Answers to advices and reversals that are not posted, each time they come: see
        /// `/admin/v1/network-messages?unposted=true`.
        unposted_advices: u64 = counters.unposted_advices,
    }
}

answer_body! {
    /// A zone key of a link.
    pub(crate) struct LinkKeyBody of key: &LinkKeyStatus {
        /// `ZPK` (encrypts PINs) or `ZAK` (authenticates messages).
        kind: String = key.kind.as_str().to_owned(),
        /// Its check value: the first six hexadecimal digits of zeros under the key.
        kcv: String = key.check_value.clone(),
        /// When it came; for one of the configuration, when the process started.
        activated_at: String = key.activated_at.to_string(),
    }
}

answer_body! {
    /// What a reconciliation counts of messages that have no settlement date.
    pub(crate) struct ReconciliationWindowBody of window: &ReconciliationWindow {
        /// The cut-over before the last one; null if there is none.
        from: Option<String> = window.from.map(|at| at.to_string()),
        /// The last cut-over; null if there is none.
        to: Option<String> = window.to.map(|at| at.to_string()),
    }
}

answer_body! {
    /// A total that an acquirer gave and that is not ours.
    pub(crate) struct TotalDifferenceBody of difference: &FieldDifference {
        /// The number of its field.
        field: u8 = difference.field,
        /// The acquirer's value, as it came: amounts in minor units.
        given: String = difference.given.clone(),
        /// Ours.
        own: String = difference.own.clone(),
    }
}

answer_body! {
    /// An acquirer's totals, compared with ours.
    pub(crate) struct LinkReconciliationBody of result: &ReconciliationResult {
        /// When they were compared.
        computed_at: String = result.computed_at.to_string(),
        /// The type of the message that gave them.
        mti: String = result.mti.clone(),
        /// The acquirer's number without leading zeros.
        acquirer: String = result.acquirer.clone(),
        /// The number of the message (DE11).
        stan: String = result.stan.clone(),
        /// The settlement date that it names: MMDD.
        settlement_date: Option<String> = result.settlement_date.clone(),
        /// The currency of the totals.
        currency: String = result.currency.to_string(),
        window: ReconciliationWindowBody = ReconciliationWindowBody::of(&result.window),
        /// `AGREED`, `DIFFERENT` or `NOT_COMPUTED`.
        verdict: String = result.verdict.to_string(),
        /// The values that differ.
        differences: Vec<TotalDifferenceBody> =
            result.differences.iter().map(TotalDifferenceBody::of).collect(),
    }
}

answer_body! {
    /// The reconciliations of a link, over all processes.
    pub(crate) struct ReconciliationBody of state: &ReconciliationState {
        window: ReconciliationWindowBody = ReconciliationWindowBody::of(&state.window),
        /// The last one; null if there was none.
        last_result: Option<LinkReconciliationBody> =
            state.last.as_ref().map(LinkReconciliationBody::of),
    }
}

/// What the store knows of a link's reconciliations.
pub(crate) struct ReconciliationState {
    window: ReconciliationWindow,
    last: Option<ReconciliationResult>,
}

answer_body! {
    /// A link to a card network, in the process that answers this call.
    pub(crate) struct LinkBody of
        link: &Link,
        status: &LinkStatus,
        reconciliation: &ReconciliationState
    {
        name: String = link.settings().name.clone(),
        /// The network whose messages it carries.
        network: String = link.settings().network.clone(),
        /// `listen`: peers connect to it; `connect`: it connects to them.
        mode: String = link.settings().mode.as_str().to_owned(),
        /// Where it listens; null if it connects.
        address: Option<String> = link.address().map(|address| address.to_string()),
        /// Where it connects to; empty if it listens.
        targets: Vec<String> =
            link.settings().mode.targets().iter().map(Target::to_string).collect(),
        /// The year of the standard.
        dialect: String = link.settings().layout.packager().dialect().to_owned(),
        /// How messages are laid out.
        packager: String = link.settings().layout.packager().word().to_owned(),
        /// `UP` (a connection is signed on), `DOWN` or `DRAINING`.
        state: String = status.state.as_str().to_owned(),
        /// Oldest first.
        connections: Vec<LinkConnectionBody> =
            status.connections.iter().map(LinkConnectionBody::of).collect(),
        counters: LinkCountersBody = LinkCountersBody::of(&status.counters),
        /// The zone keys in use.
        keys: Vec<LinkKeyBody> = status.keys.iter().map(LinkKeyBody::of).collect(),
        reconciliation: ReconciliationBody = ReconciliationBody::of(reconciliation),
    }
}

answer_body! {
    /// What the peer of one connection answered.
    pub(crate) struct LinkAnswerBody of answer: &ManagementAnswer {
        /// The connection's number within the link.
        connection: u64 = answer.connection,
        /// The code of the answer (DE39), `00` if the peer agrees; null if it did not answer.
        response_code: Option<String> = answer.code.clone(),
        /// How long it took, milliseconds.
        elapsed_ms: u64 = u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}

/// What the peers of a link answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkAnswersBody {
    /// Of each connection, the oldest first.
    items: Vec<LinkAnswerBody>,
}

/// Every link.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinksBody {
    /// In the order of the configuration.
    items: Vec<LinkBody>,
}

/// `GET /admin/v1/links`.
pub(crate) async fn list(call: Call) -> Answer<LinksBody> {
    let mut items = Vec::with_capacity(call.state.links.len());
    for link in &call.state.links {
        items.push(body(&call, link).await?);
    }
    Ok(Json(LinksBody { items }))
}

/// `GET /admin/v1/links/{name}`.
pub(crate) async fn read(call: Call) -> Answer<LinkBody> {
    Ok(Json(body(&call, link(&call)?).await?))
}

/// `POST /admin/v1/links/{name}/sign-on`.
pub(crate) async fn sign_on(call: Call) -> Answer<LinkAnswersBody> {
    manage(&call, Management::SignOn).await
}

/// `POST /admin/v1/links/{name}/sign-off`.
pub(crate) async fn sign_off(call: Call) -> Answer<LinkAnswersBody> {
    manage(&call, Management::SignOff).await
}

/// `POST /admin/v1/links/{name}/echo`.
pub(crate) async fn echo(call: Call) -> Answer<LinkAnswersBody> {
    manage(&call, Management::EchoTest).await
}

/// `POST /admin/v1/links/{name}/cut-over`.
pub(crate) async fn cut_over(call: Call) -> Answer<LinkAnswersBody> {
    manage(&call, Management::CutOver).await
}

/// `POST /admin/v1/links/{name}/key-request`.
pub(crate) async fn key_request(call: Call) -> Answer<LinkAnswersBody> {
    manage(&call, Management::KeyRequest).await
}

/// `POST /admin/v1/links/{name}/drain`.
pub(crate) async fn drain(call: Call) -> Answer<LinkBody> {
    call.fields()?;
    let link = link(&call)?;
    link.drain();
    link.drain_shown().await;
    Ok(Json(body(&call, link).await?))
}

/// `POST /admin/v1/links/{name}/resume`.
pub(crate) async fn resume(call: Call) -> Answer<LinkBody> {
    call.fields()?;
    let link = link(&call)?;
    link.resume();
    link.drain_shown().await;
    Ok(Json(body(&call, link).await?))
}

async fn manage(call: &Call, what: Management) -> Answer<LinkAnswersBody> {
    call.fields()?;
    let answers = link(call)?.manage(what).await?;
    Ok(Json(LinkAnswersBody { items: answers.iter().map(LinkAnswerBody::of).collect() }))
}

/// The link that the path names.
fn link(call: &Call) -> Result<&Link, Problem> {
    let name = call.name()?;
    let link = call.state.links.iter().find(|link| link.settings().name == name);
    link.map(|link| &**link).ok_or_else(|| Problem::not_found("link"))
}

async fn body(call: &Call, link: &Link) -> Result<LinkBody, Problem> {
    let (store, name) = (&call.state.store, &link.settings().name);
    let reconciliation = ReconciliationState {
        window: store.reconciliation_window(name).await?,
        last: store.last_reconciliation(name).await?,
    };
    Ok(LinkBody::of(link, &link.status(), &reconciliation))
}
