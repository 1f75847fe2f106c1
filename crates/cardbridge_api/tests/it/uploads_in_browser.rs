//! Uploads by the script of an enterprise's page, in a real browser.

use serde_json::{Value, json};
use testkit::platform::PUBLIC_URL;
use testkit::signing::text;

use crate::page_in_browser::{Parent, Visit};

const PATH: &str = "/open-api/intent-ticket/v1/generate-pre-upload-url";

/// The address for a new document on the real listener, and its key.
async fn address(visit: &Visit) -> (String, String) {
    let body = json!({"fileNames": ["bill.pdf"], "businessType": "CREATE_CARD_KYC"});
    let reply = visit.caller.post(&visit.platform, PATH, &body).await;
    let file = &reply["data"]["uploadFileResponses"][0];
    let url = text(&file["url"]);
    let target = url.strip_prefix(PUBLIC_URL).unwrap();
    (format!("http://{}{target}", visit.platform.public), text(&file["objectKey"]))
}

/// Status and body of an upload from the page that is shown; the error's name if the browser
/// keeps the answer from it.
async fn upload(visit: &mut Visit, url: &str, content: &str) -> Value {
    let script = format!(
        "fetch('{url}', {{ method: 'PUT', \
            body: new Blob(['{content}'], {{ type: 'application/pdf' }}),
            headers: {{ 'x-page': 'statement' }} }})
            .then(async (answer) => [answer.status, await answer.text()], (error) => error.name)"
    );
    visit.browser.run(&script).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_enterprise_uploads_and_a_stranger_does_not() {
    let mut visit = Visit::new().await;
    let (registered, stranger) = (Parent::start().await, Parent::start().await);
    visit.caller.patch(&visit.platform, &json!({"pageOrigins": [registered.origin()]})).await;
    let (url, key) = address(&visit).await;
    visit.browser.go(&stranger.origin()).await;
    assert_eq!(upload(&mut visit, &url, "%PDF-1.7 a bill").await, "TypeError");
    let path = format!("/admin/v1/files/{key}");
    assert_eq!(visit.platform.admin_get(&path).await.status, 404, "nothing has come");
    visit.browser.go(&registered.origin()).await;
    let refused = upload(&mut visit, &url, "no such document").await;
    assert_eq!(refused[0], 400);
    assert!(text(&refused[1]).contains("<Code>InvalidRequest</Code>"), "{refused}");
    assert_eq!(upload(&mut visit, &url, "%PDF-1.7 a bill").await, json!([200, ""]));
    assert_eq!(visit.platform.admin_get(&path).await.body, b"%PDF-1.7 a bill");
    visit.end().await;
}
