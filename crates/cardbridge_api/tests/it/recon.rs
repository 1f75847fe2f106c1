//! Reconciliation files: cut, linked to and handed out.

use domain::BusinessDay;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::tamper;
use testkit::http::{Answer, Request, send};
use testkit::platform::{PUBLIC_URL, Platform};
use testkit::signing::{Caller, text};

const FILE_URL: &str = "/open-api/enterprise/v1/settlement-file-url";
pub const CLOSE_DAY: &str = "/admin/v1/recon/close-day";
const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

/// A purchase, declined since nobody can be asked, and a clearing without authorisation, which has
/// its own record; the purchase's and the transaction's ids.
pub async fn use_card(platform: &Platform, card_id: &str) -> (String, String) {
    let purchase = json!({"cardId": card_id, "amount": "15.50", "currency": "840", "mcc": "5411",
        "merchantId": "M0001", "merchantName": "Fish>Chips, \"Ltd\"", "merchantCountry": "SG"});
    let declined = platform.done("/sandbox/v1/authorisations", purchase).await;
    let clearing = json!({"cardId": card_id, "amount": "1.25", "currency": "840"});
    let posted = platform.done("/sandbox/v1/clearings", clearing).await;
    (text(&declined["authId"]), text(&posted["transactionId"]))
}

pub async fn close(platform: &Platform, day: BusinessDay) -> Vec<Value> {
    let answer = platform.done(CLOSE_DAY, json!({"date": day.to_string()})).await;
    answer["files"].as_array().unwrap().clone()
}

pub fn file_of<'a>(files: &'a [Value], caller: &Caller, file_type: &str) -> &'a Value {
    let mut own = files.iter().filter(|file| file["enterpriseId"] == *caller.enterprise_id);
    own.find(|file| file["fileType"] == file_type).unwrap()
}

pub async fn link(platform: &Platform, caller: &Caller, file_type: &str, day: &str) -> Value {
    let query = format!("fileType={file_type}&fileDate={day}");
    caller.get(platform, &format!("{FILE_URL}?{query}")).await
}

async fn fetch(platform: &Platform, url: &Value) -> Answer {
    let target = text(url).strip_prefix(PUBLIC_URL).unwrap().to_owned();
    send(platform.public, &Request::get(target)).await
}

