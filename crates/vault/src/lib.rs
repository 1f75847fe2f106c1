//! Keys at rest: the only crate that seals and opens PANs and secrets, and the one that computes
//! CVV2 and PVV. It stores nothing: callers keep the sealed bytes. It also holds the keys of links
//! to card networks.

mod card_data;
mod chip;
mod data_key;
mod expiry;
mod keyring;
mod link_keyring;
mod link_keys;
mod mask;
mod master_key;
mod pin;
mod record_secrets;
mod sealed;
mod secret_text;
mod url;
mod vault;
mod vm_notice;

/// The formats of PIN blocks, which callers choose.
pub use crypto::PinBlockFormat;

pub use card_data::{ClearPan, Cvv2, PanError};
pub use chip::{ChipAnswer, ChipRequest, Cryptogram};
/// The service code of the stripe's image on a chip.
pub use crypto::card_verification::CHIP_SERVICE_CODE;
pub use expiry::{expiry_yymm, parse_expiry};
pub use link_keyring::StatusUpdates;
pub use link_keys::{BlockPin, LinkKeyError, LinkSigner};
pub use mask::{mask_pans, mask_written_pans};
pub use master_key::{MasterKey, MasterKeyError};
pub use pin::{ClearPin, PinError};
pub use secret_text::SecretText;
pub use vault::{KeyCheckValue, Vault, VaultError};
