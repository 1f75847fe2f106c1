//! `network play` with TLS, against itself and against a link.

use std::fs;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use tempfile::TempDir;

use crate::certificates::certificate;
use crate::engine::Engine;
use crate::links::{configured, table};
use crate::network_play::{PlayedHost, play_file};
use crate::world::{World, text};

/// A directory with an authority and two certificates: `host` for localhost, and `peer`.
fn files() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (authority, key) = certificate("Test Authority", None);
    put(directory.path(), "ca", &authority, None);
    for (name, host) in [("host", "localhost"), ("peer", "switch-a.example")] {
        let (own, own_key) = certificate(host, Some((&authority, &key)));
        put(directory.path(), name, &own, Some(&own_key));
    }
    directory
}

fn put(directory: &Path, name: &str, certificate: &X509, key: Option<&PKey<Private>>) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(directory.join(format!("{name}.pem")), certificate.to_pem().unwrap()).unwrap();
    if let Some(key) = key {
        let file = directory.join(format!("{name}.key"));
        fs::write(&file, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// The keys of a table of TLS, one a line.
fn tls(files: &TempDir, own: Option<&str>, more: &str) -> String {
    let directory = files.path().display();
    let own = own.map_or(String::new(), |own| {
        format!("cert-file = '{directory}/{own}.pem'\nkey-file = '{directory}/{own}.key'\n")
    });
    format!("{own}client-ca-file = '{directory}/ca.pem'\n{more}\n")
}

/// A script in a file: its head, its steps and its table of TLS.
fn script(files: &TempDir, name: &str, head: &str, steps: &str, tls: &str) -> String {
    let file = files.path().join(name);
    let text = format!("{head}\nsteps = [ {steps} ]\n[tls]\n{tls}");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// An echo test of this name, which is answered.
fn echo(name: &str) -> String {
    format!(
        "{{ name = '{name}', send = '0800', fields = {{ 7 = '{{now}}', 11 = '{{stan}}', \
         70 = '301' }} }}, {{ expect = '0810', of = '{name}', fields = {{ 39 = '00' }} }}"
    )
}

#[test]
fn scripts_play_both_sides_of_tls() {
    let files = files();
    let host = format!(
        "listen = '127.0.0.1:0'\nsteps = [ {{ closed-within-ms = 60000 }} ]\n[tls]\n{}",
        tls(&files, Some("host"), "peer-names = ['switch-a.example']")
    );
    let host = PlayedHost::start(&host);
    let port = host.address.rsplit_once(':').unwrap().1;
    let head = format!("target = 'localhost:{port}'");
    let file = script(&files, "a.toml", &head, &echo("first"), &tls(&files, Some("peer"), ""));
    let (code, stdout, stderr) = play_file(&file, &[]);
    assert_eq!(code, Some(0), "{stdout} {stderr}");
    assert_eq!(host.end().0, Some(0));
}

#[test]
fn a_host_without_the_right_certificate_is_no_connection() {
    let files = files();
    let strangers = self::files();
    let host = format!(
        "listen = '127.0.0.1:0'\nsteps = [ {{ closed-within-ms = 60000 }} ]\n[tls]\n{}",
        tls(&strangers, Some("host"), "")
    );
    let host = PlayedHost::start(&host);
    let port = host.address.rsplit_once(':').unwrap().1;
    let head = format!("target = 'localhost:{port}'");
    let file = script(&files, "a.toml", &head, &echo("first"), &tls(&files, Some("peer"), ""));
    let (code, _, stderr) = play_file(&file, &[]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("no TLS: "), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_plays_against_a_link_with_tls() {
    let files = files();
    let keys = tls(&files, Some("host"), "");
    let file = configured(&files, &(table("default", "") + "[links.tls]\n" + &keys));
    let world = World::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let port = text(&world.sandbox()["links"], "default");
    let port = port.rsplit_once(':').unwrap().1;
    let head = format!("target = 'localhost:{port}'");
    let (first, second) = (echo("first"), echo("second"));
    let reset = format!("{first}, {{ disconnect = 'reset' }}, {{ connect = true }}, {second}");
    let trusted = script(&files, "a.toml", &head, &reset, &tls(&files, Some("peer"), ""));
    // Without a certificate the link closes the connection.
    let unknown = script(&files, "b.toml", &head, &echo("first"), &tls(&files, None, ""));
    let played =
        tokio::task::spawn_blocking(move || [trusted, unknown].map(|file| play_file(&file, &[])));
    let [trusted, unknown] = played.await.unwrap();
    assert_eq!(trusted.0, Some(0), "{} {}", trusted.1, trusted.2);
    assert!(matches!(unknown.0, Some(1 | 3)), "{} {}", unknown.1, unknown.2);
}
