//! What operators do with a link (network-iso8583.md section 7.6).

use std::time::Duration;

use domain::CutOver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::command::Command;
use super::own::{Management, transmission_time};
use super::own_requests::ManagementAnswer;
use super::session::ConnectionState;
use super::shared::{Drain, Link};
use crate::translate::management_words;

/// Longest wait for the answers of all peers together.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for connections to show that they were drained or resumed, and the pause between
/// two looks.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Why network management was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// The link has no connection.
    #[error("the link has no connection")]
    NotConnected,
    /// No peer answered.
    #[error("no peer of the link answered within 10 s")]
    NoAnswer,
    /// The link's dialect has no message for it.
    #[error("the dialect of the link has no message for it")]
    NotInDialect,
    /// A peer agreed to a cut-over that the store did not take.
    #[error("a cut-over was agreed to, and could not be noted")]
    NotNoted,
}

impl Link {
    /// Sends network management on every connection, and returns what each peer answered. A
    /// cut-over that a peer agrees to closes the window of the link at the moment of sending.
    ///
    /// # Errors
    /// The dialect has no message for it, there is no connection, no peer answered within 10 s, or
    /// a cut-over could not be noted.
    pub async fn manage(&self, what: Management) -> Result<Vec<ManagementAnswer>, ManageError> {
        let words = management_words(self.settings().layout.packager().version());
        if words.code(what.topic()).is_none() {
            return Err(ManageError::NotInDialect);
        }
        let at = self.real_now();
        let answers = self.ask_peers(what).await?;
        if what == Management::CutOver && answers.iter().any(|answer| answer.is_accepted) {
            let ours = CutOver {
                link: self.settings().name.clone(),
                at,
                stan: String::new(),
                transmitted_at: transmission_time(&at.to_string()),
                origin: CutOver::OF_OPERATOR,
            };
            self.cut_over(ours, false).await.map_err(|_| ManageError::NotNoted)?;
        }
        Ok(answers)
    }

    /// Sends network management on every connection, and returns what each peer answered.
    async fn ask_peers(&self, what: Management) -> Result<Vec<ManagementAnswer>, ManageError> {
        let asked = Instant::now();
        let mut waiting = Vec::new();
        for (connection, commands) in self.commands() {
            let (answer, answered) = oneshot::channel();
            // A connection that takes no command gives no answer.
            let _ = commands.try_send(Command::Manage { what, answer });
            waiting.push((connection, answered));
        }
        if waiting.is_empty() {
            return Err(ManageError::NotConnected);
        }
        let mut answers = Vec::new();
        for (connection, answered) in waiting {
            let answer =
                timeout_at(asked + ANSWER_TIMEOUT, answered).await.ok().and_then(Result::ok);
            let elapsed = asked.elapsed();
            answers.push(answer.unwrap_or(ManagementAnswer {
                connection,
                code: None,
                is_accepted: false,
                elapsed,
            }));
        }
        let is_answered = answers.iter().any(|answer| answer.code.is_some());
        if is_answered { Ok(answers) } else { Err(ManageError::NoAnswer) }
    }

    /// Waits until every connection shows whether it takes requests, as far as that happens soon.
    pub async fn drain_shown(&self) {
        let until = Instant::now() + SHOWN_WITHIN;
        while !self.shows_drain() && Instant::now() < until {
            sleep(LOOK_PAUSE).await;
        }
    }

    fn shows_drain(&self) -> bool {
        let is_draining = *self.watch_drain().borrow() != Drain::No;
        let connections = self.status().connections;
        connections.iter().all(|it| (it.state == ConnectionState::Draining) == is_draining)
    }

    /// Refuses requests until [`Link::resume`].
    pub fn drain(&self) {
        self.change_drain(Drain::No, Drain::Asked);
    }

    /// Takes requests again; a link that stops does not.
    pub fn resume(&self) {
        self.change_drain(Drain::Asked, Drain::No);
    }
}
