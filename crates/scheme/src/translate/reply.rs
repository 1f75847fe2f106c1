//! From a result to the fields of an answer (network-iso8583.md sections 3.1 and 4.1).

use authorise::{AdviceAnswer, AuthorisationAnswer, AuthoriseError, CardBalances, ReversalAnswer};
use domain::{AuthId, AuthorisationStatus, FieldDifference, MessageOutcome};
use iso8583::{FieldError, Message, report_format_error};
use store::MoneyError;

use super::balances::additional_amounts;
use super::chosen_codes::Codes;
use super::codes::{Code, Refusal};
use super::field;
use super::reconciliation::FieldText;
use crate::error::SchemeError;

/// What a message is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Network management was carried out.
    Accepted,
    /// Approved.
    Approved {
        /// The authorisation.
        auth_id: AuthId,
        /// The six digits.
        auth_code: Option<String>,
        /// The balances that were asked for.
        balances: Option<CardBalances>,
        /// Whether it is the first message's answer again.
        is_repeated: bool,
    },
    /// Declined, on record.
    Declined {
        /// What the network is told.
        code: Code,
        /// Whether it is the first message's answer again.
        is_repeated: bool,
    },
    /// A fact was taken: an advice, or a reversal, which may have changed nothing for the reason
    /// that the code gives.
    Stated {
        /// What the network is told.
        code: Code,
        /// What it led to.
        outcome: MessageOutcome,
        /// Whether it is the first message's answer again.
        is_repeated: bool,
    },
    /// An acquirer's totals were compared with ours.
    Reconciled(Settled),
    /// Refused; nothing is on record.
    Refused(Refusal),
    /// Nothing is sent: it is not known what was decided, so that the peer repeats or reverses.
    Silence,
}

/// How a reconciliation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Every value that the peer gave is ours.
    Agreed,
    /// Some are not.
    Different {
        /// Our values.
        own: Vec<FieldText>,
        /// Those that differ.
        differences: Vec<FieldDifference>,
    },
    /// Our values could not be computed.
    NotComputed,
}

impl Settled {
    fn write(&self, answer: &mut Message) -> Result<(), FieldError> {
        let (code, own) = match self {
            Self::Agreed => (b"1", &[][..]),
            Self::Different { own, .. } => (b"2", own.as_slice()),
            Self::NotComputed => (b"3", &[][..]),
        };
        answer.set(field::SETTLEMENT_CODE, code)?;
        own.iter().try_for_each(|(number, text)| answer.set(*number, text.as_bytes()))
    }
}

impl Reply {
    /// The response code; `None` if nothing is sent.
    pub(crate) const fn code(&self) -> Option<Code> {
        match self {
            Self::Accepted => Some(Code::ACCEPTED),
            Self::Approved { .. } => Some(Code::APPROVED),
            Self::Declined { code, .. } | Self::Stated { code, .. } => Some(*code),
            Self::Reconciled(Settled::NotComputed) => Some(Refusal::Fault.code()),
            Self::Reconciled(Settled::Agreed | Settled::Different { .. }) => Some(Code::APPROVED),
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Silence => None,
        }
    }

    /// True for a reversal that waits for its original from now on.
    pub(crate) const fn is_early(&self) -> bool {
        matches!(self, Self::Stated { outcome: MessageOutcome::Early, is_repeated: false, .. })
    }

    /// True for an answer to a fact that is not posted. A fact is refused only for its card or for
    /// its contradiction of an earlier one.
    pub(crate) fn is_unposted(&self, is_fact: bool) -> bool {
        match self {
            Self::Stated { outcome, is_repeated, .. } => {
                !is_repeated && MessageOutcome::UNPOSTED.contains(outcome)
            }
            Self::Refused(Refusal::UnknownCard | Refusal::Conflict) => is_fact,
            _ => false,
        }
    }

