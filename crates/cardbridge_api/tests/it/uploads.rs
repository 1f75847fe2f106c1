//! Documents: pre-signed addresses, what they take, and who can read the uploaded files.

use std::path::Path;

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Answer, Request, send};
use testkit::platform::{PUBLIC_URL, Platform};
use testkit::signing::{Caller, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATH: &str = "/open-api/intent-ticket/v1/generate-pre-upload-url";
const LIMIT_BYTES: usize = 10 * 1024 * 1024;
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a photograph";
const PDF: &[u8] = b"%PDF-1.7 a bill";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a scan";

async fn addresses(platform: &Platform, caller: &Caller, names: &Value) -> Vec<Value> {
    let body = json!({"fileNames": names, "businessType": "CREATE_CARD_KYC"});
    let reply = caller.post(platform, PATH, &body).await;
    assert_eq!(reply["code"], "SYS_SUCCESS", "{reply}");
    reply["data"]["uploadFileResponses"].as_array().unwrap().clone()
}

/// The address of one file, as the target of a request, and its key.
async fn address(platform: &Platform, caller: &Caller, name: &str) -> (String, String) {
    let all = addresses(platform, caller, &json!([name])).await;
    let url = text(&all[0]["url"]);
    (url.strip_prefix(PUBLIC_URL).unwrap().to_owned(), text(&all[0]["objectKey"]))
}

async fn put(platform: &Platform, target: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = Request { method: "PUT", ..Request::post(target, body) };
    send(platform.public, &request).await
}

async fn read(platform: &Platform, key: &str) -> Answer {
    platform.admin_get(&format!("/admin/v1/files/{key}")).await
}

/// The code of S3's error document.
fn code(answer: &Answer) -> String {
    let body = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/xml"), "{body}");
    body.split("<Code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Files that are still arriving.
fn arriving(platform: &Platform) -> usize {
    std::fs::read_dir(platform.files.path().join("arriving")).unwrap().count()
}

fn kept_files(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { kept_files(&path) } else { 1 }).sum()
}

both_engines!(addresses_come_in_the_order_of_the_names_under_keys_of_our_own, |platform| {
    let caller = Caller::new(platform).await;
    let names = json!(["b.PDF", "../../etc/a.jpg", "C:\\x\\c\r\n.png", "b.PDF", "d.jpeg"]);
    let all = addresses(platform, &caller, &names).await;
    let echoed: Vec<_> = all.iter().map(|file| file["fileName"].clone()).collect();
    assert_eq!(Value::Array(echoed), json!(["b.PDF", "a.jpg", "c.png", "b.PDF", "d.jpeg"]));
    let mut keys = Vec::new();
    for (file, extension) in all.iter().zip(["pdf", "jpg", "png", "pdf", "jpeg"]) {
        let key = text(&file["objectKey"]);
        let parts: Vec<_> = key.split('/').collect();
        assert_eq!(parts[..2], ["risk-center", "kyc"]);
        assert_eq!(parts[2].replace('-', ""), parts[4]);
        assert_eq!(parts[3], caller.enterprise_id);
        assert!(parts[5].len() == 37 + extension.len() && parts[5].ends_with(extension), "{key}");
        let url = text(&file["url"]);
        assert!(url.starts_with(&format!("{PUBLIC_URL}/uploads/{key}?")), "{url}");
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5);
});

both_engines!(what_is_wrong_with_a_request_for_addresses_is_said, |platform| {
    let caller = Caller::new(platform).await;
    let eleven = vec!["a.pdf"; 11];
    for (body, expected) in [
        (
            json!({"fileNames": ["a.pdf"], "businessType": "OTHER"}),
            "DAPI_UPLOAD_BUSINESS_TYPE_ERROR",
        ),
        (json!({"fileNames": ["a.pdf"]}), "DAPI_UPLOAD_BUSINESS_TYPE_ERROR"),
        (json!({"fileNames": [], "businessType": "CREATE_CARD_EDD"}), "DAPI_SYS_ILLEGAL_PARAM"),
        (json!({"businessType": "CREATE_CARD_EDD"}), "DAPI_SYS_ILLEGAL_PARAM"),
        (json!({"fileNames": eleven, "businessType": "CREATE_CARD_EDD"}), "DAPI_SYS_ILLEGAL_PARAM"),
        (
            json!({"fileNames": ["a.exe"], "businessType": "CREATE_CARD_EDD"}),
            "DAPI_SYS_ILLEGAL_PARAM",
        ),
        (json!({"fileNames": ["a"], "businessType": "CREATE_CARD_EDD"}), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        let reply = caller.post(platform, PATH, &body).await;
        assert_eq!(reply["code"], expected, "{body}");
    }
    for business_type in ["CREATE_CARD_EDD", "INCREASE_LIMIT_EDD"] {
        let body = json!({"fileNames": ["a.pdf"], "businessType": business_type});
        let reply = caller.post(platform, PATH, &body).await;
        let key = text(&reply["data"]["uploadFileResponses"][0]["objectKey"]);
        assert!(key.starts_with("risk-center/edd/"), "{key}");
    }
});

both_engines!(what_was_put_is_read_by_the_operator_only, |platform| {
    let caller = Caller::new(platform).await;
    for (name, content, media_type) in [
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.pdf", PDF, "application/pdf"),
        ("a.png", PNG, "image/png"),
    ] {
        let (target, key) = address(platform, &caller, name).await;
        assert_eq!(read(platform, &key).await.status, 404, "nothing is there yet");
        let answer = put(platform, &target, content).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        let answer = read(platform, &key).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, content));
        assert_eq!(answer.header("content-type"), Some(media_type));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let name = key.rsplit('/').next().unwrap();
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(answer.header("content-disposition"), Some(&*disposition));
        let without_token = Request::get(format!("/admin/v1/files/{key}"));
        assert_eq!(send(platform.admin, &without_token).await.status, 401);
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let request = Request { method, ..Request::post(&target, "") };
            let answer = send(platform.public, &request).await;
            assert_eq!(answer.status, 405, "{method}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("a scan"));
        }
    }
    assert_eq!((arriving(platform), kept_files(&platform.files.path().join("kept"))), (0, 4));
});

/// A browser's question whether a page of `origin` may upload.
async fn preflight(platform: &Platform, target: &str, origin: &str, method: &str) -> Answer {
    let request = Request { method: "OPTIONS", ..Request::get(target) }
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "content-type,x-page");
    send(platform.public, &request).await
}

