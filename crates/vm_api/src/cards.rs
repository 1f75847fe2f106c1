//! The cards of dialect 2 (vm-api.md sections 6.3, 6.4, 6.6 to 6.8, 6.10 and 6.12).

use cards::OpenedVmCard;
use domain::{Card, CardStatus};
use wire::vm::amount::Amount;
use wire::vm::card::{
    CardDetail, CardIdBody, CardStatusBody, LimitBody, Moved, parse_card_id, parse_create,
    parse_freeze, parse_recharge, parse_refund,
};
use wire::vm::flow::{Flow, Flows, parse_flows};

use super::call::Call;
use super::reply::{Answer, Plain};

/// `POST /createCard`.
pub(crate) async fn create(call: Call) -> Answer<CardIdBody> {
    let request = parse_create(&call.parameters)?;
    let body = |card_id: &String| CardIdBody { card_id: card_id.clone() };
    call.once.answer(body, call.state.cards.open_vm_card(&call.caller.app, &request)).await
}

/// `POST /cardDetail`.
pub(crate) async fn detail(call: Call) -> Answer<CardDetail> {
    let card_id = parse_card_id(&call.parameters)?;
    let settings = &call.state.settings.vm;
    let opened =
        call.state.cards.reveal_vm_card(&call.caller.app, &card_id, settings.offset).await?;
    let card = opened.view.vm_card.clone();
    let mut detail = shown(opened);
    if settings.extra_fields {
        detail.create_time = Some(settings.offset.text(card.created_at));
        detail.label = Some(card.label);
        detail.product_code = Some(card.product_code);
    }
    Ok(Plain(detail))
}

/// `POST /freezeCard`.
pub(crate) async fn freeze(call: Call) -> Answer<CardStatusBody> {
    let (card_id, operation) = parse_freeze(&call.parameters)?;
    let changed = call.state.cards.freeze_vm_card(&call.caller.app, card_id.clone(), operation);
    let body = move |card: &Card| CardStatusBody {
        card_id: card_id.clone(),
        status: status_text(card.status).into(),
    };
    call.once.answer(body, changed).await
}

/// `POST /rechargeCard`.
pub(crate) async fn recharge(call: Call) -> Answer<Moved> {
    let (card_id, amount) = parse_recharge(&call.parameters)?;
    let moved = call.state.cards.recharge_vm_card(&call.caller.app, card_id, amount);
    call.once.answer(|_: &Card| Moved::DONE, moved).await
}

/// `POST /refundCard`.
pub(crate) async fn refund(call: Call) -> Answer<Moved> {
    let (card_id, amount) = parse_refund(&call.parameters)?;
    let moved = call.state.cards.refund_vm_card(&call.caller.app, card_id, amount);
    call.once.answer(|_: &Card| Moved::DONE, moved).await
}

/// `POST /deleteCard`.
pub(crate) async fn delete(call: Call) -> Answer<CardIdBody> {
    let card_id = parse_card_id(&call.parameters)?;
    let deleted = call.state.cards.delete_vm_card(&call.caller.app, card_id.clone());
    call.once.answer(move |_: &Card| CardIdBody { card_id: card_id.clone() }, deleted).await
}

/// `POST /getCardFlow`.
pub(crate) async fn flows(call: Call) -> Answer<Flows> {
    let (card_id, page) = parse_flows(&call.parameters)?;
    let found = call.state.cards.vm_flows(&call.caller.app, card_id.as_deref(), page).await?;
    let line = |(card_id, flow): (String, domain::VmFlow)| Flow {
        flow_id: flow.flow_id.to_string(),
        card_id,
        kind: flow.kind.as_str().into(),
        amount: Amount::of_minor(flow.amount_minor),
        balance: Amount::of_minor(flow.balance_minor),
        currency: wire::vm::amount::CURRENCY.alpha().into(),
        create_time: call.state.settings.vm.offset.text(flow.created_at),
        remark: flow.remark,
    };
    Ok(Plain(Flows { total: found.total, list: found.flows.into_iter().map(line).collect() }))
}

/// A card's status on the wire: only these three are emitted (vm-api.md section 7.2).
pub(crate) const fn status_text(status: CardStatus) -> &'static str {
    match status {
        CardStatus::Activated => "ACTIVE",
        CardStatus::Invalid => "DELETED",
        CardStatus::Frozen | CardStatus::Blocked | CardStatus::WaitingActive => "CANCELLED",
    }
}

/// An expiry, YYMM, as `MM/YY`.
pub(crate) fn expiry_text(yymm: &str) -> String {
    format!("{}/{}", &yymm[2..], &yymm[..2])
}

fn shown(opened: OpenedVmCard) -> CardDetail {
    let (view, holder) = (&opened.view, opened.holder);
    let limits = &view.vm_card.limits;
    let status = view.card.status;
    let spendable = view.vm_card.spendable_minor(status, view.available_minor, &view.used);
    let expire = expiry_text(&opened.expiry_yymm);
    CardDetail {
        card_id: view.vm_card.card_uuid.clone(),
        card_number: opened.pan.expose().to_owned(),
        cvv: opened.cvv2.expose().to_owned(),
        expiry: expire.clone(),
        expire,
        status: status_text(status).into(),
        user_name: holder.full_name(),
        available_amount: Amount::of_minor(spendable),
        card_type: view.vm_card.funding.as_str().into(),
        limit: LimitBody {
            single_limit: Amount::of_minor(limits.single_minor),
            day_limit: Amount::of_minor(limits.day_minor),
            month_limit: Amount::of_minor(limits.month_minor),
            total_limit: Amount::of_minor(limits.total_minor),
            remaining_day_limit: Amount::of_minor(limits.day_left_minor(&view.used)),
            remaining_month_limit: Amount::of_minor(limits.month_left_minor(&view.used)),
        },
        card_address: holder.card_address,
        create_time: None,
        label: None,
        product_code: None,
    }
}
