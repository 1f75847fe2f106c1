//! Dialect 1, the CardBridge open API (cardbridge-open-api.md): one module for each kind of message
//! or part of one.

pub mod amount;
mod answer;
pub mod applicant;
pub mod authorisation_notice;
pub mod body;
pub mod card;
pub mod customer;
pub mod dictionary;
pub mod enterprise;
pub mod envelope;
pub mod form;
pub mod guidance;
pub mod intent_ticket;
pub mod key_delivery;
pub mod kyc;
pub mod order;
pub mod otp;
pub mod path;
pub mod problem;
pub mod query;
mod reading;
pub mod replacement;
pub mod secure_card;
pub mod settlement;
pub mod signature;
pub mod simulation;
mod sorted_json;
pub mod standard_webhooks;
pub mod three_ds;
pub mod upload;
pub mod velocity;
pub mod webhook;

#[cfg(test)]
mod test_objects;
