//! The state of a connection, and what it does with a message (network-iso8583.md sections 3.1,
//! 3.7 and 7.2). Pure.

use domain::text_enum;
use iso8583::{Message, Mti};

use super::own::OwnAnswer;
use super::settings::SignOn;
use crate::translate::{Refusal, Reply, Topic, management_words, require};

text_enum! {
    /// The state of a connection to a card network.
    ConnectionState {
        /// Connected and not signed on: requests get 91.
        Connected = "CONNECTED",
        /// Requests are processed.
        SignedOn = "SIGNED_ON",
        /// Signed off: requests get 91.
        SignedOff = "SIGNED_OFF",
        /// It ends as soon as what is under way is answered; requests get 91.
        Draining = "DRAINING",
    }
}

/// What is done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is answered at once.
    Answer(Reply),
    /// It is authorised.
    Authorise,
    /// It takes an original back.
    TakeBack,
    /// It states what the network decided.
    Advise,
    /// It brings a new key.
    TakeKey,
    /// It closes a reconciliation window.
    CutOver,
    /// It asks whether an acquirer's totals are ours.
    Reconcile,
    /// It answers network management of ours.
    OwnAnswer(OwnAnswer),
    /// It is dropped.
    Drop,
}

/// Message classes.
const AUTHORISATION: u8 = 1;
const FINANCIAL: u8 = 2;
const REVERSAL: u8 = 4;
const RECONCILIATION: u8 = 5;
const FILE_UPDATE: u8 = 3;
const NETWORK_MANAGEMENT: u8 = 8;
/// Functions of messages.
const REQUEST: u8 = 0;
const RESPONSE: u8 = 1;
const ADVICE: u8 = 2;

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    state: ConnectionState,
    /// While draining: the state to go on in.
    before_drain: Option<ConnectionState>,
}

impl Session {
    /// A connection that was made now.
    pub(crate) const fn new(sign_on: SignOn) -> Self {
        let state = match sign_on {
            SignOn::Peer | SignOn::Us => ConnectionState::Connected,
            SignOn::Nobody => ConnectionState::SignedOn,
        };
        Self { state, before_drain: None }
    }

    /// Its state.
    pub(crate) const fn state(&self) -> ConnectionState {
        self.state
    }

    /// Its state, or the one that it goes on in once it is resumed.
    pub(crate) fn lasting(&self) -> ConnectionState {
        self.before_drain.unwrap_or(self.state)
    }

    /// It takes nothing new; if it is to go on later, it does so in the state that it has now.
    pub(crate) const fn drain(&mut self) {
        if self.before_drain.is_none() {
            self.before_drain = Some(self.state);
            self.state = ConnectionState::Draining;
        }
    }

    /// It goes on.
    pub(crate) const fn resume(&mut self) {
        if let Some(state) = self.before_drain.take() {
            self.state = state;
        }
    }

    /// The peer accepted a sign-on of ours.
    pub(crate) const fn sign_on(&mut self) {
        self.enter(ConnectionState::SignedOn);
    }

    /// A sign-off of ours was sent.
    pub(crate) const fn sign_off(&mut self) {
        self.enter(ConnectionState::SignedOff);
    }

    /// Enters a state, or notes that it is the one to go on in.
    const fn enter(&mut self, state: ConnectionState) {
        match &mut self.before_drain {
            Some(before) => *before = state,
            None => self.state = state,
        }
    }

    /// What is done with a message; a sign-on or sign-off changes the state.
    pub(crate) fn receive(&mut self, message: &Message) -> Step {
        let mti = message.mti();
        match (mti.class(), mti.function()) {
            (NETWORK_MANAGEMENT, REQUEST | ADVICE)
                if manages(message, Topic::NewKey) && self.state != ConnectionState::Draining =>
            {
                Step::TakeKey
            }
            (NETWORK_MANAGEMENT, REQUEST | ADVICE)
                if manages(message, Topic::CutOver) && self.state != ConnectionState::Draining =>
            {
                Step::CutOver
            }
            (NETWORK_MANAGEMENT, REQUEST | ADVICE) => Step::Answer(self.manage(message)),
            (NETWORK_MANAGEMENT, RESPONSE) => {
                OwnAnswer::read(message).map_or(Step::Drop, Step::OwnAnswer)
            }
            (AUTHORISATION | FINANCIAL, REQUEST) if mti.origin() <= 1 => {
                self.request(Step::Authorise)
            }
            (RECONCILIATION, REQUEST) if reconciles(mti) => self.request(Step::Reconcile),
            // What states facts is taken in any state, but not while stopping.
            (REVERSAL, REQUEST | ADVICE) if mti.origin() <= 1 => self.fact(Step::TakeBack),
            (AUTHORISATION | FINANCIAL, ADVICE) if mti.origin() <= 1 => self.fact(Step::Advise),
            (RECONCILIATION, ADVICE) if reconciles(mti) => self.fact(Step::Reconcile),
            (class, REQUEST) => self.unsupported(class),
            // Facts that are not taken are not answered while stopping: the peer repeats elsewhere.
            (_, ADVICE) if self.state == ConnectionState::Draining => Step::Drop,
            (class, ADVICE) => self.unsupported(class),
            _ => Step::Drop,
        }
    }

