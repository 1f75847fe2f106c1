//! Lists of transactions and cards, and the limits of credit-line cards (vm-api.md sections
//! 6.5, 6.9 and 6.11).

use domain::{AuthId, Timestamp};
use serde::Serialize;
use store::{VmCardFilter, VmCardRow, VmPage, VmStanding, VmTransactionFilter};
use utoipa::ToSchema;
use vault::expiry_yymm;
use wire::vm::amount::Amount;
use wire::vm::card::{CardLine, CardList, CardListQuery, parse_limits, parse_list};
use wire::vm::parameters::PageRequest;
use wire::vm::time::Offset;
use wire::vm::transaction::{self, Transaction, TransactionQuery, Transactions, parse_query};

use super::call::Call;
use super::caller::Caller;
use super::cards::{expiry_text, status_text};
use super::reply::{Answer, Plain};

/// Digits of a number that a list masks.
const MASK: &str = "******";

/// `POST /cardTransaction`.
pub(crate) async fn transactions(call: Call) -> Answer<Transactions> {
    let settings = &call.state.settings.vm;
    let query = parse_query(&call.parameters, settings.offset)?;
    let Some(filter) = transaction_filter(&query, settings.open_state) else {
        return Ok(Plain(Transactions { total: 0, list: Vec::new() }));
    };
    let page = page(&call.caller, query.card_id, (query.from, query.to), query.page);
    let found = call.state.store.vm_transactions(&page, &filter).await?;
    let list = found.rows.iter().map(|(it, card)| Transaction::of(it, card.clone(), settings));
    Ok(Plain(Transactions { total: found.total, list: list.collect() }))
}

/// The store's filter; `None` if the query asks for a text that no transaction has.
fn transaction_filter(
    query: &TransactionQuery,
    open_state: transaction::State,
) -> Option<VmTransactionFilter> {
    let auth_id = query.auth_id.as_ref().map(|text| text.parse::<AuthId>()).transpose().ok()?;
    let kind = query.kind.as_ref().map(Result::as_ref).transpose().ok()?;
    let state = query.state.as_ref().map(Result::as_ref).transpose().ok()?;
    let is_wanted = |it: &VmStanding| {
        let VmStanding { direction, status, is_posted, hold_state } = *it;
        let standing =
            transaction::standing_of(direction, status, is_posted, hold_state, open_state);
        kind.is_none_or(|kind| *kind == standing.0) && state.is_none_or(|it| *it == standing.1)
    };
    let are_all_wanted = kind.is_none() && state.is_none();
    let standings = (!are_all_wanted).then(|| VmStanding::all().filter(is_wanted).collect());
    Some(VmTransactionFilter { auth_id, standings })
}

/// `POST /getCardList`.
pub(crate) async fn cards(call: Call) -> Answer<CardList> {
    let offset = call.state.settings.vm.offset;
    let query = parse_list(&call.parameters, offset)?;
    let Some(filter) = card_filter(&query) else {
        return Ok(Plain(CardList { total: 0, list: Vec::new() }));
    };
    let page = page(&call.caller, query.card_id, (query.from, query.to), query.page);
    let found = call.state.store.vm_card_rows(&page, &filter, offset.seconds()).await?;
    let list = found.rows.into_iter().map(|row| line(row, offset)).collect();
    Ok(Plain(CardList { total: found.total, list }))
}

fn card_filter(query: &CardListQuery) -> Option<VmCardFilter> {
    let funding = query.card_type.as_ref().map(|text| text.parse()).transpose().ok()?;
    Some(VmCardFilter { product_code: query.product_code.clone(), funding })
}

fn page(
    caller: &Caller,
    card_uuid: Option<String>,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    query: PageRequest,
) -> VmPage {
    VmPage {
        enterprise_id: caller.app.enterprise_id,
        vm_app_id: caller.app.vm_app_id,
        card_uuid,
        from,
        // The last second is included as a whole.
        before: to.map(|to| to.plus_seconds(1)),
        skipped_rows: query.skipped_rows,
        rows: query.rows,
    }
}

fn line(row: VmCardRow, offset: Offset) -> CardLine {
    let VmCardRow { vm_card, card, available_minor, used } = row;
    let spendable = vm_card.spendable_minor(card.status, available_minor, &used);
    CardLine {
        card_id: vm_card.card_uuid,
        card_number: format!("{}{MASK}{}", card.pan_first6, card.pan_last4),
        product_code: vm_card.product_code,
        card_type: vm_card.funding.as_str().into(),
        available_amount: Amount::of_minor(spendable),
        status: status_text(card.status).into(),
        label: vm_card.label,
        expire: expiry_text(&expiry_yymm(card.valid_until)),
        create_time: offset.text(vm_card.created_at),
    }
}

/// An answer with nothing in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {}

/// `POST /updateCardLimit`.
pub(crate) async fn limits(call: Call) -> Answer<Done> {
    let (card_uuid, change) = parse_limits(&call.parameters)?;
    let changed = call.state.cards.change_vm_limits(&call.caller.app, card_uuid, change);
    call.once.answer(|(): &()| Done {}, changed).await
}
