//! What every dialect has words for.

use domain::{EntryMode, Money, OriginalNumbers, ResponseCode};
use iso8583::Message;

use super::super::codes::Refusal;
use super::super::field;
use super::super::place::{Place, Shop};

/// The words of a dialect.
pub(in crate::translate) trait Words: Sync {
    /// Fields that hold in one place what the other dialect has in another.
    fn places(&self) -> &'static Places;

    /// How it speaks of the connection itself.
    fn management(&self) -> &'static ManagementWords;

    /// Refuses a local date or time that does not exist.
    fn check_local_time(&self, message: &Message) -> Result<(), Refusal>;

    /// The local date and time, 14 digits; `now` begins with a date YYYY-MM-DD.
    fn local_time(&self, message: &Message, now: &str) -> Option<String>;

    /// What stands for the service code; `None` if the track's verification value is not compared.
    fn service_code(&self, message: &Message) -> Option<ServiceCode>;

    /// How the card was read; `None` if it does not say.
    fn entry_mode(&self, message: &Message) -> Option<EntryMode>;

    /// The condition at the point of service, in the field that has nothing else.
    fn condition<'a>(&self, message: &'a Message) -> Option<&'a str>;

    /// Whether it asks for a reservation.
    fn is_pre_authorisation(&self, message: &Message) -> bool;

    /// Whether it says that it only checks the account.
    fn is_account_check(&self, message: &Message) -> bool;

    /// The original that the text of its field names.
    fn original(&self, text: &str, now: &str) -> Result<OriginalNumbers, Refusal>;

    /// What a reversal says of its original's amount.
    fn taken_back(&self, message: &Message) -> Result<TakenBack, Refusal>;

    /// The shop's name and place; `place` is how the link divides them where the dialect does not.
    fn shop(&self, bytes: &[u8], place: Place) -> Shop;

    /// The code of a decline by the network; `None` if it approved.
    fn decline(&self, code: &str) -> Option<ResponseCode>;

    /// Whether a decline may be told to the network by this code.
    fn may_decline(&self, code: &str) -> bool;

    /// What [`Self::may_decline`] asks for.
    fn declining_codes(&self) -> &'static str;

    /// The settlement date without its year: MMDD.
    fn settlement_date<'a>(&self, message: &'a Message) -> Option<&'a str>;
}

/// Numbers of fields.
pub(in crate::translate) struct Places {
    /// The merchant's category.
    pub(in crate::translate) category: u8,
    /// Original data.
    pub(in crate::translate) original: u8,
    /// What messages usually have (marked O* in every column of network-iso8583.md section 3.2).
    pub(in crate::translate) usual: &'static [u8],
    /// What all but reversals usually have besides.
    pub(in crate::translate) usual_of_requests: &'static [u8],
}

/// What network management is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The sender takes part.
    SignOn,
    /// The sender takes no longer part.
    SignOff,
    /// A new key.
    NewKey,
    /// The sender asks for a new key.
    KeyRequest,
    /// A reconciliation window ends.
    CutOver,
    /// Whether the peer is there.
    EchoTest,
}

/// How a dialect speaks of the connection itself.
pub(crate) struct ManagementWords {
    /// The type of what the platform sends first.
    pub(crate) mti: [u8; 4],
    /// The field of the code.
    pub(crate) place: u8,
    /// The field of the local date and time, if it is sent.
    pub(crate) local_time: Option<u8>,
    /// The codes.
    pub(super) codes: &'static [(Topic, &'static str)],
}

impl ManagementWords {
    /// Fields that network management has.
    pub(crate) const fn mandatory(&self) -> [u8; 3] {
        [field::TRANSMITTED_AT, field::STAN, self.place]
    }

    /// What a message is about; `None` if that is nothing known here.
    pub(crate) fn topic(&self, message: &Message) -> Option<Topic> {
        let code = message.text(self.place)?;
        self.codes.iter().find(|(_, it)| *it == code).map(|(topic, _)| *topic)
    }

    /// The code of a topic; `None` if the dialect has none.
    pub(crate) fn code(&self, topic: Topic) -> Option<&'static str> {
        self.codes.iter().find(|(it, _)| *it == topic).map(|(_, code)| *code)
    }
}

/// What a reversal says of its original's amount.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::translate) struct TakenBack {
    /// The amount of the original.
    pub(in crate::translate) amount: Option<Money>,
    /// What remains of it, in minor units; `None` = nothing.
    pub(in crate::translate) remaining_minor: Option<i64>,
}

/// Where a service code stands for the verification value of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::translate) enum ServiceCode {
    /// The stripe was read: that of the track.
    OfTrack,
    /// The chip was read: that of the stripe's image.
    OfChip,
}
