//! The next step of an order: a pure decision (cardbridge-open-api.md section 7.1).

use domain::{CardOrder, ErrorCode, KycTicketStatus, OrderFailure, OrderStatus};

use crate::{OrderOutcome, Scenario};

/// The next step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepDecision {
    /// The order moves to this state, and another step follows.
    Advance(OrderStatus),
    /// A card is issued; the order is SUCCEED.
    Issue,
    /// The order moves to CUSTOMER_PASS and waits there for EDD evidence, not for time.
    WaitForEdd,
    /// The order waits in CUSTOMER_PASS for the decision of its KYC ticket.
    WaitForKyc,
    /// The order is FAILED.
    Fail(OrderFailure),
    /// No timed step is left: the order is final or waits for evidence.
    Rest,
}

/// Decides the next step of an order. A failing scenario fails in the state that its code
/// belongs to (cardbridge-open-api.md section 7.1, "Stage -> failure code").
#[must_use]
pub fn next_step(order: &CardOrder, scenario: Scenario) -> StepDecision {
    if order.need_edd_file {
        return StepDecision::Rest;
    }
    if let OrderOutcome::Fail(code) = scenario.outcome
        && failing_state(code) == order.status
    {
        return StepDecision::Fail(failure(code));
    }
    match order.status.next(order.order_type) {
        None => StepDecision::Rest,
        Some(OrderStatus::Succeed) => StepDecision::Issue,
        Some(OrderStatus::CustomerPass) if scenario.outcome == OrderOutcome::Edd => {
            StepDecision::WaitForEdd
        }
        Some(next) => StepDecision::Advance(next),
    }
}

/// The next step that a KYC ticket decides for an order in CUSTOMER_PASS; `None`: it goes on
/// (cardbridge-open-api.md section 14, U24).
#[must_use]
pub fn step_by_kyc(status: KycTicketStatus) -> Option<StepDecision> {
    match status {
        KycTicketStatus::Pass => None,
        KycTicketStatus::Init | KycTicketStatus::Pending => Some(StepDecision::WaitForKyc),
        KycTicketStatus::Refuse => {
            Some(StepDecision::Fail(failure(ErrorCode::CardOrderKycVerifyFailed)))
        }
    }
}

/// The failure that the enterprise sees for an order that cannot go on.
pub fn failure(error_code: ErrorCode) -> OrderFailure {
    let error_reason = match error_code {
        ErrorCode::CardOrderCustomerInfoInvalid => "the customer's data did not pass",
        ErrorCode::CardOrderKycInfoInvalid => "the KYC data did not pass",
        ErrorCode::RequestRejectionError => "the evidence was refused",
        ErrorCode::CardOrderKycVerifyFailed => "the identity check did not pass",
        ErrorCode::CardOrderChannelCustomerInvalid => "the issuer does not accept the customer",
        ErrorCode::ChannelCustomerCreateFailed => "the issuer could not register the customer",
        ErrorCode::CardOrderChannelCardInvalid => "the issuer could not issue the card",
        ErrorCode::ChannelCustomerNotFound => "the issuer lost the customer",
        ErrorCode::CardOrderVirtualToPhysicalFailed => "the physical card could not be made",
        ErrorCode::OriginalCardStatusNotActivated => "the original card is no longer activated",
        other => other.message(),
    };
    OrderFailure { error_code, error_reason: error_reason.to_owned() }
}

const fn failing_state(code: ErrorCode) -> OrderStatus {
    match code {
        ErrorCode::CardOrderCustomerInfoInvalid | ErrorCode::ChannelCustomerNotFound => {
            OrderStatus::Pending
        }
        ErrorCode::CardOrderVirtualToPhysicalFailed => OrderStatus::PhysicalSettingCompleted,
        ErrorCode::CardOrderChannelCustomerInvalid | ErrorCode::ChannelCustomerCreateFailed => {
            OrderStatus::KycPass
        }
        ErrorCode::CardOrderChannelCardInvalid => OrderStatus::ChannelCustomerPass,
        _ => OrderStatus::CustomerPass,
    }
}