const PAGE: &str = "https://pages.example:8443";
const ALLOWED: &str = "access-control-allow-origin";

both_engines!(pages_of_the_enterprises_origins_may_upload_and_no_others, |platform| {
    let (caller, other) = (Caller::new(platform).await, Caller::new(platform).await);
    let (target, key) = address(platform, &caller, "a.pdf").await;
    let refused = preflight(platform, &target, PAGE, "PUT").await;
    assert_eq!((refused.status, &*code(&refused)), (403, "AccessForbidden"), "none is listed");
    caller
        .patch(
            platform,
            &json!({"pageOrigins": ["https://a.example", "https://Pages.example:8443"]}),
        )
        .await;
    other.patch(platform, &json!({"pageOrigins": ["https://b.example"]})).await;
    let allowed = preflight(platform, &target, PAGE, "PUT").await;
    assert_eq!((allowed.status, allowed.body.len()), (204, 0));
    assert_eq!(allowed.header(ALLOWED), Some(PAGE));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("content-type,x-page"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    assert!(allowed.header("vary").unwrap().starts_with("origin"));
    for (origin, method) in [
        ("https://b.example", "PUT"),
        ("https://pages.example", "PUT"),
        ("http://pages.example:8443", "PUT"),
        ("https://pages.example:8443.evil.example", "PUT"),
        ("null", "PUT"),
        ("https://a.example", "DELETE"),
        ("https://a.example", "GET"),
    ] {
        let refused = preflight(platform, &target, origin, method).await;
        assert_eq!((refused.status, &*code(&refused)), (403, "AccessForbidden"), "{origin}");
        assert_eq!(refused.header(ALLOWED), None);
    }
    let forged = preflight(platform, &target.replace(".pdf", ".jpg"), PAGE, "PUT").await;
    assert_eq!((forged.status, &*code(&forged)), (403, "SignatureDoesNotMatch"));
    let bare = Request { method: "OPTIONS", ..Request::get(&target) };
    assert_eq!(send(platform.public, &bare).await.status, 400);
    assert_eq!(read(platform, &key).await.status, 404, "a question uploads nothing");
});

both_engines!(a_pages_script_reads_what_came_of_its_upload, |platform| {
    let caller = Caller::new(platform).await;
    caller.patch(platform, &json!({ "pageOrigins": [PAGE] })).await;
    let (target, key) = address(platform, &caller, "a.pdf").await;
    let put = async |target: &str, origin: &str, body: &[u8]| {
        let request = Request { method: "PUT", ..Request::post(target, body) };
        send(platform.public, &request.header("origin", origin)).await
    };
    let wrong = put(&target, PAGE, PNG).await;
    assert_eq!((wrong.status, &*code(&wrong)), (400, "InvalidRequest"));
    assert_eq!(wrong.header(ALLOWED), Some(PAGE));
    let done = put(&target, PAGE, PDF).await;
    assert_eq!((done.status, done.header(ALLOWED)), (200, Some(PAGE)));
    assert_eq!(done.header("vary"), Some("origin"));
    // The address alone admits; the headers only say who may read the answer.
    let elsewhere = put(&target, "https://b.example", PDF).await;
    assert_eq!((elsewhere.status, elsewhere.header(ALLOWED)), (200, None));
    let forged = put(&target.replace(".pdf", ".jpg"), PAGE, PDF).await;
    assert_eq!((forged.status, forged.header(ALLOWED)), (403, None));
    assert_eq!(read(platform, &key).await.body, PDF);
});

both_engines!(an_altered_address_takes_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let (target, key) = address(platform, &caller, "a.jpg").await;
    let (other, _) = address(platform, &caller, "b.jpg").await;
    let (path, query) = target.split_once('?').unwrap();
    let (other_path, other_query) = other.split_once('?').unwrap();
    let last = if target.ends_with('0') { "1" } else { "0" };
    for altered in [
        path.to_owned(),
        format!("{path}?"),
        format!("{other_path}?{query}"),
        format!("{path}?{other_query}"),
        format!("{}{last}", &target[..target.len() - 1]),
        target.replace("expires=1", "expires=9"),
        target.replace(".jpg", ".pdf"),
        target.replace(&caller.enterprise_id, "1"),
        format!("/uploads/../../etc/passwd?{query}"),
        format!("/uploads/%2e%2e/%2e%2e/etc/passwd?{query}"),
        format!("/uploads/{key}%00?{query}"),
        format!("/uploads//{key}?{query}"),
    ] {
        let answer = put(platform, &altered, JPEG).await;
        assert_eq!((answer.status, &*code(&answer)), (403, "SignatureDoesNotMatch"), "{altered}");
    }
    assert_eq!(read(platform, &key).await.status, 404);
    assert_eq!(kept_files(platform.files.path()), 0);
});

