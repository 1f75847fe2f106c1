//! The table of the sandbox API.

use super::{authorisations, clock, later, mailbox, refunds, three_ds};
use crate::operator;
use crate::request_bodies::{
    CHALLENGE_ANSWER, CLEARING, CLOCK_ADVANCE, FORCED_CLEARING, INCREMENT, NEW_AUTHORISATION,
    NEW_CHALLENGE, REFUND, REVERSAL, TICKET_VERDICT,
};
use crate::route::{Group, Route, route};

/// The routes; they exist in sandbox mode only.
pub(crate) fn routes() -> Group {
    Group {
        tag: "sandbox",
        meaning: "The card network, the shopper, the reviewer and time, played on demand; in \
             production these paths do not exist.",
        routes: network().into_iter().chain(people_and_time()).collect(),
    }
}

/// The messages of the card network.
fn network() -> Vec<Route> {
    vec![
        route("POST /sandbox/v1/authorisations", "authorise", authorisations::create)
            .about(
                "A purchase, cash withdrawal, inquiry, completion or refund through the whole \
                 authorisation path. A decline is an answer like any other. An advice states what \
                 the network decided: it is answered at its commit, and the enterprise is told \
                 afterwards.",
            )
            .takes(NEW_AUTHORISATION),
        route("POST /sandbox/v1/authorisations/{id}/increment", "increment", later::increment)
            .about("Raises an approved authorisation by its own authorisation, with its own hold.")
            .takes(INCREMENT),
        route("POST /sandbox/v1/authorisations/{id}/reverse", "reverse", later::reverse)
            .about(
                "Takes an authorisation back, wholly or in part, with its increments; what a \
                 single message posted is posted back. Answers with the reversal's own record \
                 once the enterprise was told; with the authorisation as it is if it had nothing \
                 beyond `remainingAmount`.",
            )
            .takes(REVERSAL),
        route("POST /sandbox/v1/authorisations/{id}/clear", "clear", later::clear)
            .about("Posts an authorisation and its increments, wholly or in part.")
            .takes(CLEARING),
        route("POST /sandbox/v1/clearings", "force_clearing", later::force)
            .about("Posts what nothing authorised (force post); nobody is asked.")
            .takes(FORCED_CLEARING),
        route("POST /sandbox/v1/refunds", "refund", refunds::create)
            .about(
                "Asks the enterprise to take a refund; an approved one is posted at once, a \
                 declined one is an answer like any other.",
            )
            .takes(REFUND),
    ]
}

/// The shopper, the reviewer and the clock.
fn people_and_time() -> Vec<Route> {
    vec![
        route("GET /sandbox/v1/clock", "read_clock", clock::read).about("Business time."),
        route("POST /sandbox/v1/clock/advance", "advance", clock::advance)
            .about(
                "Moves business time forward; everything due in between has happened when this \
                 answers.",
            )
            .takes(CLOCK_ADVANCE),
        route("GET /sandbox/v1/mailbox", "read_mailbox", mailbox::read)
            .about(
                "Messages that the platform sent, newest first unless asked otherwise; the \
                 latest 500 are kept, in memory only.",
            )
            .asks(["order"]),
        route("POST /sandbox/v1/3ds-challenges", "create_3ds_challenge", three_ds::create)
            .about(
                "Challenges the cardholder; the enterprise is asked by webhook. For a card of \
                 the VM API its app gets a code, which the cardholder types: see `verify`.",
            )
            .takes(NEW_CHALLENGE),
        route("GET /sandbox/v1/3ds-challenges/{id}", "read_3ds_challenge", three_ds::read)
            .about("A challenge as it stands."),
        route(
            "POST /sandbox/v1/3ds-challenges/{id}/verify",
            "verify_3ds_challenge",
            three_ds::verify,
        )
        .about(
            "Plays the cardholder of a card of the VM API, who types the code. The right one \
             approves the challenge, the fifth wrong one rejects it; the answer's `status` \
             tells.",
        )
        .takes(CHALLENGE_ANSWER),
        route(
            "POST /sandbox/v1/kyc-tickets/{id}/decide",
            "decide_kyc_ticket",
            operator::decide_kyc,
        )
        .about("Decides a KYC ticket; orders that wait for it go on or fail.")
        .takes(TICKET_VERDICT),
        route(
            "POST /sandbox/v1/intent-tickets/{id}/decide",
            "decide_intent_ticket",
            operator::decide_intent,
        )
        .about("Decides an intent ticket; an order that waits for its evidence goes on or fails.")
        .takes(TICKET_VERDICT),
    ]
}
