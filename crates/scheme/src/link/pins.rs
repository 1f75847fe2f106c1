//! PIN blocks of a link (network-iso8583.md section 8.2).

use tokio::time::Instant;
use vault::BlockPin;

use super::shared::Link;
use crate::order::{Order, OrderCard, OrderPin};

impl Link {
    /// Opens the PIN block of an order, if it has one. If none of the keys fits, another process
    /// may have received a new one.
    pub(crate) async fn open_pin(&self, order: &mut Order) {
        let Some(OrderPin::Block(block)) = &order.pin else { return };
        let OrderCard::Pan { pan, .. } = &order.card else { return };
        let (name, format) = (&self.settings().name, self.settings().security.pin_block);
        let open = || self.intake.vault.link_pin(name, format, **block, pan, self.real_now());
        let mut opened = open();
        if matches!(opened, BlockPin::Unreadable) && self.look_for_keys().await {
            opened = open();
        }
        order.pin = Some(match opened {
            BlockPin::Pin(pin) => OrderPin::Clear(pin),
            BlockPin::OtherLength => OrderPin::OtherLength,
            BlockPin::Unreadable => {
                self.count_unreadable_pin(Instant::now());
                OrderPin::Unreadable
            }
        });
    }
}
