//! Uploads through the binary: into the data directory, and into a real S3 bucket.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use domain::{Clock, Timestamp};
use files::{Bucket, BucketSettings, Files, ObjectKey};
use reqwest::Response;
use serde_json::{Value, json};
use vault::SecretText;

use crate::engine::Engine;
use crate::s3_server::{ACCESS_KEY_ID, BUCKET, S3Server, SECRET_ACCESS_KEY};
use crate::server::http;
use crate::world::World;

const PDF: &[u8] = b"%PDF-1.7 a bill";
const REGION: &str = "eu-west-1";

async fn put(url: &str, content: &'static [u8]) -> u16 {
    http().put(url).body(content).send().await.unwrap().status().as_u16()
}

/// Calls this machine directly, whatever proxy the environment names.
pub async fn get(url: &str) -> Response {
    http().get(url).send().await.unwrap()
}

/// Requests the address of one document; returns the address and its key.
async fn address(world: &World) -> (String, String) {
    let body = json!({"fileNames": ["bill.pdf"], "businessType": "CREATE_CARD_KYC"});
    let path = "/open-api/intent-ticket/v1/generate-pre-upload-url";
    let body = Some(serde_json::to_vec(&body).unwrap());
    let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
    let data: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
    let file = &data["uploadFileResponses"][0];
    let text = |key: &str| file[key].as_str().unwrap().to_owned();
    (text("url"), text("objectKey"))
}

/// Requests a document as the operator.
async fn read(world: &World, key: &str) -> Response {
    let own = world.sandbox();
    let (url, token) = (own["admin_url"].as_str().unwrap(), own["admin_token"].as_str().unwrap());
    let url = format!("{url}/admin/v1/files/{key}");
    http().get(url).bearer_auth(token).send().await.unwrap()
}

async fn a_document_outlives_a_crash(engine: Engine) {
    let mut world = World::new(&engine, &[]).await;
    let (url, key) = address(&world).await;
    assert!(url.starts_with(world.sandbox()["public_url"].as_str().unwrap()), "{url}");
    assert_eq!(put(&url, PDF).await, 200);
    let arriving = world.data_dir().join("files/arriving");
    world.kill();
    std::fs::write(arriving.join("0-left-by-this-process"), PDF).unwrap();
    std::fs::write(arriving.join("7-of-another-process"), PDF).unwrap();
    world.start_again();
    assert_eq!(read(&world, &key).await.bytes().await.unwrap(), PDF);
    let names: Vec<_> =
        std::fs::read_dir(arriving).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["7-of-another-process"]);
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(world.data_dir().join("files/kept")), 0o700);
    assert_eq!(mode(world.data_dir().join("files/kept").join(&key)), 0o600);
}

#[tokio::test]
async fn a_document_outlives_a_crash_on_the_embedded_store() {
    a_document_outlives_a_crash(Engine::embedded()).await;
}

#[tokio::test]
async fn a_document_outlives_a_crash_beside_postgresql() {
    a_document_outlives_a_crash(Engine::postgres().await).await;
}

/// A configuration that names the bucket; its secret is in a separate file.
pub fn configuration(directory: &Path, server: &S3Server) -> String {
    let secret = directory.join("s3.secret");
    std::fs::write(&secret, format!("{SECRET_ACCESS_KEY}\n")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = directory.join("cardbridge.toml");
    let text = format!(
        "[s3]\nendpoint = '{}'\nregion = '{REGION}'\nbucket = '{BUCKET}'\npath-style = true\n\
         access-key-id = '{ACCESS_KEY_ID}'\nsecret-access-key-file = '{}'\n",
        server.endpoint(),
        secret.display()
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The address that would be given out for `key` at another time.
fn address_of(server: &S3Server, key: &str, at: Timestamp) -> String {
    let settings = BucketSettings {
        endpoint: server.endpoint(),
        region: REGION.to_owned(),
        name: BUCKET.to_owned(),
        path_style: true,
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: SecretText::new(SECRET_ACCESS_KEY.to_owned()),
    };
    let key: ObjectKey = key.parse().unwrap();
    Files::Bucket(Bucket::new(settings).unwrap()).upload_url(&key, at)
}

#[tokio::test]
async fn documents_go_to_the_bucket_of_the_configuration_and_are_read_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let server = S3Server::start();
    let file = configuration(directory.path(), &server);
    let world = World::new(&Engine::embedded(), &["--config", &file]).await;
    let (url, key) = address(&world).await;
    assert!(url.starts_with(&format!("{}/{BUCKET}/{key}?", server.endpoint())), "{url}");
    assert!(!url.contains(SECRET_ACCESS_KEY));

    let (_, other_key) = address(&world).await;
    let now = Clock::system().real_now();
    for refused in [
        url.replace(&key, &other_key),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=86400"),
        url.split_once('?').unwrap().0.to_owned(),
        address_of(&server, &key, now.plus_seconds(-3_700)),
    ] {
        assert_eq!(put(&refused, PDF).await, 403, "{refused}");
    }
    assert!(!server.object(&key).exists() && !server.object(&other_key).exists());
    assert_eq!(put(&address_of(&server, &other_key, now.plus_seconds(-3_500)), PDF).await, 200);

    assert_eq!(put(&url, PDF).await, 200);
    assert_eq!(std::fs::read(server.object(&key)).unwrap(), PDF);
    assert!(!world.data_dir().join("files").exists(), "nothing is kept here");

    let redirection = read(&world, &key).await;
    assert_eq!(redirection.status().as_u16(), 307);
    let location = redirection.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.contains("response-content-disposition=attachment"), "{location}");
    assert_eq!(get(&location).await.bytes().await.unwrap(), PDF);
    assert_eq!(get(location.split_once('?').unwrap().0).await.status().as_u16(), 403);

    let here = format!("{}/uploads/{key}", world.sandbox()["public_url"].as_str().unwrap());
    assert_eq!(put(&here, PDF).await, 404);
}