    fn request(&self, step: Step) -> Step {
        match self.state {
            ConnectionState::SignedOn => step,
            ConnectionState::Connected | ConnectionState::SignedOff | ConnectionState::Draining => {
                Step::Answer(Reply::Refused(Refusal::Unavailable))
            }
        }
    }

    fn fact(&self, step: Step) -> Step {
        if self.state == ConnectionState::Draining { Step::Drop } else { step }
    }

    const fn unsupported(&self, class: u8) -> Step {
        let refusal = match (self.state, class) {
            (ConnectionState::Draining, _) => Refusal::Unavailable,
            (_, FILE_UPDATE) => Refusal::FileUpdate,
            _ => Refusal::NotSupported,
        };
        Step::Answer(Reply::Refused(refusal))
    }

    fn manage(&mut self, message: &Message) -> Reply {
        let words = management_words(message.mti().version());
        if let Err(refusal) = require(message, &words.mandatory()) {
            return Reply::Refused(refusal);
        }
        let is_draining = self.state == ConnectionState::Draining;
        match words.topic(message) {
            Some(Topic::SignOn | Topic::NewKey | Topic::CutOver) if is_draining => {
                return Reply::Refused(Refusal::Unavailable);
            }
            Some(Topic::SignOn) => self.enter(ConnectionState::SignedOn),
            Some(Topic::SignOff) => self.enter(ConnectionState::SignedOff),
            Some(Topic::EchoTest) => {}
            Some(Topic::NewKey | Topic::CutOver | Topic::KeyRequest) | None => {
                return Reply::Refused(Refusal::NotSupported);
            }
        }
        Reply::Accepted
    }
}

/// Whether a message brings a new key.
pub(crate) fn is_new_key(message: &Message) -> bool {
    manages(message, Topic::NewKey)
}

/// Whether a message is whole network management about this.
fn manages(message: &Message, topic: Topic) -> bool {
    let words = management_words(message.mti().version());
    require(message, &words.mandatory()).is_ok() && words.topic(message) == Some(topic)
}

/// Whether a type of the reconciliation class is one of an acquirer's. Messages of 1993 have other
/// fields for it.
const fn reconciles(mti: Mti) -> bool {
    mti.version() == 0 && mti.origin() <= 1
}

#[cfg(test)]
mod tests {
    use super::super::own::OwnKey;
    use super::*;

