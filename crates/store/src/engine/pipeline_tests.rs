//! Statements that travel together, and what their failures leave.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::IdGenerator;
use testkit::database::Database;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::group::{GroupResult, Grouped, GroupedJob, Repeats};
use super::tests::ids;
use super::{Answers, Postgres, Statement, Tx, Value, with};
use crate::{ServerLocation, StoreError};

const TABLE: &str = "CREATE TABLE small (a INTEGER)";
const INSERT: &str = "INSERT INTO small VALUES ($1)";
/// More than the column's type can carry on the wire.
const TOO_LARGE: i64 = i64::MAX;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// The fate of the next transaction's beginning on the line.
const PASSES: u8 = 0;
/// It is refused, and the connection lives.
const REFUSED: u8 = 1;
/// The connection is ended, as by a server that goes down.
const ENDED: u8 = 2;

/// A line to the server that answers for it.
struct Line {
    address: SocketAddr,
    fate: Arc<AtomicU8>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fate = Arc::new(AtomicU8::new(PASSES));
        let next = Arc::clone(&fate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&next)));
            }
        });
        Self { address, fate }
    }

    fn next_beginning(&self, fate: u8) {
        self.fate.store(fate, Ordering::SeqCst);
    }
}

/// Carries bytes both ways until either side ends, or a beginning is answered here.
async fn carry(client: TcpStream, server: TcpStream, fate: Arc<AtomicU8>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let mut bytes = &up[..count];
                if bytes.get(5..11) == Some(b"BEGIN;") {
                    match fate.swap(PASSES, Ordering::SeqCst) {
                        REFUSED => {
                            let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
                            bytes = &bytes[1 + usize::try_from(length).unwrap()..];
                            let refused = [&refusal("ERROR", "08P01")[..], b"Z\0\0\0\x05I"];
                            to_client.write_all(&refused.concat()).await.unwrap();
                        }
                        ENDED => {
                            to_client.write_all(&refusal("FATAL", "57P01")).await.unwrap();
                            return;
                        }
                        _ => {}
                    }
                }
                if to_server.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut down) => {
                let Ok(bytes @ 1..) = read else { return };
                if to_client.write_all(&down[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The message of a server that refuses.
fn refusal(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mnot now\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

async fn open<G: Grouped>(url: String) -> Postgres<G> {
    let server = ServerLocation::from(url);
    let postgres = Postgres::open(&server, ids(), Arc::default()).await.unwrap();
    let made = postgres.write::<_, StoreError, _>(|tx| Box::pin(tx.execute(TABLE, &[])));
    made.await.unwrap();
    postgres
}

async fn open_through(line: &Line, database: &Database) -> Postgres<Once> {
    let address = line.address.to_string();
    open(database.url().replace(&database.server_address(), &address)).await
}

async fn rows<G: Grouped>(postgres: &Postgres<G>) -> Vec<i64> {
    let sql = "SELECT a FROM small ORDER BY a";
    let found = postgres.read(|tx| Box::pin(tx.query(sql, &[]))).await.unwrap();
    found.iter().map(|row| int(&row.0[0])).collect()
}

fn int(value: &Value) -> i64 {
    let Value::Int(value) = value else { panic!("no number: {value:?}") };
    *value
}

async fn insert<G: Grouped>(postgres: &Postgres<G>, a: i64) -> Result<u64, StoreError> {
    let insert = async |tx: &Tx, a: &i64| tx.execute(INSERT, &[(*a).into()]).await;
    postgres.write(with(a, insert)).await
}

async fn insert_together<G: Grouped>(
    postgres: &Postgres<G>,
    values: &[i64],
) -> Result<Answers, StoreError> {
    let statements: Vec<_> =
        values.iter().map(|a| Statement::new(INSERT, [Value::from(*a)])).collect();
    postgres.write_together(&statements).await
}

/// A command that writes one row; its first run finds that its server takes no writes.
struct Once {
    /// The server processes on which it ran.
    ran_by: Arc<Mutex<Vec<i64>>>,
}

impl Grouped for Once {
    type Outcome = ();
    type Error = StoreError;
    type Key = u8;

    async fn keys(_: &Tx, group: &[&Self]) -> Result<Vec<BTreeSet<u8>>, StoreError> {
        Ok(group.iter().map(|_| BTreeSet::new()).collect())
    }

    async fn apply(
        tx: &Tx,
        _: &IdGenerator,
        group: &[&Self],
        _: Repeats,
    ) -> Result<Vec<GroupResult<Self>>, StoreError> {
        let found = tx.query("SELECT pg_backend_pid()", &[]).await?;
        let runs = {
            let mut ran_by = group[0].ran_by.lock().unwrap();
            ran_by.push(int(&found[0].0[0]));
            ran_by.len()
        };
        if runs == 1 {
            tx.post("SET LOCAL transaction_read_only = on", []).await?;
        }
        tx.post(INSERT, [Value::from(7)]).await?;
        Ok(vec![Ok(())])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_sent_stops_what_stands_behind_it_and_leaves_nothing() {
    let database = Database::on_server().await;
    let postgres: Postgres<Once> = open(database.url()).await;
    let written = postgres.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            for a in [1, TOO_LARGE, 3] {
                tx.post(INSERT, [Value::from(a)]).await?;
            }
            Ok(())
        })
    });
    let written = written.await;
    // Nothing is in doubt: the commit was not sent.
    assert!(matches!(written, Err(StoreError::Engine(_))), "{written:?}");
    let written = insert_together(&postgres, &[1, TOO_LARGE, 3]).await.map(drop);
    assert!(matches!(written, Err(StoreError::Engine(_))), "{written:?}");
    assert_eq!(rows(&postgres).await, [0; 0]);
    insert_together(&postgres, &[4, 5]).await.unwrap();
    assert_eq!(rows(&postgres).await, [4, 5]);
    postgres.close();
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_meets_a_server_without_writes_before_its_commit_runs_again_elsewhere() {
    let database = Database::on_server().await;
    let postgres: Postgres<Once> = open(database.url()).await;
    let ran_by = Arc::new(Mutex::default());
    let (reply, answer) = oneshot::channel();
    let command = Once { ran_by: Arc::clone(&ran_by) };
    let job = GroupedJob { command, reply, deadline: Instant::now() + PATIENCE };
    postgres.send_grouped(job).await.unwrap();
    answer.await.unwrap().unwrap();
    let ran_by = ran_by.lock().unwrap().clone();
    assert!(ran_by.len() == 2 && ran_by[0] != ran_by[1], "{ran_by:?}");
    assert_eq!(rows(&postgres).await, [7]);
    postgres.finish().await;
    postgres.close();
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ran_behind_a_beginning_that_was_refused_is_in_doubt_and_not_repeated() {
    let database = Database::on_server().await;
    let line = Line::to(database.server_address()).await;
    let postgres = open_through(&line, &database).await;
    // The plan is known, so the statement travels with the beginning.
    insert(&postgres, 1).await.unwrap();
    line.next_beginning(REFUSED);
    let written = insert(&postgres, 2).await;
    assert!(matches!(written, Err(StoreError::InDoubt(_))), "{written:?}");
    // What came behind ran by itself, unless the refusal was quicker.
    assert!(rows(&postgres).await.iter().filter(|it| **it == 2).count() <= 1);

    insert_together(&postgres, &[3]).await.unwrap();
    line.next_beginning(REFUSED);
    let written = insert_together(&postgres, &[4]).await.map(drop);
    assert!(matches!(written, Err(StoreError::InDoubt(_))), "{written:?}");

    // Nor is it committed by an operation that overlooks it.
    line.next_beginning(REFUSED);
    let overlooking = postgres.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let _ = tx.execute(INSERT, &[5.into()]).await;
            Ok(())
        })
    });
    let overlooked = overlooking.await;
    assert!(matches!(overlooked, Err(StoreError::InDoubt(_))), "{overlooked:?}");
    insert(&postgres, 6).await.unwrap();
    let left = rows(&postgres).await;
    let mut once = left.clone();
    once.dedup();
    assert_eq!(left, once);
    postgres.close();
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ended_while_idle_costs_no_write() {
    let database = Database::on_server().await;
    let line = Line::to(database.server_address()).await;
    let postgres = open_through(&line, &database).await;
    line.next_beginning(ENDED);
    insert(&postgres, 1).await.unwrap();
    line.next_beginning(ENDED);
    insert_together(&postgres, &[2]).await.unwrap();
    assert_eq!(rows(&postgres).await, [1, 2]);
    postgres.close();
    database.drop().await;
}
