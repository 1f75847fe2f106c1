//! Every record comes back from both engines as it went in.

use std::sync::Arc;

use domain::{
    ApiKey, Authorisation, Card, CardOrder, CardProfile, Clock, Customer, Enterprise,
    ExtractionAttempt, FxRate, GuidanceLink, IdGenerator, IntentTicket, KeyExtraction, KycTicket,
    LinkKey, OtpDelivery, Posting, ReconciliationResult, Reveal, ThreeDsChallenge, VmApp, VmCard,
    VmFlow, VmProduct, WebhookEvent,
};
use ledger::{Account, Transfer};

use super::record::names;
use super::{PanUse, Record, read_row, values_of};
use crate::engine::{Row, Value};
use crate::link_reconciliations::CutOvers;
use crate::money::{LinkMessage, NetworkMessage, StandInUse};
use crate::packing::WEBHOOKS;
use crate::pins::{KeptPin, PinTry};
use crate::{
    Job, Location, PanRecord, Plastic, PlatformKey, SettlementFile, SettlementLink, Store,
    StoreError,
};

const NONE: Value = Value::Null;

macro_rules! row {
    ($($value:expr),+ $(,)?) => { Row(vec![$(Value::from($value)),+]) };
}

fn bytes(byte: u8) -> Value {
    Value::Bytes(vec![byte; 32])
}

