//! Carries the steps of a script out, one after the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use iso8583::{Message, without_pans};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::burst;
use super::context::copy;
use super::head::Side;
use super::judge::{answers, judge, seen};
use super::line::{Arrived, Line, Nothing};
use super::outcome::{Done, Ended, Fault};
use super::report::{Report, StepReport, masked_fields, whole_ms};
use super::rules::Stage;
use super::script::Script;
use super::step::{Action, Closing, Expect, FrameShape, Repeat, Send, Step};

/// Plays a script and reports each step.
///
/// # Errors
/// The first step that did not hold, or that there is no connection.
pub async fn play(
    script: Arc<Script>,
    clock: Clock,
    report: &mut dyn FnMut(&Report),
) -> Result<(), Ended> {
    let mut player = Player::start(script, clock, report).await?;
    let script = Arc::clone(&player.stage.script);
    for (index, step) in script.steps.iter().enumerate() {
        for _ in 0..step.times {
            let began = Instant::now();
            let outcome = player.carry_out(index, step).await;
            player.conclude(step, began, outcome, report)?;
        }
    }
    player.end().await;
    Ok(())
}

struct Player {
    stage: Arc<Stage>,
    listener: Option<TcpListener>,
    lines: Vec<Option<Line>>,
    /// When the message of a name was sent the last time.
    sent_at: HashMap<String, Instant>,
}

impl Player {
    async fn start(
        script: Arc<Script>,
        clock: Clock,
        report: &mut dyn FnMut(&Report),
    ) -> Result<Self, Ended> {
        let connections = script.head.connections;
        let mut lines = Vec::new();
        lines.resize_with(connections, || None);
        let stage = Arc::new(Stage::new(script, clock));
        let mut player = Self { stage, listener: None, lines, sent_at: HashMap::new() };
        let script = Arc::clone(&player.stage.script);
        match &script.head.side {
            Side::Target(_) => {
                for conn in 0..connections {
                    player.connect(conn).await.map_err(Ended::NoConnection)?;
                }
            }
            Side::Listen(address) => {
                let failed =
                    |error| Ended::NoConnection(format!("cannot listen on {address}: {error}"));
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                report(&Report::Listening { address });
                player.listener = Some(listener);
            }
        }
        Ok(player)
    }

    /// Makes or takes a connection.
    async fn connect(&mut self, conn: usize) -> Result<(), String> {
        let head = &self.stage.script.head;
        let stream = match (&head.side, &self.listener) {
            (Side::Target(address), _) => {
                let connecting = timeout(head.timeout, TcpStream::connect(address)).await;
                let failed = |why: &str| format!("no connection to {address}: {why}");
                let connected = connecting.map_err(|_| failed("it takes too long"))?;
                connected.map_err(|error| failed(&error.to_string()))?
            }
            (Side::Listen(_), Some(listener)) => {
                let accepting = timeout(head.timeout, listener.accept()).await;
                let accepted = accepting.map_err(|_| "nobody connected".to_owned())?;
                accepted.map_err(|error| format!("no connection: {error}"))?.0
            }
            (Side::Listen(_), None) => return Err("nothing listens".to_owned()),
        };
        let line = timeout(head.timeout, Line::new(stream, Arc::clone(&self.stage))).await;
        let line = line.map_err(|_| "no connection: TLS takes too long".to_owned())??;
        if let Some(slot) = self.lines.get_mut(conn) {
            *slot = Some(line);
        }
        Ok(())
    }

    /// The connection of a step; a script with `listen` waits for it.
    async fn line(&mut self, conn: usize) -> Result<&mut Line, Fault> {
        let is_open = self.lines.get(conn).is_some_and(Option::is_some);
        if !is_open && self.listener.is_some() {
            self.connect(conn).await.map_err(Fault::NoConnection)?;
        }
        let line = self.lines.get_mut(conn).and_then(Option::as_mut);
        line.ok_or_else(|| Fault::mismatch("a connection", "none: an earlier step closed it"))
    }

