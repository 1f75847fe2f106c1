//! What becomes of answers, noted in the store (network-iso8583.md section 6.4). Notes are written
//! together: nobody waits for one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AnswerDelivery, AuthId, Clock, NetworkMessageId};
use store::{AnswerNote, RepeatedApproval, Store};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use crate::order::LinkMessage;
use crate::translate::Reply;

/// Most notes that wait for the store. Older ones give way; their messages count as PENDING, and as
/// UNKNOWN after the next start.
const MAX_NOTES: usize = 65_536;
/// Most notes in one commit.
const NOTES_A_COMMIT: usize = 500;
/// Pause in which notes gather.
const PAUSE: Duration = Duration::from_millis(200);

/// What is noted.
#[derive(Clone)]
enum Note {
    /// What became of an answer.
    Answer(AnswerNote),
    /// An approval was written again.
    Repeat(RepeatedApproval),
}

/// The notes of one link that are not in the store yet.
pub(crate) struct Deliveries {
    clock: Clock,
    notes: Mutex<VecDeque<Note>>,
    changed: Notify,
}

impl Deliveries {
    /// No notes yet.
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, notes: Mutex::default(), changed: Notify::new() })
    }

    /// The answer to a message.
    pub(crate) fn delivery(self: &Arc<Self>, message: &LinkMessage) -> Delivery {
        let LinkMessage { numbers, record, .. } = message;
        Delivery {
            notes: Arc::clone(self),
            message_id: record.message_id,
            mti: record.mti.clone(),
            stan: numbers.stan.clone(),
            code: None,
            approved: None,
            is_repeat: false,
            is_noted: false,
        }
    }

    fn note(&self, note: Note) {
        let mut notes = self.lock();
        if notes.len() >= MAX_NOTES {
            notes.pop_front();
        }
        notes.push_back(note);
        drop(notes);
        self.changed.notify_one();
    }

    /// Writes all notes, or keeps those that the store does not take.
    pub(crate) async fn flush(&self, store: &Store) {
        loop {
            let some: Vec<_> = {
                let mut notes = self.lock();
                let count = notes.len().min(NOTES_A_COMMIT);
                notes.drain(..count).collect()
            };
            if some.is_empty() {
                return;
            }
            let (mut answers, mut repeated) = (Vec::new(), Vec::new());
            for note in some.iter().cloned() {
                match note {
                    Note::Answer(note) => answers.push(note),
                    Note::Repeat(note) => repeated.push(note),
                }
            }
            if let Err(error) = store.note_answers(answers, repeated).await {
                let count = some.len();
                tracing::error!(%error, count, "what became of answers is not noted yet");
                let mut notes = self.lock();
                some.into_iter().rev().for_each(|note| notes.push_front(note));
                return;
            }
        }
    }

    /// Writes notes as they come, until it is told to stop: never in the midst of writing, which
    /// would lose what is being written.
    pub(crate) async fn keep(&self, store: &Store, mut stop: oneshot::Receiver<()>) {
        loop {
            let some_gathered = async {
                self.changed.notified().await;
                sleep(PAUSE).await;
            };
            tokio::select! {
                () = some_gathered => {}
                _ = &mut stop => return,
            }
            self.flush(store).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a message, until something became of it. One that is dropped before that was not
/// written.
pub(crate) struct Delivery {
    notes: Arc<Deliveries>,
    message_id: NetworkMessageId,
    /// The type of the message.
    mti: String,
    stan: String,
    code: Option<String>,
    /// The authorisation, if it says that a request is approved.
    approved: Option<AuthId>,
    /// True if the message is not on record by itself: an earlier one is.
    is_repeat: bool,
    is_noted: bool,
}

impl Delivery {
    /// The message is answered so. A repeat is not on record by itself, and a refusal not at all.
    pub(crate) fn answer(&mut self, reply: &Reply, version: u8) {
        self.is_repeat = match reply {
            Reply::Approved { is_repeated, .. }
            | Reply::Declined { is_repeated, .. }
            | Reply::Stated { is_repeated, .. } => *is_repeated,
            // A fact about a card that is not one of ours is refused, and on record.
            Reply::Refused(_) | Reply::Accepted | Reply::Reconciled(_) | Reply::Silence => false,
        };
        self.approved = match reply {
            Reply::Approved { auth_id, .. } => Some(*auth_id),
            _ => None,
        };
        let text =
            reply.code().map(|code| String::from_utf8_lossy(code.text(version)).into_owned());
        self.code = text;
    }

    /// The message was not taken, so it is not on record.
    pub(crate) fn withdraw(mut self) {
        self.is_noted = true;
    }

    /// The socket took it.
    pub(crate) fn written(mut self) {
        self.note(AnswerDelivery::Written);
    }

    /// The network no longer waits for it.
    pub(crate) fn too_late(mut self) {
        self.note(AnswerDelivery::TooLate);
    }

    fn note(&mut self, delivery: AnswerDelivery) {
        if std::mem::replace(&mut self.is_noted, true) {
            return;
        }
        if !self.is_repeat {
            let (code, at) = (self.code.take(), self.notes.clock.real_now());
            let (message_id, is_approval) = (self.message_id, self.approved.is_some());
            let note = AnswerNote { message_id, code, delivery, at, is_approval };
            self.notes.note(Note::Answer(note));
        } else if let Some(auth_id) = self.approved.filter(|_| delivery == AnswerDelivery::Written)
        {
            let (mti, stan) = (self.mti.clone(), self.stan.clone());
            self.notes.note(Note::Repeat(RepeatedApproval { auth_id, mti, stan }));
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.note(AnswerDelivery::NotWritten);
    }
}
