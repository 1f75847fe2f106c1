//! How each record lies in its columns: one file a record, columns in one fixed order.

mod account;
mod authorisation;
mod card;
mod customer;
mod enterprise;
mod fields;
mod guidance;
mod intent_ticket;
mod job;
mod key_extraction;
mod kyc_ticket;
mod order;
mod pin;
mod plastic;
mod posting;
mod profile;
mod reveal;
mod three_ds;
mod transfer;
mod velocity;
mod vm;
mod webhook;

pub(crate) use account::{ACCOUNT_COLUMNS, account_from, account_key_from, account_values};
pub(crate) use authorisation::merchant_from;
pub(crate) use authorisation::{AUTHORISATION_COLUMNS, authorisation_from, authorisation_values};
pub(crate) use card::{CARD_COLUMNS, PAN_COLUMNS, card_from, card_values, pan_from, pan_values};
pub(crate) use customer::{CUSTOMER_COLUMNS, customer_from, customer_values};
pub(crate) use enterprise::{
    API_KEY_COLUMNS, ENTERPRISE_COLUMNS, PLATFORM_KEY_COLUMNS, api_key_from, api_key_values,
    enterprise_from, enterprise_values, platform_key_from, platform_key_values,
};
pub(crate) use fields::Fields;
pub(crate) use guidance::{GUIDANCE_COLUMNS, guidance_from, guidance_values};
pub(crate) use intent_ticket::{INTENT_TICKET_COLUMNS, intent_ticket_from, intent_ticket_values};
pub(crate) use job::{JOB_COLUMNS, job_from, job_values};
pub(crate) use key_extraction::{
    EXTRACTION_ATTEMPT_COLUMNS, KEY_EXTRACTION_COLUMNS, extraction_attempt_from,
    extraction_attempt_values, key_extraction_from, key_extraction_values,
};
pub(crate) use kyc_ticket::{KYC_TICKET_COLUMNS, kyc_ticket_from, kyc_ticket_values};
pub(crate) use order::{ORDER_COLUMNS, order_from, order_values};
pub(crate) use pin::{KeptPin, PIN_COLUMNS, pin_from, pin_values};
pub(crate) use plastic::{PLASTIC_COLUMNS, plastic_from, plastic_values};
pub(crate) use posting::{POSTING_COLUMNS, posting_from, posting_values};
pub(crate) use profile::{PROFILE_COLUMNS, profile_from, profile_values};
pub(crate) use reveal::{REVEAL_COLUMNS, reveal_from, reveal_values};
pub(crate) use three_ds::{CHALLENGE_COLUMNS, challenge_from, challenge_values};
pub(crate) use transfer::{TRANSFER_COLUMNS, transfer_from, transfer_values};
pub(crate) use velocity::{
    COUNTED_COLUMNS, Counted, VELOCITY_USE_COLUMNS, counted_from, counted_values,
    velocity_use_from, velocity_use_values,
};
pub(crate) use vm::{
    VM_APP_COLUMNS, VM_CARD_COLUMNS, VM_FEES_COLUMNS, VM_FLOW_COLUMNS, VM_PRODUCT_COLUMNS,
    vm_app_from, vm_app_values, vm_card_from, vm_card_values, vm_fees_from, vm_flow_from,
    vm_flow_values, vm_product_from, vm_product_values,
};
pub(crate) use webhook::{EVENT_COLUMNS, NO_APP, event_from, event_values};

use domain::{
    AccountId, AuthId, CardId, ChallengeId, Currency, CustomerId, EnterpriseId, IntentTicketId,
    JobId, KycTicketId, OrderId, OutsId, PanId, ProfileId, RevealId, TransactionId, TransferId,
    VmAppId, VmFlowId, WebhookId,
};

use crate::engine::Value;

macro_rules! value_from_ids {
    ($($id:ty),+ $(,)?) => { $(
        impl From<$id> for Value {
            fn from(id: $id) -> Self { Self::Int(id.as_i64()) }
        }
    )+ };
}

value_from_ids!(
    AccountId,
    AuthId,
    CardId,
    RevealId,
    ChallengeId,
    CustomerId,
    EnterpriseId,
    IntentTicketId,
    JobId,
    KycTicketId,
    OrderId,
    OutsId,
    PanId,
    ProfileId,
    TransactionId,
    TransferId,
    VmAppId,
    VmFlowId,
    WebhookId,
);

impl From<Currency> for Value {
    fn from(currency: Currency) -> Self {
        currency.numeric().into()
    }
}

/// A list as it is stored: one entry a line, nothing for no entry.
fn lines<T: ToString>(entries: &[T]) -> Value {
    Value::Text(entries.iter().map(T::to_string).collect::<Vec<_>>().join("\n"))
}

/// An UPDATE of a whole record, its values given as for an INSERT of `columns`; the
/// first `keys` columns name the row and stay as they are.
pub(crate) fn update_text(table: &str, columns: &str, keys: usize) -> String {
    let numbered: Vec<String> = columns
        .split(',')
        .enumerate()
        .map(|(index, column)| format!("{} = ${}", column.trim(), index + 1))
        .collect();
    let (named, changed) = numbered.split_at(keys);
    format!("UPDATE {table} SET {} WHERE {}", changed.join(", "), named.join(" AND "))
}

/// Columns with the name of their table before them.
pub(crate) fn prefixed(table: &str, columns: &str) -> String {
    let names: Vec<_> = columns.split(',').map(|it| format!("{table}.{}", it.trim())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::update_text;

    #[test]
    fn an_update_changes_every_column_but_the_keys() {
        assert_eq!(
            update_text("t", "a, b, c, d", 2),
            "UPDATE t SET c = $3, d = $4 WHERE a = $1 AND b = $2"
        );
    }
}
