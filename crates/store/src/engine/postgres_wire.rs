//! Statements on their way to a server, and its answers.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::TryStreamExt as _;
use futures_util::future::{MaybeDone, maybe_done};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Error, RowStream, SimpleQueryMessage, Statement};

use super::servers::Connection;
use super::statement::Answer;
use super::value::{Row, Value};

/// A statement to be sent.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// Its text and parameters.
    Planned(&'a str, &'a [Value]),
    /// One without parameters that returns no rows, or several: they need no plan.
    Plain(&'a str),
}

/// How statements reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plans {
    /// Each connection keeps the plans of its statements.
    Kept,
    /// Each statement brings its text and types: behind a pooler a connection's next transaction
    /// may run on another server process, which has no plans of it.
    Sent,
}

type Running<'a> = Pin<Box<MaybeDone<Answering<'a>>>>;
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>;

/// Statements that were sent, in order, and what kept the rest from being sent.
pub(super) struct Sent<'a> {
    running: Vec<Running<'a>>,
    unsent: Option<Error>,
}

/// The first statement that failed.
pub(super) struct Failure {
    /// Its place in the order.
    pub(super) position: usize,
    /// True if nothing behind it was sent.
    pub(super) is_unsent: bool,
    pub(super) error: Error,
}

/// Sends statements without waiting for answers in between. Only a plan that is still missing is
/// waited for, at its place in the order.
pub(super) async fn send<'a>(
    client: &'a Connection,
    plans: Plans,
    statements: impl Iterator<Item = Asked<'a>>,
) -> Sent<'a> {
    let mut sent = Sent { running: Vec::new(), unsent: None };
    for asked in statements {
        let answering: Answering<'a> = match (asked, plans) {
            (Asked::Plain(sql), _) => Box::pin(plain(client, sql)),
            (Asked::Planned(sql, params), Plans::Sent) => Box::pin(typed(client, sql, params)),
            (Asked::Planned(sql, params), Plans::Kept) => {
                match planned(client, sql, &mut sent).await {
                    Ok(statement) => Box::pin(async move {
                        collected(client.query_raw(&statement, params).await?).await
                    }),
                    Err(error) => {
                        sent.unsent = Some(error);
                        break;
                    }
                }
            }
        };
        let mut running = Box::pin(maybe_done(answering));
        // The first poll hands the statement to the connection.
        poll_fn(|context| {
            let _ = running.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        // What cannot be written as bytes was not sent, so nothing behind it may be.
        if let Some(Err(_)) = running.as_mut().output_mut() {
            sent.unsent = running.as_mut().take_output().and_then(Result::err);
            break;
        }
        sent.running.push(running);
    }
    sent
}

/// The plan of a statement. Those that were sent go on meanwhile: the connection reads no further
/// than to an answer that nobody takes.
async fn planned(client: &Connection, sql: &str, sent: &mut Sent<'_>) -> Result<Statement, Error> {
    let mut planning = pin!(client.prepare_cached(sql));
    poll_fn(|context| {
        for running in &mut sent.running {
            let _ = running.as_mut().poll(context);
        }
        planning.as_mut().poll(context)
    })
    .await
}

impl Sent<'_> {
    /// Waits for the first answer.
    pub(super) async fn first(&mut self) {
        if let Some(running) = self.running.first_mut() {
            running.as_mut().await;
        }
    }

    /// The answers, in order, or the first failure.
    pub(super) async fn answers(self) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::with_capacity(self.running.len());
        for (position, mut running) in self.running.into_iter().enumerate() {
            running.as_mut().await;
            match running.as_mut().take_output() {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(error)) => return Err(Failure { position, is_unsent: false, error }),
                None => {}
            }
        }
        let position = answers.len();
        match self.unsent {
            Some(error) => Err(Failure { position, is_unsent: true, error }),
            None => Ok(answers),
        }
    }
}

async fn plain(client: &Connection, sql: &str) -> Result<Answer, Error> {
    let messages = client.simple_query(sql).await?;
    let counts = messages.iter().map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => *rows,
        _ => 0,
    });
    Ok(Answer { rows: Vec::new(), count: counts.sum() })
}

async fn typed(client: &Connection, sql: &str, params: &[Value]) -> Result<Answer, Error> {
    let params: Vec<_> = params.iter().map(|value| (value, value.type_of())).collect();
    collected(client.query_typed_raw(sql, params).await?).await
}

async fn collected(rows: RowStream) -> Result<Answer, Error> {
    let mut rows = pin!(rows);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(owned(&row)?);
    }
    Ok(Answer { rows: found, count: rows.rows_affected().unwrap_or(0) })
}

fn owned(row: &tokio_postgres::Row) -> Result<Row, Error> {
    (0..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>().map(Row)
}

impl Value {
    /// The type that it is sent as; the server finds the type of a missing one.
    const fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        let known = [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA, Type::UNKNOWN];
        known.contains(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            _ => Self::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        <Self as ToSql>::accepts(ty) || *ty == Type::BOOL
    }
}
