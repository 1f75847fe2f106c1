//! Links with TLS, by peers with another library than the platform's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use iso8583::FramingSettings;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    SslAcceptor, SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use sdk::Operator;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;

use crate::certificates::certificate;
use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management};
use crate::link_connecting::until_state;
use crate::links::{Bed, configured, is, shows, table};
use crate::server::{Server, cardbridge, run};

const PEER: &str = "switch-a.example";
const MASTER_KEY: &str = "7be1c0a85eed5eed5eed5eed5eed5eed7be1c0a85eed5eed5eed5eed5eed5eed";
const TOKEN: &str = "a-token-of-an-operator";

type Certified = (X509, PKey<Private>);

/// An authority, its certificates, and the files of a link.
struct Files {
    directory: tempfile::TempDir,
    authority: Certified,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: certificate("Test Authority", None),
        };
        let (own, key) = files.certified("localhost");
        files.put("link.pem", &own.to_pem().unwrap(), 0o644);
        files.put("link.key", &key.private_key_to_pem_pkcs8().unwrap(), 0o600);
        files.put("peers.pem", &files.authority.0.to_pem().unwrap(), 0o644);
        files
    }

    fn put(&self, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A certificate of the authority.
    fn certified(&self, name: &str) -> Certified {
        certificate(name, Some((&self.authority.0, &self.authority.1)))
    }

    /// `[links.tls]` with all files.
    fn tls(&self, more: &str) -> String {
        let directory = self.directory.path().display();
        format!(
            "[links.tls]\ncert-file = '{directory}/link.pem'\nkey-file = '{directory}/link.key'\n\
             client-ca-file = '{directory}/peers.pem'\n{more}\n"
        )
    }

    /// What a peer trusts and shows.
    fn connector(&self, own: Option<&Certified>) -> SslConnectorBuilder {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        builder.cert_store_mut().add_cert(self.authority.0.clone()).unwrap();
        if let Some((certificate, key)) = own {
            builder.set_certificate(certificate).unwrap();
            builder.set_private_key(key).unwrap();
        }
        builder
    }
}

/// Connects with TLS; `None` if the platform refuses in the handshake.
async fn connect(address: &str, builder: SslConnectorBuilder) -> Option<Peer> {
    let stream = TcpStream::connect(address).await.unwrap();
    let ssl = builder.build().configure().unwrap().into_ssl("localhost").unwrap();
    let mut stream = SslStream::new(ssl, stream).unwrap();
    Pin::new(&mut stream).connect().await.ok()?;
    Some(Peer::over(stream, &FramingSettings::default()))
}

/// The platform closes the connection in the handshake, or right after it.
async fn expect_refusal(address: &str, builder: SslConnectorBuilder) {
    if let Some(mut peer) = connect(address, builder).await {
        peer.expect_end().await;
    }
}