    /// Completes an answer.
    ///
    /// # Errors
    /// No value is longer than a field, so none in practice.
    pub(crate) fn write(&self, answer: &mut Message) -> Result<(), FieldError> {
        if let Self::Approved { auth_code, balances, .. } = self {
            if let Some(auth_code) = auth_code {
                answer.set(field::AUTH_CODE, auth_code.as_bytes())?;
            }
            let sets = balances.as_ref().map(additional_amounts).filter(|sets| !sets.is_empty());
            if let Some(sets) = sets {
                answer.set(field::ADDITIONAL_AMOUNTS, sets.as_bytes())?;
            }
        }
        if let Self::Reconciled(settled) = self {
            settled.write(answer)?;
        }
        match (self, self.code()) {
            (Self::Refused(Refusal::Format(number)), _) => report_format_error(answer, *number),
            (_, Some(code)) => answer.set(field::RESPONSE_CODE, code.text(answer.mti().version())),
            (_, None) => Ok(()),
        }
    }
}

/// What an authorisation's result is answered, with the balances that were asked for.
pub(crate) fn reply_of(
    result: Result<(AuthorisationAnswer, Option<CardBalances>), SchemeError>,
    codes: &Codes,
) -> Reply {
    let (answer, balances) = match result {
        Ok(answered) => answered,
        Err(error) => return refused(&error),
    };
    let AuthorisationAnswer { authorisation, repeated: is_repeated, .. } = answer;
    match (authorisation.status, authorisation.cause) {
        (AuthorisationStatus::Approved, _) => {
            let (auth_id, auth_code) = (authorisation.auth_id, authorisation.auth_code);
            Reply::Approved { auth_id, auth_code, balances, is_repeated }
        }
        (AuthorisationStatus::Declined, Some(cause)) => {
            Reply::Declined { code: codes.of(&cause), is_repeated }
        }
        (AuthorisationStatus::Declined, None) => {
            Reply::Declined { code: Code::DO_NOT_HONOUR, is_repeated }
        }
        (AuthorisationStatus::Pending, _) => Reply::Silence,
    }
}

/// What an advice's result is answered: a fact is never refused for what it states.
pub(crate) fn reply_of_advice(result: Result<AdviceAnswer, SchemeError>) -> Reply {
    match result {
        Ok(AdviceAnswer { repeated: is_repeated, .. }) => {
            let outcome = MessageOutcome::Accepted;
            Reply::Stated { code: Code::APPROVED, outcome, is_repeated }
        }
        Err(error) => refused(&error),
    }
}

/// What a reversal's result is answered; an advice of one is never refused for its original.
pub(crate) fn reply_of_reversal(
    result: Result<ReversalAnswer, SchemeError>,
    is_advice: bool,
) -> Reply {
    let ReversalAnswer { outcome, repeated: is_repeated } = match result {
        Ok(answer) => answer,
        Err(error) => return refused(&error),
    };
    let code = match outcome {
        MessageOutcome::Cleared if !is_advice => Code::NOT_REVERSED,
        MessageOutcome::OtherCurrency => return Reply::Refused(Refusal::Conflict),
        MessageOutcome::UnknownCard if !is_advice => {
            return Reply::Refused(Refusal::UnknownCard);
        }
        MessageOutcome::UnknownCard
        | MessageOutcome::Cleared
        | MessageOutcome::Accepted
        | MessageOutcome::Reversed
        | MessageOutcome::NothingLeft
        | MessageOutcome::Unclear
        | MessageOutcome::Early => Code::REVERSED,
    };
    Reply::Stated { code, outcome, is_repeated }
}

fn refused(error: &SchemeError) -> Reply {
    Reply::Refused(match error {
        SchemeError::CardNotFound => Refusal::UnknownCard,
        SchemeError::Expiry => Refusal::Format(field::EXPIRY),
        SchemeError::NoBalances => Refusal::NotSupported,
        SchemeError::Amount(_)
        | SchemeError::CashBack
        | SchemeError::Remaining(_)
        | SchemeError::NotPositive => Refusal::Amount,
        SchemeError::Authorise(error) => match of_authoriser(error) {
            Some(refusal) => refusal,
            None => return Reply::Silence,
        },
        SchemeError::AuthorisationNotFound
        | SchemeError::Clearing(_)
        | SchemeError::Vault(_)
        | SchemeError::Store(_) => Refusal::Fault,
    })
}