/// The file of a day, by its link.
pub async fn download(
    platform: &Platform,
    caller: &Caller,
    file_type: &str,
    day: BusinessDay,
) -> Answer {
    let link = link(platform, caller, file_type, &day.to_string()).await;
    assert_eq!(link["code"], "SYS_SUCCESS", "{link}");
    let answer = fetch(platform, &link["data"]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn lines(answer: &Answer) -> Vec<Vec<String>> {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(text.is_empty() || text.ends_with(">\n"), "{text}");
    let split = |line: &str| line.split('>').map(str::to_owned).collect();
    text.lines().map(split).collect()
}

both_engines!(what_close_day_made_is_served_at_once, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    let (auth_id, transaction_id) = use_card(platform, &card_id).await;
    let files = close(platform, day).await;
    assert_eq!(files.len(), 2);
    let file = file_of(&files, &caller, "authorisation");
    assert_eq!((&file["fileDate"], &file["rows"]), (&json!(day.to_string()), &json!(2)));
    let totals =
        json!([{"currency": "840", "direction": "OUTGOING", "rows": 2, "amount": "16.75"}]);
    assert_eq!(file["totals"], totals);
    let answer = download(platform, &caller, "authorisation", day).await;
    assert_eq!(file["sha256"], hex::encode(crypto::sha256(&answer.body)));
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    let attachment = format!("attachment; filename=\"authorisation_{day}.txt\"");
    assert_eq!(answer.header("content-disposition"), Some(&*attachment));
    let rows = lines(&answer);
    let purchase = rows.iter().find(|row| row[0] == auth_id).unwrap();
    assert_eq!(purchase.len(), 19);
    assert_eq!(
        purchase[2..10],
        [&card_id, "OUTGOING", "NORMAL", "R", "840", "15.50", "840", "15.50"].map(str::to_owned)
    );
    assert_eq!(purchase[10], "");
    assert_eq!(
        purchase[12..17],
        ["D", "DAPI_AUTH_INTERNAL_REJECT", "M0001", "Fish Chips, \"Ltd\" SG", "5411"]
            .map(str::to_owned)
    );
    assert!(purchase[17].starts_with(&day.start().to_utc8()[..11]), "{purchase:?}");
    let forced = rows.iter().find(|row| row[0] != auth_id).unwrap();
    assert_eq!((&*forced[3], &*forced[12], &*forced[13]), ("OUTGOING", "A", ""));
    let rows = lines(&download(platform, &caller, "transaction", day).await);
    assert_eq!((rows.len(), rows[0].len(), &rows[0][0]), (1, 16, &transaction_id));
    assert_eq!(rows[0][5..10], ["OUTGOING", "840", "1.25", "840", "1.25"].map(str::to_owned));
});

both_engines!(the_same_rows_are_handed_out_as_csv, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    let (auth_id, _) = use_card(platform, &card_id).await;
    close(platform, day).await;
    let target = format!("{FILE_URL}?fileType=authorisation&fileDate={day}&format=csv");
    let link = caller.get(platform, &target).await;
    let answer = fetch(platform, &link["data"]).await;
    assert_eq!(answer.status, 200);
    let attachment = format!("attachment; filename=\"authorisation_{day}.csv\"");
    assert_eq!(answer.header("content-disposition"), Some(&*attachment));
    // Of unknown length, it comes in chunks, whose lengths stand between the lines.
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("auth_id,customer_id,card_id,direction,type,"), "{text}");
    let row = text.lines().find(|line| line.starts_with(&auth_id)).unwrap();
    assert!(row.contains(",M0001,\"Fish Chips, \"\"Ltd\"\" SG\",5411,"), "{row}");
});

both_engines!(a_file_that_is_not_there_is_an_illegal_parameter, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    use_card(platform, &card_id).await;
    let today = day.to_string();
    for (file_type, date) in [
        ("authorisation", &*today),
        ("authorisation", "20010101"),
        ("authorisation", "99991231"),
        ("authorisation", "20010230"),
        ("authorisation", ""),
        ("settlement", &*today),
        ("", &*today),
    ] {
        let answer = link(platform, &caller, file_type, date).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{file_type} {date}");
        assert!(answer["messageDetail"].is_string(), "{answer}");
    }
    for (body, status) in [
        (json!({}), 422),
        (json!({"date": "2025-01-01"}), 422),
        (json!({"date": day.next().to_string()}), 422),
        (json!({"date": 20_250_101}), 422),
        (json!([]), 422),
    ] {
        assert_eq!(platform.admin_post(CLOSE_DAY, &body).await.status, status, "{body}");
    }
});

both_engines!(a_link_opens_one_enterprises_file_until_it_expires, |platform, location| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    use_card(platform, &card_id).await;
    close(platform, day).await;
    assert_eq!(download(platform, &other, "transaction", day).await.body, b"");
    let made = link(platform, &caller, "transaction", &day.to_string()).await["data"].clone();
    // Business time does not end it: it lives 15 minutes of real time.
    platform.advance(HOUR).await;
    let answer = fetch(platform, &made).await;
    assert_eq!(answer.status, 200);
    let tag = answer.header("etag").unwrap().to_owned();
    let target = text(&made).strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let known = Request::get(&*target).header("if-none-match", tag);
    assert_eq!(send(platform.public, &known).await.status, 304);
    let broken =
        format!("{}{}", &target[..target.len() - 1], if target.ends_with('A') { "B" } else { "A" });
    for wrong in [&*broken, "/settlement-files/x", &format!("{target}?format=pdf")] {
        let answer = send(platform.public, &Request::get(wrong)).await;
        assert_eq!((answer.status, &answer.json()["success"]), (404, &json!(false)), "{wrong}");
    }
    let minute_us = 60 * 1_000_000_i64;
    for (minutes, status) in [(14, 200), (2, 404)] {
        let sql =
            format!("UPDATE settlement_link SET expires_at = expires_at - {}", minutes * minute_us);
        tamper(location, &sql).await;
        assert_eq!(fetch(platform, &made).await.status, status, "{minutes} minutes later");
    }
});