/// A row is read as a record, which is written as the same row. Once it is inserted, with `more`
/// columns of its table, its key finds it; and, if the record contains its key, also its changed
/// form.
async fn comes_back<R: Record>(store: &Store, rows: [Row; 2], more: &[(&'static str, Value)]) {
    let held = names::<R>().zip(rows[0].0.iter().cloned());
    let known: Vec<_> = held.chain(more.iter().cloned()).collect();
    let of_key = |key: &&str| known.iter().find(|(name, _)| name == key).unwrap().1.clone();
    let key: Arc<[Value]> = R::KEY.iter().map(of_key).collect();
    let holds_key = R::KEY.iter().all(|key| names::<R>().any(|name| name == *key));
    for (row, is_update) in rows.iter().zip([false, true]).filter(|it| !it.1 || holds_key) {
        let record: Arc<R> = Arc::new(read_row(row).unwrap());
        assert_eq!(values_of(&*record), row.0, "{}", R::TABLE);
        let more: Arc<[_]> = more.into();
        let written = store.write::<_, StoreError, _>(move |tx| {
            let (record, more) = (Arc::clone(&record), Arc::clone(&more));
            Box::pin(async move {
                match is_update {
                    false => tx.insert_with(&*record, &more).await,
                    true => tx.update(&*record).await,
                }
            })
        });
        written.await.unwrap_or_else(|error| panic!("{}: {error}", R::TABLE));
        let found: Option<R> = store.one(&R::texts().by_key, Arc::clone(&key)).await.unwrap();
        assert_eq!(values_of(&found.expect("by its key")), row.0, "{}", R::TABLE);
    }
}

async fn all_come_back(store: &Store) {
    cards_come_back(store).await;
    money_comes_back(store).await;
    messages_postings_and_uses_come_back(store).await;
    orders_and_tickets_come_back(store).await;
    enterprises_come_back(store).await;
    dialect_2_comes_back(store).await;
    files_come_back(store).await;
}

async fn cards_come_back(store: &Store) {
    let card = |status, reason| {
        row![
            1, 2, 3, 4, 5, "VIRTUAL", status, "NORMAL", "411111", "0042", 840, 6, reason, 7, 8,
            "CARD", 2
        ]
    };
    let rows = [card("ACTIVATED", NONE), card("INVALID", "CARD_LOST".into())];
    comes_back::<Card>(store, rows, &[]).await;
    let pan = |created_at| row![1, 2, bytes(3), bytes(4), created_at];
    comes_back::<PanRecord>(store, [pan(5), pan(6)], &[]).await;
    let plastic = [
        row![1, 2, "LAYOUT", false, bytes(3), NONE, NONE, NONE, NONE],
        row![1, 2, "LAYOUT", true, NONE, 4, 5, "number", "company"],
    ];
    comes_back::<Plastic>(store, plastic, &[]).await;
    let pin = |sealed_pvv, locked_until| row![1, 2, sealed_pvv, 3, 4, locked_until];
    comes_back::<KeptPin>(store, [pin(NONE, NONE), pin(bytes(5), 6.into())], &[]).await;
    let wrong = |counted_at| {
        row![1, 2, "switch", "AUTH", "412345", "000001", "20261129200001", "rrn", counted_at]
    };
    let key = |sealed| row!["switch", "ZPK", 3, bytes(sealed), "46D738", 4];
    comes_back::<LinkKey>(store, [key(1), key(2)], &[]).await;
    let cut_over = |previous_at| row!["switch", 1, "000001", "1129235959", 2, previous_at];
    comes_back::<CutOvers>(store, [cut_over(NONE), cut_over(3.into())], &[]).await;
    let reconciled = |date, from, differences| {
        let parts = [
            row!["switch", 1, "0500", "412345", "000001", "20261129200001", date, 840, from, 3],
            row!["DIFFERENT", differences],
        ];
        Row(parts.into_iter().flat_map(|part| part.0).collect())
    };
    let rows = [
        reconciled(NONE, NONE, ""),
        reconciled("1129".into(), 2.into(), "74 0000000001 0000000000\n97 D01 C00"),
    ];
    comes_back::<ReconciliationResult>(store, rows, &[]).await;
    comes_back::<PinTry>(store, [wrong(3), wrong(4)], &[]).await;
    let reveal = |purpose| row![1, 2, 3, purpose, "actor", 4];
    let rows = [reveal("RETRIEVE_SECURE_CARD"), reveal("SHOW_CARD_PAGE")];
    comes_back::<Reveal>(store, rows, &[]).await;
    let challenge = |status, name, modified_at| {
        row![1, 2, 3, status, 400, 978, NONE, name, "city", "DE", NONE, 5, 6, modified_at]
    };
    let rows = [challenge("INIT", "shop", 7), challenge("NOTICED", "other", 8)];
    comes_back::<ThreeDsChallenge>(store, rows, &[]).await;
}

async fn money_comes_back(store: &Store) {
    let account = |funding, closed_into| {
        row![1, 2, 840, funding, 400, 300, 200, true, "VM_BALANCE", 5, closed_into]
    };
    comes_back::<Account>(store, [account(-900, NONE), account(-800, 6.into())], &[]).await;
    let transfer = |amount, auth_id, reference| {
        row![1, 2, 3, "HOLD", "AVAILABLE", "HELD", amount, 840, auth_id, reference, 4]
    };
    let rows = [transfer(5, 6.into(), NONE), transfer(7, NONE, "reference".into())];
    comes_back::<Transfer>(store, rows, &[]).await;
    let authorisation = |decided: [Value; 8]| {
        let [status, code, reason, detail, auth_code, hold, expires_at, decided_at] = decided;
        row![
            1,
            2,
            3,
            4,
            5,
            NONE,
            "OUTGOING",
            "NORMAL",
            "C",
            600,
            840,
            500,
            978,
            "1.2",
            NONE,
            "shop",
            "city",
            NONE,
            "5411",
            "000001",
            "000000000002",
            status,
            code,
            reason,
            detail,
            auth_code,
            hold,
            600,
            expires_at,
            7,
            8,
            9,
            10,
            decided_at,
            "DEPOSIT",
            0
        ]
    };
    let pending = ["PENDING".into(), NONE, NONE, NONE, NONE, "PENDING".into(), 11.into(), NONE];
    let declined = [
        "DECLINED".into(),
        "01".into(),
        "DAPI_SYSTEM_ERROR".into(),
        "detail".into(),
        "code".into(),
        "NONE".into(),
        NONE,
        12.into(),
    ];
    let rows = [authorisation(pending), authorisation(declined)];
    comes_back::<Authorisation>(store, rows, &[("receipt", "{}".into())]).await;
}

async fn messages_postings_and_uses_come_back(store: &Store) {
    let posting = |amount| {
        row![
            1, 2, 3, 4, 5, 6, "OUTGOING", amount, 840, 90, 978, "id", "shop", "city", "DE", "5411",
            7, 8
        ]
    };
    comes_back::<Posting>(store, [posting(99), posting(100)], &[]).await;
    let used = |day, total| row![1, 2, day, 20, 1, day, 30, 2, total];
    comes_back::<PanUse>(store, [used(3, 40), used(4, 50)], &[]).await;
    let stood_in = |minor| row![1, 840, 3, minor];
    comes_back::<StandInUse>(store, [stood_in(20), stood_in(30)], &[]).await;
    let purchase = [
        row![1, "switch-a", "AUTH", "412345", "000001", "20261129200001", "", "pan:5"],
        row!["1129120001", "000000", 1550, 840, NONE, NONE, NONE, NONE, NONE],
        row![6, 7, NONE, NONE, 8],
    ];
    let reversal = [
        row![1, "switch-a", "REV", "", "000007", "", "633312000001", "unknown:00"],
        row!["1129120031", "000000", NONE, NONE, 30, "FIN", "412345", "000001", "1129120001"],
        row![NONE, NONE, "EARLY", 1550, 9],
    ];
    let [purchase, reversal] =
        [purchase, reversal].map(|parts| Row(parts.into_iter().flat_map(|part| part.0).collect()));
    let link_message = |code, answered_at| {
        let parts = [
            row![1, "switch-a", "0420", "412345", "000007", "", "1129120031", "000000", 1550, 840],
            row![30, "AUTH", "412345", "000001", "1129120001", "1130", "123456", "68", 2, 3, 4],
            row!["EARLY", 5, code, answered_at, "PENDING"],
            row!["switch-a", "DEBIT_REVERSED", 1550, 840, 6, 7, true],
        ];
        Row(parts.into_iter().flat_map(|part| part.0).collect())
    };
    let rows = [link_message(NONE, NONE), link_message("00".into(), 6.into())];
    comes_back::<LinkMessage>(store, rows, &[]).await;
    comes_back::<NetworkMessage>(store, [purchase, reversal], &[]).await;
}

async fn orders_and_tickets_come_back(store: &Store) {
    let customer = |customer_ref, email| row![1, 2, customer_ref, email, NONE, "SG", 3, 4];
    let rows = [customer(NONE, "a@x.example"), customer("ref".into(), "b@x.example")];
    comes_back::<Customer>(store, rows, &[]).await;
    let order = |status, card_id, code, reason, replaced| {
        row![1, 2, "ref", 3, 4, "VIRTUAL", status, card_id, code, reason, true, replaced, 5, 6]
    };
    let rows = [
        order("PENDING", NONE, NONE, NONE, 7.into()),
        order("CUSTOMER_PASS", 8.into(), "DAPI_SYSTEM_ERROR".into(), "reason".into(), NONE),
    ];
    comes_back::<CardOrder>(store, rows, &[]).await;
    let job = |due_at, leased_until| row![1, 2, "ORDER_STEP", 3, due_at, 4, leased_until];
    comes_back::<Job>(store, [job(5, NONE), job(6, 7.into())], &[]).await;
    let kyc = |status, code, reason, matched_at| {
        row![1, 2, "ref", 3, "API", status, code, reason, matched_at, 4, 5]
    };
    let rows = [
        kyc("INIT", NONE, NONE, NONE),
        kyc("REFUSE", "DAPI_SYSTEM_ERROR".into(), "reason".into(), 6.into()),
    ];
    comes_back::<KycTicket>(store, rows, &[]).await;
    let intent = |status, reason| row![1, 2, "ref", "CREATE_CARD_EDD", 3, status, reason, 4, 5];
    let rows = [intent("INIT", NONE), intent("SUBMIT_COMPETED", "reason".into())];
    comes_back::<IntentTicket>(store, rows, &[]).await;
    let link = |card_id, url, opened_at| {
        row![
            bytes(1),
            2,
            "1",
            3,
            card_id,
            NONE,
            true,
            "en",
            "light",
            "dark",
            "agent",
            url,
            4,
            5,
            opened_at
        ]
    };
    let rows = [link(6.into(), NONE, NONE), link(NONE, "https://x.example".into(), 7.into())];
    comes_back::<GuidanceLink>(store, rows, &[]).await;
    let delivery = row!["PENDING", 3];
    let more = [("enterprise_id", 1.into()), ("otp_send_ref", "ref".into())];
    comes_back::<OtpDelivery>(store, [delivery.clone(), delivery], &more).await;
    let packed = |body| WEBHOOKS.pack(&[body; 32]);
    let event = |body, app| row![1, 2, "CARD_ORDER", "CREATE", 3, NONE, packed(body), 4, app];
    let more = [("status", "PENDING".into()), ("tries", 0.into()), ("next_attempt_at", 4.into())];
    comes_back::<WebhookEvent>(store, [event(5, 0), event(6, 7)], &more).await;
}

async fn enterprises_come_back(store: &Store) {
    let enterprise = |url: Value, networks, hosts, [currency, amount, daily]: [Value; 3]| {
        row![
            1,
            "Étoile & Söhne",
            url.clone(),
            url,
            bytes(2),
            "key",
            networks,
            hosts,
            "",
            true,
            1_500,
            "OAEP_SHA256",
            "SHA256",
            "RAW",
            currency,
            amount,
            daily,
            3
        ]
    };
    let stand_in = [840.into(), 5.into(), 6.into()];
    let rows = [
        enterprise(bytes(4), "10.0.0.0/8\n2001:db8::/32", "a.example\nb.example", stand_in),
        enterprise(NONE, "", "", [NONE; 3]),
    ];
    comes_back::<Enterprise>(store, rows, &[]).await;
    let key = |revoked_at| row!["public", 1, bytes(2), 3, revoked_at];
    comes_back::<ApiKey>(store, [key(NONE), key(4.into())], &[]).await;
    let platform_key = |byte| row![1, 2, bytes(3), bytes(byte), 4];
    comes_back::<PlatformKey>(store, [platform_key(5), platform_key(6)], &[]).await;
    let profile = |count, amount| {
        row![
            1,
            2,
            "travel",
            "41111100-41111199",
            "VISA",
            840,
            "A\nB",
            "",
            7,
            30,
            500,
            NONE,
            NONE,
            count,
            amount,
            NONE,
            3
        ]
    };
    let rows = [profile(10.into(), NONE), profile(NONE, 20.into())];
    comes_back::<CardProfile>(store, rows, &[]).await;
    let extraction = |used_at| row![bytes(1), 2, "2001:db8::1", 3, 4, used_at];
    comes_back::<KeyExtraction>(store, [extraction(NONE), extraction(5.into())], &[]).await;
    let attempt = |outcome, key| row![1, 2, outcome, "10.0.0.1", key, 3];
    let rows = [attempt("EXPIRED", NONE), attempt("EXTRACTED", "public".into())];
    comes_back::<ExtractionAttempt>(store, rows, &[]).await;
    let rate = |rate| row![840, 978, rate];
    comes_back::<FxRate>(store, [rate("0.91"), rate("0.920")], &[]).await;
}

async fn dialect_2_comes_back(store: &Store) {
    let app = |key, url, networks, fee| {
        row![1, 2, "app", bytes(3), key, url, true, networks, 4, 100, 5, 6, 7, 8, 9, fee]
    };
    let rows = [app(bytes(5), NONE, "10.0.0.0/8", 10), app(NONE, bytes(6), "", 11)];
    comes_back::<VmApp>(store, rows, &[]).await;
    let product = |remaining| row![1, 2, "code", 3, "save", "HK", remaining, 4];
    comes_back::<VmProduct>(store, [product(5), product(6)], &[]).await;
    let card =
        |label, total| row![1, 2, 3, "uuid", "code", "share", label, bytes(4), 5, 6, 7, total, 8];
    comes_back::<VmCard>(store, [card("one", 9), card("two", 10)], &[]).await;
    let flow = |balance| row![1, 2, 3, "Recharge", 4, balance, "remark", 5];
    comes_back::<VmFlow>(store, [flow(6), flow(7)], &[("vm_app_id", 8.into())]).await;
}

async fn files_come_back(store: &Store) {
    let file =
        |totals, is_final| row![1, 20_000, "authorisation", 3, 4, 5, bytes(6), totals, is_final, 7];
    let rows = [file("", false), file("840 OUTGOING 1 200\n978 INCOMING 3 400", true)];
    comes_back::<SettlementFile>(store, rows, &[]).await;
    let link = row![1, 20_000, "transaction", 2];
    comes_back::<SettlementLink>(store, [link.clone(), link], &[("token_hash", bytes(3))]).await;
}

fn ids(clock: &Clock) -> Arc<IdGenerator> {
    Arc::new(IdGenerator::new(clock.clone(), 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_comes_back_from_an_embedded_store() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Clock::system());
    let location = Location::Sqlite(directory.path().join("store.db"));
    let store = Store::open(location, clock.clone(), ids(&clock)).await.unwrap();
    all_come_back(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_comes_back_from_a_server() {
    let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
        .expect("a PostgreSQL for tests: run `cargo xtask test`");
    let name = format!("store_records_{}", std::process::id());
    let (admin, connection) =
        tokio_postgres::connect(&admin_url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let url = format!("{}/{name}", admin_url.rsplit_once('/').unwrap().0);
    let clock = Clock::system();
    let store =
        Store::open(Location::Postgres(url.into()), clock.clone(), ids(&clock)).await.unwrap();
    all_come_back(&store).await;
    store.close().await;
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
