//! A card network's link: an acquirer's ISO 8583 messages over TCP.

use std::sync::Arc;

use domain::Clock;
use platform::Failure;
use sim::network::{Given, Script, play};
use zeroize::Zeroizing;

use super::screen::Screen;
use super::setting::{Deposit, Scene, failed};

/// The beginning of every script: the acquirer, and its sign-on. The address and the card are
/// given when it is played.
const HEAD: &str = "timeout-ms = 40000
    defaults = { 3 = '000000', 32 = '412345', 41 = 'TERM0001', 49 = '840' }
    steps = [
        { name = 'on', send = '0800', fields = { 7 = '{now}', 11 = '{stan}', 70 = '001' } },
        { expect = '0810', of = 'on', fields = { 39 = '00' } },";

/// What the acquirer does, and what is seen of it.
struct Exchange {
    what: &'static str,
    outcome: &'static str,
    /// The steps after the sign-on.
    steps: &'static str,
    /// The deposit afterwards.
    deposit: Deposit,
}

const EXCHANGES: [Exchange; 4] = [
    Exchange {
        what: "purchase of 15.50 by a link, repeated",
        outcome: "00, same code: held once",
        steps: "\
            { name = 'buy', send = '0100', fields = { 2 = '{pan}', 4 = '000000001550', \
                7 = '{now}', 11 = '{stan}', 12 = '{now}', 13 = '{now}', 37 = '{rrn}' } },
            { name = 'yes', expect = '0110', of = 'buy', fields = { 39 = '00', 38 = '*' } },
            { repeat = 'buy', as = '0101' },
            { expect = '0110', of = 'buy', fields = { 39 = '00', 38 = '{yes.38}' } }",
        deposit: Deposit { available: "854.00", held: "15.50", posted: "130.50" },
    },
    Exchange {
        what: "reversal before its purchase of 30.00",
        outcome: "00, then declined 05",
        steps: "\
            { name = 'undo', send = '0420', fields = { 2 = '{pan}', 4 = '000000003000', \
                7 = '{now}', 11 = '900001', 37 = '900000900000', \
                90 = '010090000011291200010000041234500000000000' } },
            { expect = '0430', of = 'undo', fields = { 39 = '00' } },
            { name = 'buy', send = '0100', fields = { 2 = '{pan}', 4 = '000000003000', \
                7 = '1129120001', 11 = '900000', 37 = '900000900000' } },
            { expect = '0110', of = 'buy', fields = { 39 = '05' } }",
        deposit: Deposit { available: "854.00", held: "15.50", posted: "130.50" },
    },
    Exchange {
        what: "advice of 9.90 after the line broke",
        outcome: "00 twice: held once",
        steps: "\
            { name = 'buy', send = '0100', fields = { 2 = '{pan}', 4 = '000000000990', \
                7 = '{now}', 11 = '{stan}', 12 = '{now}', 13 = '{now}', 37 = '{rrn}' } },
            { disconnect = 'reset' }, { connect = true },
            { name = 'told', send = '0120', fields = { 2 = '{pan}', 4 = '000000000990', \
                7 = '{now}', 11 = '{buy.11}', 12 = '{buy.12}', 13 = '{buy.13}', \
                37 = '{buy.37}', 38 = '775533', 39 = '00' } },
            { expect = '0130', of = 'told', fields = { 39 = '00' } },
            { repeat = 'told', as = '0121' },
            { expect = '0130', of = 'told', fields = { 39 = '00' } }",
        deposit: Deposit { available: "844.10", held: "25.40", posted: "130.50" },
    },
    Exchange {
        what: "single message of 20.00",
        outcome: "00, posted at once",
        steps: "\
            { name = 'buy', send = '0200', fields = { 2 = '{pan}', 4 = '000000002000', \
                7 = '{now}', 11 = '{stan}', 12 = '{now}', 13 = '{now}', 37 = '{rrn}' } },
            { expect = '0210', of = 'buy', fields = { 39 = '00', 38 = '*' } }",
        deposit: Deposit { available: "824.10", held: "25.40", posted: "150.50" },
    },
];

/// STANs of one exchange, so that none has those of another.
const STANS: u64 = 100;

/// All exchanges in order.
pub async fn messages(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let pan = Zeroizing::new(scene.open(&scene.secure_card().await?, "pan")?);
    for (number, exchange) in (0..).zip(&EXCHANGES) {
        let given = Given {
            target: Some(scene.link_address.clone()),
            vars: vec![("pan".to_owned(), pan.clone())],
            environment: &|_| None,
            seed: number * STANS,
        };
        let script = Script::read(&format!("{HEAD}{}]", exchange.steps), &given);
        let script = Arc::new(script.map_err(failed(exchange.what))?);
        play(script, Clock::system(), &mut |_| {}).await.map_err(failed(exchange.what))?;
        let deposit = scene.deposit(exchange.deposit).await?;
        screen.step_with_deposit(exchange.what, exchange.outcome, &deposit);
    }
    Ok(())
}