both_engines!(an_address_expires_on_real_time_and_not_on_business_time, |platform| {
    let caller = Caller::new(platform).await;
    let enterprise = caller.enterprise_id.parse().unwrap();
    let real_now = platform.store.clock().real_now();
    let made = |seconds_ago: i64| {
        let random = &*platform.parts.random;
        let folder = files::Folder::Kyc;
        let then = real_now.plus_seconds(-seconds_ago);
        let key = files::ObjectKey::new(folder, enterprise, domain::FileType::Jpg, then, random);
        platform.uploads.upload_url(&key, then).strip_prefix(PUBLIC_URL).unwrap().to_owned()
    };
    let expired = made(3_601);
    let answer = put(platform, &expired, JPEG).await;
    assert_eq!((answer.status, &*code(&answer)), (403, "AccessDenied"));
    // A page learns the reason, and not only that its browser refuses to ask.
    caller.patch(platform, &json!({ "pageOrigins": [PAGE] })).await;
    assert_eq!(preflight(platform, &expired, PAGE, "PUT").await.status, 204);
    assert_eq!(put(platform, &made(3_500), JPEG).await.status, 200);
    let (target, _) = address(platform, &caller, "a.jpg").await;
    platform.advance(7_200).await;
    assert_eq!(put(platform, &target, JPEG).await.status, 200);
});

both_engines!(content_must_be_what_the_name_says, |platform| {
    let caller = Caller::new(platform).await;
    for (name, content) in [
        ("a.jpg", PDF),
        ("a.pdf", PNG),
        ("a.png", JPEG),
        ("a.pdf", b"<script>alert(1)</script>"),
        ("a.pdf", b"%PD"),
        ("a.pdf", b""),
    ] {
        let (target, key) = address(platform, &caller, name).await;
        let answer = put(platform, &target, content).await;
        assert_eq!((answer.status, &*code(&answer)), (400, "InvalidRequest"), "{name}");
        assert_eq!(read(platform, &key).await.status, 404);
    }
    assert_eq!(arriving(platform), 0);
});