both_engines!(each_day_is_cut_at_two_of_the_next_however_far_time_moves, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let first = platform.at_noon().await;
    let (auth_id, _) = use_card(platform, &card_id).await;
    platform.advance(13 * HOUR).await;
    let (next_auth_id, _) = use_card(platform, &card_id).await;
    let early = link(platform, &caller, "authorisation", &first.to_string()).await;
    assert_eq!(early["code"], "DAPI_SYS_ILLEGAL_PARAM", "an hour after its day: {early}");
    platform.advance(HOUR).await;
    let rows = lines(&download(platform, &caller, "authorisation", first).await);
    assert!(rows.len() == 2 && rows.iter().any(|row| row[0] == auth_id), "{rows:?}");
    // Nothing happens on the days after the second.
    platform.advance(400 * DAY).await;
    let rows = lines(&download(platform, &caller, "authorisation", first.next()).await);
    assert!(rows.len() == 2 && rows.iter().any(|row| row[0] == next_auth_id), "{rows:?}");
    let quiet = first.next().next();
    assert_eq!(download(platform, &caller, "transaction", quiet).await.body, b"");
    let before = BusinessDay::from_i64(first.as_i64() - 2);
    let answer = link(platform, &caller, "transaction", &before.to_string()).await;
    assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "before the enterprise was there");
});

both_engines!(a_file_follows_its_day_and_is_final_after_it, |platform, location| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    use_card(platform, &card_id).await;
    let open = close(platform, day).await;
    let open = file_of(&open, &caller, "authorisation");
    assert_eq!((&open["rows"], &open["final"]), (&json!(2), &json!(false)));
    use_card(platform, &card_id).await;
    platform.advance(DAY).await;
    let closed = close(platform, day).await;
    let last = file_of(&closed, &caller, "authorisation");
    assert_eq!((&last["rows"], &last["final"]), (&json!(4), &json!(true)));
    let bytes = download(platform, &caller, "authorisation", day).await.body;
    assert_eq!(close(platform, day).await, closed);
    tamper(location, "UPDATE authorisation SET mcc = '5999' WHERE mcc = '5411'").await;
    let again = close(platform, day).await;
    let kept = file_of(&again, &caller, "authorisation");
    assert_eq!((&kept["sha256"], &kept["differs"]), (&last["sha256"], &json!(true)));
    assert_eq!(download(platform, &caller, "authorisation", day).await.body, bytes);
    // Replaced pieces, and those that came too late, are removed six hours of real time later.
    tamper(location, "UPDATE settlement_leftover SET discard_after = 0").await;
    close(platform, day).await;
    tamper(location, "UPDATE settlement_leftover SET discard_after = 0").await;
    assert_eq!(download(platform, &caller, "authorisation", day).await.body, bytes);
});

both_engines!(a_day_closed_twice_at_once_has_one_file, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    use_card(platform, &card_id).await;
    platform.advance(DAY).await;
    let (one, other) = tokio::join!(close(platform, day), close(platform, day));
    let sha256 = |files: &[Value]| file_of(files, &caller, "authorisation")["sha256"].clone();
    assert_eq!(sha256(&one), sha256(&other));
    let answer = download(platform, &caller, "authorisation", day).await;
    assert_eq!(sha256(&one), hex::encode(crypto::sha256(&answer.body)));
});
