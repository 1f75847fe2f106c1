//! The rules of money: accounts, transfers between their buckets, and holds. Pure.
//!
//! An account holds one owner's money in one currency in four buckets. Every movement is a
//! [`Transfer`] that takes an amount from one bucket and puts the same amount into another, so
//! nothing appears or disappears:
//!
//! ```text
//! funding -> available     deposit          available -> funding    withdrawal
//! available -> held        hold             held -> available       release, expiry
//! held -> posted           clearing         available -> posted     clearing above the hold
//! posted -> available      refund           available -> posted     fee
//! available -> funding of one account, funding -> available of another: transfer
//! ```
//!
//! The invariant of an account: `funding = available + held + posted`.

mod account;
mod movement;

pub use account::{Account, AccountViolation, Bucket, LedgerError, Transfer, TransferKind};
pub use movement::{
    Clearing, Movement, charge, charge_rendered, clear, deposit, expire, hold, hold_again,
    hold_forced, refund, release, sweep, transfer, withdraw,
};