    async fn carry_out(&mut self, index: usize, step: &Step) -> Result<Done, Fault> {
        let conn = step.conn;
        match &step.action {
            Action::Send(send) => return self.send(step, send).await,
            Action::Expect(expect) => return self.expect(step, expect).await,
            Action::Repeat(repeat) => return self.repeat(step, repeat).await,
            Action::Burst(burst) => {
                let stage = Arc::clone(&self.stage);
                return burst::run(&stage, self.line(conn).await?, burst).await;
            }
            Action::Silence(time) => self.silence(conn, *time).await?,
            Action::Delay(time) => sleep(*time).await,
            Action::Disconnect(closing) => {
                self.line(conn).await?;
                self.close(conn, *closing).await;
            }
            Action::Connect => {
                self.close(conn, Closing::Fin).await;
                self.connect(conn).await.map_err(Fault::NoConnection)?;
            }
            Action::DropReading(time) => self.line(conn).await?.drop_reading(*time),
            Action::ClosedWithin(time) => {
                let deadline = Instant::now() + *time;
                if !self.line(conn).await?.is_closed_by(deadline).await {
                    let expected = format!("closed within {} ms", whole_ms(*time));
                    return Err(Fault::mismatch(expected, "an open connection"));
                }
            }
            Action::Answer(answer) => self.stage.follow(answer.mti.digits(), index),
        }
        Ok(Done::default())
    }

    async fn close(&mut self, conn: usize, closing: Closing) {
        if let Some(line) = self.lines.get_mut(conn).and_then(Option::take) {
            line.close(closing).await;
        }
    }

    async fn silence(&mut self, conn: usize, time: Duration) -> Result<(), Fault> {
        let deadline = Instant::now() + time;
        let stage = Arc::clone(&self.stage);
        let taken = self.line(conn).await?.take(deadline, |_| true).await;
        match taken {
            Err(Nothing::Late) => Ok(()),
            Err(Nothing::Closed) => {
                sleep_until(deadline).await;
                Ok(())
            }
            Ok(arrived) => {
                let (got, done) = seen(&stage, &arrived);
                let expected = format!("nothing for {} ms", whole_ms(time));
                Err(Fault::Mismatch { expected, got, done })
            }
        }
    }

    async fn send(&mut self, step: &Step, send: &Send) -> Result<Done, Fault> {
        let stage = Arc::clone(&self.stage);
        let message = stage.script.message(&mut stage.context(), send);
        let message = message.map_err(|why| Fault::mismatch("a message", why))?;
        let is_signed = send.is_signed();
        self.write(step, None, message, is_signed, &send.shape).await
    }

    async fn repeat(&mut self, step: &Step, repeat: &Repeat) -> Result<Done, Fault> {
        let stage = Arc::clone(&self.stage);
        let message = stage.script.repeated(&mut stage.context(), repeat);
        let message = message.and_then(|it| it.ok_or_else(|| "nothing to repeat".to_owned()));
        let message = message.map_err(|why| Fault::mismatch("a message", why))?;
        self.write(step, Some(&repeat.of), message, true, &FrameShape::default()).await
    }

    /// Writes a message and keeps it under the name of its step.
    async fn write(
        &mut self,
        step: &Step,
        repeated: Option<&str>,
        message: Message,
        is_signed: bool,
        shape: &FrameShape,
    ) -> Result<Done, Fault> {
        let stage = Arc::clone(&self.stage);
        let head = &stage.script.head;
        let frame = head.codec.frame(&message, head.codec.framing.header.own(), is_signed, shape);
        let frame = frame.map_err(|why| Fault::mismatch("a message that can be written", why))?;
        let line = self.line(step.conn).await?;
        let sent_at = Instant::now();
        let written = line.write(&frame, head.timeout).await;
        written.map_err(|why| Fault::mismatch("a peer that takes the message", why))?;
        let fields = masked_fields(&head.codec.layout, &message);
        for name in repeated.into_iter().chain(step.name.as_deref()) {
            self.sent_at.insert(name.to_owned(), sent_at);
        }
        if let Some(name) = &step.name {
            stage.context().keep(name, message);
        }
        Ok(Done { fields, codes: BTreeMap::new() })
    }