#[tokio::test]
async fn a_peer_shows_its_certificate_and_others_are_refused() {
    let files = Files::new();
    let names = format!("peer-names = ['switch-b.example', '{PEER}']");
    let tables = [
        table("default", "max-connections = 4") + &files.tls(&names),
        table("elsewhere", "allow = ['10.0.0.0/8']") + &files.tls(""),
        table("plain", "frame-timeout-ms = 200"),
    ];
    let file = configured(&files.directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let address = bed.address("default");
    // It never begins with TLS.
    let mut silent = Peer::connect(&address).await;
    let own = files.certified(PEER);
    let mut peers = Vec::new();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut builder = files.connector(Some(&own));
        builder.set_min_proto_version(Some(version)).unwrap();
        builder.set_max_proto_version(Some(version)).unwrap();
        let mut peer = connect(&address, builder).await.expect("the platform trusts it");
        assert_eq!(peer.outcome(&management("001")).await, accepted());
        peers.push(peer);
    }
    let mut plain = Peer::signed_on(&bed.address("plain")).await;
    for (stan, peer) in (1..).zip(&mut peers) {
        assert_eq!(peer.outcome(&bed.purchase(stan)).await, is("0110", "00"));
    }
    let connections = &bed.link("default").await["connections"];
    let shown = connections.as_array().unwrap().iter().filter(|it| it["tlsPeer"] == PEER);
    assert_eq!(shown.count(), 2, "{connections}");
    assert_eq!(bed.link("plain").await["connections"][0]["tlsPeer"], Value::Null);

    let stranger = certificate("Stranger", None);
    let strange = certificate(PEER, Some((&stranger.0, &stranger.1)));
    for builder in [
        files.connector(None),
        files.connector(Some(&strange)),
        files.connector(Some(&files.certified("other.example"))),
    ] {
        expect_refusal(&address, builder).await;
    }
    // Plain text to TLS, TLS to plain text, and an address that is not allowed.
    let mut confused = Peer::connect(&address).await;
    confused.send(&management("001")).await;
    confused.expect_end().await;
    assert!(connect(&bed.address("plain"), files.connector(Some(&own))).await.is_none());
    expect_refusal(&bed.address("elsewhere"), files.connector(Some(&own))).await;
    silent.expect_end().await;
    shows(&bed.world, "cardbridge_link_closed_total{link=\"default\",reason=\"tls\"} 5").await;
    shows(&bed.world, "cardbridge_link_closed_total{link=\"elsewhere\",reason=\"refused\"} 1")
        .await;
    for peer in peers.iter_mut().chain([&mut plain]) {
        assert_eq!(peer.outcome(&management("301")).await, accepted());
    }
}

#[tokio::test]
async fn a_link_connects_with_tls_to_servers_of_its_authority() {
    let files = Files::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tables = ["a", "named"].map(|name| {
        let names = if name == "a" { "" } else { "peer-names = ['switch-a.example']" };
        let table = format!(
            "[[links]]\nname = '{name}'\nmode = 'connect'\nconnect = ['localhost:{port}']\n\
             connections = 1\nsign-on = 'us'\n"
        );
        table + &files.tls(names)
    });
    let file = configured(&files.directory, &tables[0]);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    // The name is neither that of the target nor the address.
    assert!(served(&files, &listener, &files.certified(PEER)).await.is_none());
    shows(&bed.world, "cardbridge_link_closed_total{link=\"a\",reason=\"tls\"} 1").await;
    let mut peer = loop {
        if let Some(peer) = served(&files, &listener, &files.certified("localhost")).await {
            break peer;
        }
    };
    peer.answer_management("001", "00").await;
    let link = until_state(&bed, "a", "UP").await;
    assert_eq!(link["connections"][0]["tlsPeer"], "localhost");
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    drop((bed, peer));

    let file = configured(&files.directory, &tables[1]);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = loop {
        if let Some(peer) = served(&files, &listener, &files.certified(PEER)).await {
            break peer;
        }
    };
    peer.answer_management("001", "00").await;
    let link = until_state(&bed, "named", "UP").await;
    assert_eq!(link["connections"][0]["tlsPeer"], PEER);
}