both_engines!(a_file_of_the_limit_is_kept_and_one_more_byte_is_not, |platform| {
    let caller = Caller::new(platform).await;
    let mut content = PDF.to_vec();
    content.resize(LIMIT_BYTES, 7);
    let (target, key) = address(platform, &caller, "a.pdf").await;
    assert_eq!(put(platform, &target, content.clone()).await.status, 200);
    assert!(read(platform, &key).await.body == content, "the bytes are those that were put");
    content.push(7);
    let (target, key) = address(platform, &caller, "a.pdf").await;
    let answer = put(platform, &target, content.clone()).await;
    assert_eq!((answer.status, &*code(&answer)), (400, "EntityTooLarge"));
    let answer = put_chunked(platform, &target, &content).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("EntityTooLarge"), "{answer}");
    assert_eq!(read(platform, &key).await.status, 404);
    assert_eq!(arriving(platform), 0);
});

/// A PUT that does not say how long it is.
async fn put_chunked(platform: &Platform, target: &str, content: &[u8]) -> String {
    let mut stream = TcpStream::connect(platform.public).await.unwrap();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in content.chunks(1024 * 1024) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
        stream.write_all(chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

both_engines!(an_upload_that_breaks_off_leaves_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let (target, key) = address(platform, &caller, "a.pdf").await;
    let mut stream = TcpStream::connect(platform.public).await.unwrap();
    let head = format!("PUT {target} HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(PDF).await.unwrap();
    let appeared = async {
        while arriving(platform) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(stream);
        while arriving(platform) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), appeared).await.unwrap();
    assert_eq!(read(platform, &key).await.status, 404);
});

/// Begins an upload and leaves it hanging.
async fn begun(platform: &Platform, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(platform.public).await.unwrap();
    let head = format!("PUT {target} HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(PDF).await.unwrap();
    stream
}

both_engines!(uploads_of_one_enterprise_leave_room_for_those_of_another, |platform| {
    let (caller, neighbour) = (Caller::new(platform).await, Caller::new(platform).await);
    let (target, _) = address(platform, &caller, "a.pdf").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(begun(platform, &target).await);
    }
    let all_arriving = async {
        while arriving(platform) < 8 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), all_arriving).await.unwrap();
    let refused = put(platform, &target, PDF).await;
    assert_eq!((refused.status, &*code(&refused)), (503, "SlowDown"));
    let (theirs, _) = address(platform, &neighbour, "a.pdf").await;
    assert_eq!(put(platform, &theirs, PDF).await.status, 200);
    drop(streams);
    let given_back = async {
        while put(platform, &target, PDF).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), given_back).await.unwrap();
});

both_engines!(an_enterprise_stores_so_much_a_day_and_no_more, |platform| {
    let (caller, neighbour) = (Caller::new(platform).await, Caller::new(platform).await);
    let (target, key) = address(platform, &caller, "a.pdf").await;
    // A document that an earlier run of the process kept.
    let kept = platform.files.path().join("kept").join(&key);
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    let earlier = std::fs::File::create(kept.with_file_name("earlier.pdf")).unwrap();
    earlier.set_len(files::EmbeddedSettings::DEFAULT_DAILY_BYTES - LIMIT_BYTES as u64).unwrap();
    assert_eq!(put(platform, &target, PDF).await.status, 200, "the last one");
    let refused = put(platform, &target, PDF).await;
    assert_eq!((refused.status, &*code(&refused)), (403, "QuotaExceeded"));
    let (theirs, _) = address(platform, &neighbour, "a.pdf").await;
    assert_eq!(put(platform, &theirs, PDF).await.status, 200);
});

both_engines!(a_second_file_takes_the_place_of_the_first, |platform| {
    let caller = Caller::new(platform).await;
    let (target, key) = address(platform, &caller, "a.pdf").await;
    assert_eq!(put(platform, &target, PDF).await.status, 200);
    let second = b"%PDF-1.7 another bill".to_vec();
    let (one, two) = tokio::join!(
        put(platform, &target, second.clone()),
        put(platform, &target, second.clone())
    );
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(read(platform, &key).await.body, second);
});

both_engines!(names_that_are_no_keys_are_not_found, |platform| {
    std::fs::write(platform.files.path().join("secret.pdf"), PDF).unwrap();
    for name in [
        "../secret.pdf",
        "%2e%2e/secret.pdf",
        "..%2fsecret.pdf",
        "secret.pdf",
        "%2fetc%2fpasswd",
        "risk-center/kyc",
        "%ff",
    ] {
        assert_eq!(read(platform, name).await.status, 404, "{name}");
    }
});