    async fn expect(&mut self, step: &Step, expect: &Expect) -> Result<Done, Fault> {
        let stage = Arc::clone(&self.stage);
        let named = expect.of.as_ref().map(|name| {
            let context = stage.context();
            let named = context.message(name).ok().flatten().map(|it| copy(it, it.mti()));
            named.ok_or_else(|| Fault::mismatch("a message to answer", "none"))
        });
        let request = named.transpose()?;
        let sent_at = expect.of.as_ref().and_then(|name| self.sent_at.get(name)).copied();
        let line = self.line(step.conn).await?;
        let since = sent_at.unwrap_or_else(Instant::now);
        let within = expect.within.unwrap_or(stage.script.head.timeout);
        let is_wanted = |arrived: &Arrived| match &request {
            None => true,
            Some(request) => {
                arrived.content.as_ref().is_ok_and(|got| answers(request, &got.message))
            }
        };
        let taken = line.take(since + within, is_wanted).await;
        let arrived = taken.map_err(|nothing| {
            let got = match nothing {
                Nothing::Late => format!(
                    "nothing within {} ms: a host is silent about what it cannot read, so compare \
                     packager, length and header with its own",
                    whole_ms(within)
                ),
                Nothing::Closed => "a closed connection".to_owned(),
            };
            let others = line.unread().len();
            let got = match line.unread().back() {
                Some(last) => {
                    format!("{got}; {others} other messages, the last {}", seen(&stage, last).0)
                }
                None => got,
            };
            Fault::mismatch(format!("message {}", expect.mti), got)
        })?;
        let took = arrived.at.saturating_duration_since(since);
        let judged = judge(&stage, expect, &arrived, took, within);
        let (_, done) = seen(&stage, &arrived);
        if let Err((expected, got)) = judged {
            return Err(Fault::Mismatch { expected, got, done });
        }
        if let (Some(name), Ok(got)) = (&step.name, arrived.content) {
            stage.context().keep(name, got.message);
        }
        Ok(done)
    }

    /// Reports a step; ends the script if it did not hold.
    fn conclude(
        &self,
        step: &Step,
        began: Instant,
        outcome: Result<Done, Fault>,
        report: &mut dyn FnMut(&Report),
    ) -> Result<(), Ended> {
        let named = step.name.as_ref().map(|name| format!(" ({name})"));
        let named = format!("step {}{}", step.number, named.unwrap_or_default());
        let named = without_pans(&named);
        let (done, fault) = match outcome {
            Ok(done) => (done, None),
            Err(Fault::Mismatch { expected, got, done }) => (done, Some((expected, got))),
            Err(Fault::NoConnection(why)) => {
                return Err(Ended::NoConnection(format!("{named}: {why}")));
            }
        };
        let ok = fault.is_none();
        let (expected, got) = fault.unzip();
        let report_of_step = Report::Step(StepReport {
            step: step.number,
            name: step.name.clone(),
            action: step.action.to_string(),
            ok,
            took_ms: whole_ms(began.elapsed()),
            fields: done.fields,
            codes: done.codes,
            expected,
            got,
        });
        let shown = report_of_step.masked();
        report(&shown);
        match shown {
            Report::Step(StepReport { expected: Some(expected), got: Some(got), .. }) => {
                Err(Ended::Failed(format!("{named}: expected {expected}, got {got}")))
            }
            _ => Ok(()),
        }
    }

    async fn end(mut self) {
        for conn in 0..self.lines.len() {
            self.close(conn, Closing::Fin).await;
        }
    }
}