/// Accepts a connection of the platform with this certificate, and demands one; `None` if the
/// platform refuses.
async fn served(files: &Files, listener: &TcpListener, own: &Certified) -> Option<Peer> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&own.0).unwrap();
    builder.set_private_key(&own.1).unwrap();
    builder.cert_store_mut().add_cert(files.authority.0.clone()).unwrap();
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let (stream, _) = listener.accept().await.unwrap();
    let ssl = openssl::ssl::Ssl::new(builder.build().context()).unwrap();
    let mut stream = SslStream::new(ssl, stream).unwrap();
    Pin::new(&mut stream).accept().await.ok()?;
    Some(Peer::over(stream, &FramingSettings::default()))
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let files = Files::new();
    let (_, other) = files.certified("localhost");
    let other = other.private_key_to_pem_pkcs8().unwrap();
    let directory = files.directory.path().display().to_string();
    for (name, bytes, mode, key, why) in [
        ("link.key", &other[..], 0o600, "links.tls.key-file", "that of the certificate"),
        ("link.key", b"rubbish", 0o600, "links.tls.key-file", "a private key in PEM"),
        ("link.key", &other, 0o644, "links.tls.key-file", "its mode is 0644"),
        ("link.pem", b"rubbish", 0o644, "links.tls.cert-file", "certificates in PEM"),
        ("peers.pem", b"", 0o644, "links.tls.client-ca-file", "certificates of authorities"),
    ] {
        let before = fs::read(files.path(name)).unwrap();
        files.put(name, bytes, mode);
        let line = refusal(&files, &files.tls(""), &[]);
        assert!(line.contains(&format!("{key}: should be")) && line.contains(why), "{line}");
        files.put(name, &before, if name == "link.key" { 0o600 } else { 0o644 });
    }
    let missing = files.tls("").replace(&format!("{directory}/peers.pem"), "/nowhere.pem");
    let line = refusal(&files, &missing, &[]);
    assert!(line.contains("links.tls.client-ca-file") && line.contains("/nowhere.pem"), "{line}");
    let line = refusal(&files, &files.tls("peer-names = ['a b']"), &[]);
    assert!(line.contains("links.tls.peer-names: should be names"), "{line}");
}

/// Why `serve` does not start with this link: one line and exit code 2.
fn refusal(files: &Files, tls: &str, options: &[&str]) -> String {
    let file = configured(&files.directory, &(table("a", "") + tls));
    let mut command = cardbridge();
    command.current_dir(files.directory.path()).args(["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--config", file.to_str().unwrap()]).args(options);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[tokio::test]
async fn production_takes_links_whose_peers_show_certificates() {
    let files = Files::new();
    let key = files.put("master", MASTER_KEY.as_bytes(), 0o600);
    let token = files.put("token", TOKEN.as_bytes(), 0o600);
    let own = |path: &Path| path.to_str().unwrap().to_owned();
    let options = [
        "--mode",
        "production",
        "--master-key-file",
        &own(&key),
        "--admin-token-file",
        &own(&token),
    ];
    let authority = format!("client-ca-file = '{}/peers.pem'\n", files.directory.path().display());
    for (tls, named) in [
        (String::new(), "links.tls: should be set in production"),
        (files.tls("").replace(&authority, ""), "links.tls.client-ca-file: should be set"),
        (files.tls(""), "links.max-forced-per-day: should be set"),
    ] {
        let line = refusal(&files, &tls, &options);
        assert!(line.contains(named), "{line}");
    }
    // Production has no sandbox.json that would say where a link listens.
    let limited = table("a", "max-forced-per-day = { amount = '1000.00', currency = 'USD' }");
    let file = configured(&files.directory, &(limited + &files.tls("")));
    let data = files.path("data");
    let config = own(&file);
    let server = Server::start(&data, &[&options[..], &["--config", &config]].concat());
    let operator = Operator::new(&server.admin_url, TOKEN).unwrap();
    let ready = operator.get("/readyz").await.unwrap();
    assert_eq!(ready["links"], json!({ "a": "DOWN" }));
    assert_eq!(ready["warning"], "no network link is up: no purchase can arrive");
    let link = operator.get("/admin/v1/links/a").await.unwrap();
    let address = link["address"].as_str().unwrap();
    let builder = files.connector(Some(&files.certified(PEER)));
    let mut peer = connect(address, builder).await.expect("the platform trusts it");
    assert_eq!(peer.outcome(&management("001")).await, accepted());
    let ready = operator.get("/readyz").await.unwrap();
    assert_eq!((&ready["links"], &ready["warning"]), (&json!({ "a": "UP" }), &Value::Null));
    let log = fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("a network link is configured"), "{log}");
}