    fn message(mti: &str, fields: &[(u8, &str)]) -> Message {
        let mut message = Message::new(Mti::parse(mti).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        message
    }

    fn management(code: &str) -> Message {
        message("0800", &[(7, "1129115900"), (11, "000100"), (70, code)])
    }

    fn refused(refusal: Refusal) -> Step {
        Step::Answer(Reply::Refused(refusal))
    }

    const ACCEPTED: Step = Step::Answer(Reply::Accepted);

    #[test]
    fn requests_are_taken_between_sign_on_and_sign_off() {
        let mut session = Session::new(SignOn::Peer);
        let purchase = message("0100", &[]);
        assert_eq!(session.receive(&purchase), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&management("001")), ACCEPTED);
        assert_eq!(session.receive(&purchase), Step::Authorise);
        assert_eq!(session.receive(&message("0101", &[])), Step::Authorise);
        assert_eq!(session.receive(&message("0500", &[])), Step::Reconcile);
        assert_eq!(session.receive(&management("301")), ACCEPTED);
        assert_eq!(session.receive(&management("201")), Step::CutOver);
        assert_eq!(session.receive(&management("002")), ACCEPTED);
        assert_eq!(session.state(), ConnectionState::SignedOff);
        assert_eq!(session.receive(&management("201")), Step::CutOver);
        assert_eq!(session.receive(&message("0501", &[])), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&purchase), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&management("001")), ACCEPTED);
        assert_eq!(session.receive(&purchase), Step::Authorise);
        assert_eq!(Session::new(SignOn::Nobody).receive(&purchase), Step::Authorise);
    }

    #[test]
    fn messages_of_1993_are_told_apart_by_their_function_code() {
        let mut session = Session::new(SignOn::Peer);
        let purchase = message("1100", &[]);
        let told = |mti, code| message(mti, &[(7, "1129115900"), (11, "000100"), (24, code)]);
        assert_eq!(session.receive(&purchase), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&told("1804", "801")), ACCEPTED);
        assert_eq!(session.receive(&purchase), Step::Authorise);
        assert_eq!(session.receive(&told("1805", "831")), ACCEPTED);
        assert_eq!(session.receive(&told("1804", "811")), Step::TakeKey);
        assert_eq!(session.receive(&told("1824", "802")), ACCEPTED);
        assert_eq!(session.receive(&message("1101", &[])), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&told("1804", "899")), refused(Refusal::NotSupported));
        let codeless = message("1804", &[(7, "1129115900"), (11, "000100"), (70, "001")]);
        assert_eq!(session.receive(&codeless), refused(Refusal::Format(24)));
        for (mti, step) in [("1120", Step::Advise), ("1421", Step::TakeBack)] {
            assert_eq!(session.receive(&message(mti, &[])), step, "{mti}");
        }
        assert_eq!(session.receive(&message("1304", &[])), refused(Refusal::FileUpdate));
        let answer = message("1814", &[(7, "1129115900"), (11, "000100"), (39, "800")]);
        let Step::OwnAnswer(own) = session.receive(&answer) else { panic!("an answer") };
        assert!(own.is_accepted);
    }

    #[test]
    fn a_stopping_connection_takes_nothing_new() {
        let mut session = Session::new(SignOn::Nobody);
        session.drain();
        assert_eq!(session.receive(&message("0100", &[])), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&message("0120", &[])), Step::Drop);
        assert_eq!(session.receive(&management("001")), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&management("101")), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&management("201")), refused(Refusal::Unavailable));
        assert_eq!(session.receive(&management("301")), ACCEPTED);
        assert_eq!(session.receive(&management("002")), ACCEPTED);
        assert_eq!(session.state(), ConnectionState::Draining);
    }

    #[test]
    fn a_drained_connection_goes_on_where_it_was() {
        let mut session = Session::new(SignOn::Us);
        assert_eq!(session.state(), ConnectionState::Connected);
        session.sign_on();
        session.drain();
        session.drain();
        assert_eq!(session.receive(&message("0100", &[])), refused(Refusal::Unavailable));
        session.resume();
        assert_eq!(session.receive(&message("0100", &[])), Step::Authorise);
        session.drain();
        assert_eq!(session.receive(&management("002")), ACCEPTED);
        session.resume();
        assert_eq!(session.state(), ConnectionState::SignedOff);
        session.drain();
        session.sign_on();
        assert_eq!(session.lasting(), ConnectionState::SignedOn);
        session.sign_off();
        session.resume();
        assert_eq!(session.state(), ConnectionState::SignedOff);
    }

    #[test]
    fn facts_are_taken_in_every_state_but_while_stopping() {
        let mut session = Session::new(SignOn::Peer);
        let facts = [
            ("0120", Step::Advise),
            ("0121", Step::Advise),
            ("0220", Step::Advise),
            ("0400", Step::TakeBack),
            ("0421", Step::TakeBack),
            ("0520", Step::Reconcile),
            ("0521", Step::Reconcile),
        ];
        for (mti, step) in &facts {
            assert_eq!(session.receive(&message(mti, &[])), *step, "{mti}");
        }
        assert_eq!(session.receive(&message("0200", &[])), refused(Refusal::Unavailable));
        session.drain();
        for (mti, _) in &facts {
            assert_eq!(session.receive(&message(mti, &[])), Step::Drop, "{mti}");
        }
    }

    #[test]
    fn what_is_not_supported_says_so() {
        let mut session = Session::new(SignOn::Nobody);
        for mti in ["0102", "0122", "0402", "0502", "0522", "1500", "1520", "0600", "0620"] {
            assert_eq!(
                session.receive(&message(mti, &[])),
                refused(Refusal::NotSupported),
                "{mti}"
            );
        }
        assert_eq!(session.receive(&message("0302", &[])), refused(Refusal::FileUpdate));
        assert_eq!(session.receive(&management("161")), refused(Refusal::NotSupported));
        assert_eq!(session.receive(&management("101")), Step::TakeKey);
        let incomplete = message("0800", &[(7, "1129115900"), (11, "000100")]);
        assert_eq!(session.receive(&incomplete), refused(Refusal::Format(70)));
        for mti in ["0110", "0140", "0210", "0810"] {
            assert_eq!(session.receive(&message(mti, &[])), Step::Drop, "{mti}");
        }
        let answer = message("0810", &[(7, "1129115900"), (11, "000100"), (39, "00")]);
        let key = OwnKey { transmitted_at: "1129115900".into(), stan: "000100".into() };
        let own = OwnAnswer { key, code: "00".into(), is_accepted: true };
        assert_eq!(session.receive(&answer), Step::OwnAnswer(own));
    }
}
