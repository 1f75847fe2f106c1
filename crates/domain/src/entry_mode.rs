//! How a card was read at the point of sale.

use crate::text::text_enum;

text_enum! {
    /// How the card's data was entered (network-iso8583.md section 3.3).
    EntryMode {
        /// The network does not say.
        Unknown = "UNKNOWN",
        /// Typed from the card.
        Manual = "MANUAL",
        /// Read from the magnetic stripe.
        Magstripe = "MAGSTRIPE",
        /// Read from the chip.
        Chip = "CHIP",
        /// Read from the chip without contact.
        Contactless = "CONTACTLESS",
        /// The magnetic stripe's data, sent without contact.
        ContactlessMagstripe = "CONTACTLESS_MAGSTRIPE",
        /// Kept by the shop from an earlier purchase.
        OnFile = "ON_FILE",
        /// Typed or read from the stripe because the chip failed.
        Fallback = "FALLBACK",
        /// Typed by the shopper in a shop on the net.
        Ecommerce = "ECOMMERCE",
        /// In another way.
        Other = "OTHER",
    }
}
