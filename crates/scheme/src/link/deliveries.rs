//! What becomes of answers, noted in the store (network-iso8583.md section 6.4). Notes are written
//! together: nobody waits for one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AnswerDelivery, Clock, NetworkMessageId};
use store::{AnswerNote, Store};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::translate::Reply;

/// Most notes that wait for the store. Older ones give way; their messages count as PENDING, and as
/// UNKNOWN after the next start.
const MAX_NOTES: usize = 65_536;
/// Most notes in one commit.
const NOTES_A_COMMIT: usize = 500;
/// Pause in which notes gather.
const PAUSE: Duration = Duration::from_millis(200);

/// The notes of one link that are not in the store yet.
pub(crate) struct Deliveries {
    clock: Clock,
    notes: Mutex<VecDeque<AnswerNote>>,
    changed: Notify,
}

impl Deliveries {
    /// No notes yet.
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, notes: Mutex::default(), changed: Notify::new() })
    }

    /// The answer to the message of this id.
    pub(crate) fn delivery(self: &Arc<Self>, message_id: NetworkMessageId) -> Delivery {
        Delivery { notes: Arc::clone(self), message_id, code: None, is_noted: false }
    }

    fn note(&self, note: AnswerNote) {
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
            if let Err(error) = store.note_answers(some.clone()).await {
                let count = some.len();
                tracing::error!(%error, count, "what became of answers is not noted yet");
                let mut notes = self.lock();
                some.into_iter().rev().for_each(|note| notes.push_front(note));
                return;
            }
        }
    }

    /// Writes notes as they come.
    pub(crate) async fn keep(&self, store: &Store) {
        loop {
            self.changed.notified().await;
            sleep(PAUSE).await;
            self.flush(store).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<AnswerNote>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a message, until something became of it. One that is dropped before that was not
/// written.
pub(crate) struct Delivery {
    notes: Arc<Deliveries>,
    message_id: NetworkMessageId,
    code: Option<String>,
    is_noted: bool,
}

impl Delivery {
    /// The message is answered so. A repeat is not on record by itself, and a refusal not at all.
    pub(crate) fn answer(&mut self, reply: &Reply, version: u8) {
        self.is_noted = match reply {
            Reply::Approved { is_repeated, .. }
            | Reply::Declined { is_repeated, .. }
            | Reply::Stated { is_repeated, .. } => *is_repeated,
            // A fact about a card that is not one of ours is refused, and on record.
            Reply::Refused(_) | Reply::Accepted | Reply::Silence => false,
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
        if !std::mem::replace(&mut self.is_noted, true) {
            let (code, at) = (self.code.take(), self.notes.clock.real_now());
            self.notes.note(AnswerNote { message_id: self.message_id, code, delivery, at });
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.note(AnswerDelivery::NotWritten);
    }
}