/// `None` if it is not known what was decided.
const fn of_authoriser(error: &AuthoriseError) -> Option<Refusal> {
    Some(match error {
        AuthoriseError::Amount => Refusal::Amount,
        AuthoriseError::Overloaded => Refusal::Unavailable,
        AuthoriseError::Undecided => return None,
        AuthoriseError::Money(MoneyError::TooManyIncrements) => Refusal::TooManyIncrements,
        AuthoriseError::Money(MoneyError::NetworkKeyConflict) => Refusal::Conflict,
        // What a request names is followed only if it can be.
        AuthoriseError::OriginalMissing
        | AuthoriseError::NotReserved
        | AuthoriseError::NotIncrementable
        | AuthoriseError::NoRate
        | AuthoriseError::Missing(_)
        | AuthoriseError::BrokenOff
        | AuthoriseError::Money(_)
        | AuthoriseError::Store(_) => Refusal::Fault,
    })
}

#[cfg(test)]
mod tests {
    use iso8583::{Mti, Packager};
    use store::StoreError;

    use super::*;

    fn written(reply: &Reply, version: u8) -> Vec<(u8, String)> {
        let mut answer = Message::new(Mti::new([version, 1, 1, 0]).unwrap());
        reply.write(&mut answer).unwrap();
        answer
            .iter()
            .map(|(number, value)| (number, String::from_utf8_lossy(value).into()))
            .collect()
    }

    #[test]
    fn an_answer_has_its_code_and_an_approval_its_digits() {
        let own = |fields: &[(u8, &str)]| -> Vec<(u8, String)> {
            fields.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
        };
        let approved = Reply::Approved {
            auth_id: AuthId::from_i64(1),
            auth_code: Some("123456".into()),
            balances: None,
            is_repeated: false,
        };
        assert_eq!(written(&approved, 0), own(&[(38, "123456"), (39, "00")]));
        assert_eq!(written(&Reply::Accepted, 1), own(&[(39, "800")]));
        let format = Reply::Refused(Refusal::Format(4));
        assert_eq!(written(&format, 0), own(&[(39, "30"), (44, "004")]));
        assert_eq!(written(&format, 1), own(&[(39, "904"), (44, "004")]));
        assert_eq!(written(&Reply::Refused(Refusal::Unavailable), 0), own(&[(39, "91")]));
        assert_eq!(written(&Reply::Silence, 0), own(&[]));
    }

    #[test]
    fn what_has_no_record_has_its_code_and_what_is_not_known_none() {
        let of = |error| reply_of(Err(error), &Codes::new(Packager::Iso87Ascii));
        let refused = Reply::Refused;
        let failed = StoreError::Overloaded;
        assert_eq!(of(SchemeError::CardNotFound), refused(Refusal::UnknownCard));
        assert_eq!(of(SchemeError::Store(failed.clone())), refused(Refusal::Fault));
        for (error, wanted) in [
            (AuthoriseError::Amount, refused(Refusal::Amount)),
            (AuthoriseError::Overloaded, refused(Refusal::Unavailable)),
            (AuthoriseError::BrokenOff, refused(Refusal::Fault)),
            (AuthoriseError::Missing("profile"), refused(Refusal::Fault)),
            (AuthoriseError::Money(MoneyError::NetworkKeyConflict), refused(Refusal::Conflict)),
            (AuthoriseError::Money(MoneyError::Store(failed)), refused(Refusal::Fault)),
            (AuthoriseError::Undecided, Reply::Silence),
        ] {
            assert_eq!(of(SchemeError::Authorise(error)), wanted);
        }
    }
}
