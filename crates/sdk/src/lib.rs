//! The client crate: for enterprises, signed calls to the CardBridge open API, the VM API, and
//! their own half of authorisation notices and webhooks; for operators, their own calls.
//!
//! ```no_run
//! use sdk::{Client, domain::Currency};
//!
//! # async fn example() -> Result<(), sdk::ClientError> {
//! let client = Client::new("http://127.0.0.1:8080", "the apiKey", "the secretKey")?;
//! let balance = client.balance(Currency::SGD).await?;
//! assert_eq!(balance.currency, "702");
//! # Ok(())
//! # }
//! ```
//!
//! The server half answers a notice within the enterprise's deadline:
//!
//! ```no_run
//! use sdk::domain::{ResponseCode, RsaPadding};
//! use sdk::notice::{NoticeFault, NoticeKeys};
//!
//! # fn example(keys: &NoticeKeys, body: &[u8], signature: &str) -> Result<Vec<u8>, NoticeFault> {
//! let notice = keys.open(body, signature)?;
//! let code = if notice.data.currency == "702" {
//!     ResponseCode::Approved
//! } else {
//!     ResponseCode::NotAllowed
//! };
//! Ok(keys.reply(&notice, code).expect("a notice that opened can be answered"))
//! # }
//! ```

mod client;
mod error;
pub mod notice;
mod operator;
pub mod vm;
pub mod webhook;

pub use client::Client;
pub use error::ClientError;
pub use operator::{Operator, OperatorError};
pub use reqwest::Method;
pub use {crypto, domain, wire};
