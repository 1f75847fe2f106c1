//! `iso describe`: exit codes, and that no card data are printed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::server::{cardbridge, run};

fn vectors() -> Value {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/data"));
    let text = fs::read_to_string(directory.join("iso8583-vectors.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn vector(id: &str) -> Value {
    let vectors = vectors();
    let mut all = vectors["vectors"].as_array().unwrap().iter();
    all.find(|vector| vector["id"] == id).unwrap().clone()
}

/// Describes what comes by standard input; returns exit code, stdout and stderr.
fn describe(options: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = cardbridge();
    command.args(["iso", "describe"]).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its options does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The card data of a message: PAN, PIN block, tracks and their parts, CVV2, key.
fn secrets(vector: &Value) -> Vec<String> {
    let field = |number: &str| vector["fields"][number].as_str().map(str::to_owned);
    let mut secrets: Vec<_> =
        ["2", "35", "36", "45", "48", "52"].into_iter().filter_map(field).collect();
    for track in ["35", "45"].into_iter().filter_map(field) {
        secrets.extend(track.split(['=', '^']).filter(|it| it.len() > 9).map(str::to_owned));
    }
    if let Some(cvv2) = field("48").filter(|it| it.starts_with("9203")) {
        secrets.push(format!(": {}", &cvv2[4..]));
    }
    let hexadecimal = secrets.iter().map(hex::encode_upper).collect::<Vec<_>>();
    secrets.extend(hexadecimal);
    secrets
}

#[test]
fn no_card_data_of_any_vector_are_printed() {
    let vectors = vectors();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 25);
    let mut count = 0;
    for vector in vectors {
        let packager = ["--packager", vector["packager"].as_str().unwrap()];
        for json in [&[][..], &["--json"]] {
            let options = [&packager[..], json].concat();
            let (code, stdout, stderr) = describe(&options, vector["hex"].as_str().unwrap());
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{}", vector["id"]);
            assert!(stdout.contains(vector["mti"].as_str().unwrap()));
            for secret in secrets(vector) {
                assert!(!stdout.contains(&secret), "{}: {secret} in\n{stdout}", vector["id"]);
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_message_is_described() {
    let purchase = vector("V01");
    let (code, stdout, _) = run(cardbridge()
        .args(["iso", "describe"])
        .arg(purchase["hex"].as_str().unwrap().to_lowercase()));
    assert_eq!(code, Some(0));
    for line in [
        "0100 authorisation request",
        "  2 primary account number (PAN)      16  400099******5678",
        "  4 amount, transaction               12  000000001550  (15.50 USD)",
        " 14 expiry                             4  ***",
        "      city: SINGAPORE",
        "      tag 92, length 03: ***",
        " 49 currency, transaction              3  840  (USD)",
    ] {
        assert!(stdout.lines().any(|it| it == line), "{line} is not in\n{stdout}");
    }
}

#[test]
fn frames_are_described_one_after_the_other() {
    let chip = vector("V05");
    let frame = chip["frame"]["hex"].as_str().unwrap();
    let options = ["--packager", "iso87binary", "--framed", "binary2,tpdu", "--json"];
    // Two frames with a keep-alive between them, in lines.
    let (code, stdout, stderr) = describe(&options, &format!("{frame}\n0000\n{frame}\n"));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let described: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(described.len(), 2);
    assert_eq!(described[0], described[1]);
    assert_eq!(described[0]["fields"][0]["value"], "400099*****9994");
    for (input, why) in [(&frame[..20], "partial_frame"), ("FFFF00", "partial_frame")] {
        let (code, stdout, stderr) = describe(&options, input);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains(why), "{stderr}");
    }
    let (code, _, stderr) = describe(&["--framed", "ascii4"], "41414141");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("bad_length"), "{stderr}");
}

#[test]
fn a_fault_is_printed_after_what_was_decoded() {
    let vectors = vectors();
    let refused = vectors["invalid"].as_array().unwrap();
    for invalid in refused {
        let options = ["--packager", invalid["packager"].as_str().unwrap()];
        let (code, stdout, stderr) = describe(&options, invalid["hex"].as_str().unwrap());
        assert_eq!(code, Some(1), "{}", invalid["id"]);
        let name = invalid["error"].as_str().unwrap();
        let beginning = format!("error {name} {} ", invalid["field"]);
        assert!(stdout.lines().last().unwrap().starts_with(&beginning), "{stdout}");
        assert!(stderr.contains(name) && stderr.lines().count() == 1, "{stderr}");
    }
    let (_, stdout, _) = describe(&["--json"], "30313030");
    let described: Value = serde_json::from_str(&stdout).unwrap();
    let error = &described["error"];
    assert_eq!((&error["error"], &error["field"]), (&"truncated".into(), &1.into()));
}

#[test]
fn a_link_of_a_file_lays_out_the_message() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("links.toml");
    let text = "listen = '127.0.0.1:0'\n[[links]]\nname = 'a'\nlength = 'bcd2'\n\
        [[links]]\nname = 'b'\npackager = 'iso87binary'\nbitmap = 'hex'\n\
        [links.fields]\n11 = { digits = 'ascii' }\n[links.tls]\ncert-file = 'x'\n";
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let options = ["--links-file", file, "--link", "b"];
    let message = "0800\n30303230303030303030303030303030\n303030303031";
    let (code, stdout, stderr) = describe(&options, message);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains(" 11 system trace audit number (STAN)   6  000001"), "{stdout}");
    let (code, stdout, _) = describe(&options, &message[..message.len() - 2]);
    assert_eq!(code, Some(1));
    assert!(stdout.ends_with("error truncated 11 18\n"), "{stdout}");
}

#[test]
fn a_bad_option_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("links.toml");
    fs::write(&file, "[[links]]\nname = 'a'\nbitmap = 'x'\n[[links]]\nname = 'b'\nfields.2 = 1\n")
        .unwrap();
    let bad = file.to_str().unwrap();
    fs::write(directory.path().join("one.toml"), "[[links]]\nname = 'a'\nbitmap = 'x'\n").unwrap();
    let one = directory.path().join("one.toml");
    let one = one.to_str().unwrap();
    for (options, input, named) in [
        (&["--packager", "x"][..], "", "--packager: should be one of iso87ascii"),
        (&["--framed", "x"], "", "--framed: its length should be one of binary2"),
        (&["--framed", "binary2,x"], "", "--framed: its header should be none, tpdu"),
        (&["--link", "a"], "", "--links-file"),
        (&["--links-file", one], "", "--link"),
        (&["--links-file", "/missing", "--link", "a"], "", "--links-file /missing"),
        (&["--links-file", one, "--link", "b"], "", "--link: should be the name"),
        (&["--links-file", one, "--link", "a"], "", "links.bitmap: should be one of hex"),
        (&["--links-file", bad, "--link", "a"], "", "--links-file"),
        (&["--links-file", one, "--link", "a", "--packager", "iso87ascii"], "", "--packager"),
        (&[], "0g", "HEX: should be pairs of hexadecimal digits"),
        (&[], "012", "HEX: should be pairs of hexadecimal digits"),
        (&["é"], "", "HEX: should be pairs of hexadecimal digits"),
    ] {
        let (code, stdout, stderr) = describe(options, input);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{options:?}: {stderr}");
        assert!(stderr.contains(named) && stderr.lines().count() == 1, "{options:?}: {stderr}");
    }
    let (code, _, stderr) = describe(&[], &"0".repeat((1 << 20) + 1));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("at most 1 MiB"), "{stderr}");
}