#[cfg(test)]
mod tests {
    use domain::{CustomerId, EnterpriseId, OrderId, OrderType, ProfileId, Timestamp};

    use super::*;

    fn order(status: OrderStatus, need_edd_file: bool) -> CardOrder {
        CardOrder {
            enterprise_id: EnterpriseId::from_i64(1),
            order_id: OrderId::from_i64(2),
            card_order_ref: "ord-1".into(),
            profile_id: ProfileId::from_i64(3),
            customer_id: CustomerId::from_i64(4),
            order_type: OrderType::Virtual,
            status,
            card_id: None,
            failure: None,
            need_edd_file,
            replace_card_id: None,
            created_at: Timestamp::from_micros(0),
            modified_at: Timestamp::from_micros(0),
        }
    }

    /// Walks an order from PENDING until it rests; returns each decision as text.
    fn walk(outcome: OrderOutcome) -> Vec<String> {
        let scenario = Scenario { outcome, slow: false };
        let mut order = order(OrderStatus::Pending, false);
        let mut walked = Vec::new();
        loop {
            let from = order.status;
            match next_step(&order, scenario) {
                StepDecision::Advance(next) => order.status = next,
                StepDecision::Issue => order.status = OrderStatus::Succeed,
                StepDecision::WaitForEdd => {
                    order.status = OrderStatus::CustomerPass;
                    order.need_edd_file = true;
                }
                StepDecision::Fail(failure) => {
                    order.status = OrderStatus::Failed;
                    walked.push(format!("{from} {}", failure.error_code));
                    continue;
                }
                StepDecision::Rest | StepDecision::WaitForKyc => return walked,
            }
            walked.push(order.status.to_string());
        }
    }

    #[test]
    fn a_plain_order_passes_every_state_to_its_card() {
        assert_eq!(
            walk(OrderOutcome::Pass),
            ["CUSTOMER_PASS", "KYC_PASS", "CHANNEL_CUSTOMER_PASS", "SUCCEED"]
        );
    }

    #[test]
    fn an_edd_order_rests_in_customer_pass() {
        assert_eq!(walk(OrderOutcome::Edd), ["CUSTOMER_PASS"]);
        let waiting = order(OrderStatus::CustomerPass, true);
        assert_eq!(next_step(&waiting, Scenario::PLAIN), StepDecision::Rest);
    }

    #[test]
    fn each_failure_occurs_in_its_own_state() {
        for (code, last) in [
            (
                ErrorCode::CardOrderCustomerInfoInvalid,
                "PENDING DAPI_CARD_ORDER_CUSTOMER_INFO_INVALID",
            ),
            (ErrorCode::CardOrderKycInfoInvalid, "CUSTOMER_PASS DAPI_CARD_ORDER_KYC_INFO_INVALID"),
            (
                ErrorCode::CardOrderKycVerifyFailed,
                "CUSTOMER_PASS DAPI_CARD_ORDER_KYC_VERIFY_FAILED",
            ),
            (
                ErrorCode::CardOrderChannelCustomerInvalid,
                "KYC_PASS DAPI_CARD_ORDER_CHANNEL_CUSTOMER_INVALID",
            ),
            (
                ErrorCode::ChannelCustomerCreateFailed,
                "KYC_PASS DAPI_CHANNEL_CUSTOMER_CREATE_FAILED",
            ),
            (
                ErrorCode::CardOrderChannelCardInvalid,
                "CHANNEL_CUSTOMER_PASS DAPI_CARD_ORDER_CHANNEL_CARD_INVALID",
            ),
        ] {
            assert_eq!(walk(OrderOutcome::Fail(code)).last().map(String::as_str), Some(last));
        }
    }

    #[test]
    fn nothing_follows_a_final_state() {
        for status in [OrderStatus::Succeed, OrderStatus::Failed] {
            assert_eq!(next_step(&order(status, false), Scenario::PLAIN), StepDecision::Rest);
        }
    }
}
