//! Many messages at once, and a count of their answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use iso8583::Message;
use tokio::time::{Instant, sleep_until};

use super::line::{Arrived, Line, Nothing};
use super::outcome::{Done, Fault};
use super::rules::Stage;
use super::step::Burst;

/// The response code of an answer without one.
const NO_CODE: &str = "none";

/// The messages that are not answered yet.
struct Unanswered {
    class: u8,
    /// By DE11, of which several messages may have the same.
    counts: HashMap<Vec<u8>, u32>,
    left: u32,
    codes: BTreeMap<String, u32>,
}

impl Unanswered {
    fn add(&mut self, message: &Message) {
        let Some(stan) = message.get(11).filter(|_| message.mti().answer().is_some()) else {
            return;
        };
        *self.counts.entry(stan.to_vec()).or_default() += 1;
        self.left += 1;
    }

    fn is_answered_by(&self, arrived: &Arrived) -> bool {
        let Ok(got) = &arrived.content else { return false };
        let mti = got.message.mti();
        let stan = got.message.get(11).unwrap_or_default();
        let is_answer = matches!(mti.function(), 1 | 3) && mti.class() == self.class;
        is_answer && self.counts.get(stan).is_some_and(|count| *count > 0)
    }

    fn count(&mut self, arrived: &Arrived) {
        let Ok(got) = &arrived.content else { return };
        let stan = got.message.get(11).unwrap_or_default();
        if let Some(count) = self.counts.get_mut(stan) {
            *count = count.saturating_sub(1);
        }
        self.left = self.left.saturating_sub(1);
        let code = got.message.text(39).unwrap_or(NO_CODE);
        *self.codes.entry(code.to_owned()).or_default() += 1;
    }
}

/// Sends the messages of a burst and takes their answers.
///
/// # Errors
/// One is not answered, or by a code that is not expected.
pub async fn run(stage: &Stage, line: &mut Line, burst: &Burst) -> Result<Done, Fault> {
    let head = &stage.script.head;
    let class = burst.send.mti.class();
    let mut unanswered =
        Unanswered { class, counts: HashMap::new(), left: 0, codes: BTreeMap::new() };
    let began = Instant::now();
    for index in 0..burst.count {
        if let Some(per_second) = burst.per_second {
            sleep_until(began + Duration::from_secs(1) * index / per_second).await;
        }
        let message = stage.script.message(&mut stage.context(), &burst.send);
        let message = message.map_err(|why| Fault::mismatch("a message", why))?;
        let header = head.codec.framing.header.own();
        let is_signed = burst.send.is_signed();
        let frame = head.codec.frame(&message, header, is_signed, &burst.send.shape);
        let frame = frame.map_err(|why| Fault::mismatch("a message that can be written", why))?;
        unanswered.add(&message);
        let written = line.write(&frame, head.timeout).await;
        written.map_err(|why| Fault::mismatch("a peer that takes the messages", why))?;
        while let Ok(arrived) = line.take(Instant::now(), |it| unanswered.is_answered_by(it)).await
        {
            unanswered.count(&arrived);
        }
    }
    let deadline = Instant::now() + head.timeout;
    let mut ended = "in time";
    while unanswered.left > 0 {
        match line.take(deadline, |it| unanswered.is_answered_by(it)).await {
            Ok(arrived) => unanswered.count(&arrived),
            Err(Nothing::Late) => break,
            Err(Nothing::Closed) => {
                ended = "before the connection was closed";
                break;
            }
        }
    }
    let done = Done { fields: BTreeMap::new(), codes: unanswered.codes };
    judge(burst, unanswered.left, ended, done)
}

fn judge(burst: &Burst, left: u32, ended: &str, done: Done) -> Result<Done, Fault> {
    if left > 0 {
        let expected = format!("{} answers", burst.count);
        let got = format!("{} {ended}", burst.count - left);
        return Err(Fault::Mismatch { expected, got, done });
    }
    let Some(codes) = &burst.codes else { return Ok(done) };
    let other = done.codes.iter().find(|(code, _)| !codes.contains(code));
    match other.map(|(code, count)| format!("{count} answers with {code}")) {
        Some(got) => {
            let expected = format!("field 39 one of {}", codes.join(", "));
            Err(Fault::Mismatch { expected, got, done })
        }
        None => Ok(done),
    }
}
