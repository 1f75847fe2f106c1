//! `network play`: exit codes, what is sent, what is compared, and that no card data are printed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use crypto::{PinBlockFormat, TdesKey, pin_of};
use iso8583::Message;
use serde_json::Value;

use crate::network_host::Host;
use crate::server::{cardbridge, run};

const PAN: &str = "4000990012345678";
const EXPIRY: &str = "3012";
const ZPK: &str = "A1C1649120BFD9D368DFD0680E6E1C3E";
const ZAK: &str = "8F9E04D09B61F47343F49B68F2C1971C";
pub const PAGE: &str = include_str!("../../../../docs/spec/network-iso8583.md");
pub const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/network");
/// Tries for a script that misses a deadline because the machine is busy.
pub const TRIES: usize = 5;
/// A head, and a purchase named `buy`.
const HEAD: &str = "defaults = { 32 = '412345', 41 = 'TERM0001', 49 = '840' }\n\
    vars = { pan = 'env:PAN', expiry = 'env:EXPIRY' }\n";
const BUY: &str = "{ name = 'buy', send = '0100', fields = { 2 = '{pan}', 3 = '000000', \
    4 = '000000001550', 7 = '{now}', 11 = '{stan}', 12 = '{now}', 13 = '{now}', \
    14 = '{expiry}', 37 = '{rrn}' } }";

/// Approves everything but a purchase that was reversed before it came.
fn approve(message: &Message) -> Option<&'static str> {
    let is_reversed = message.text(37) == Some("RRN000900000") && message.mti().class() == 1;
    Some(if is_reversed { "05" } else { "00" })
}

/// Declines every tenth STAN.
fn decline_some(message: &Message) -> Option<&'static str> {
    let is_tenth = message.text(11).is_some_and(|stan| stan.ends_with('0'));
    Some(if is_tenth { "51" } else { "00" })
}

fn say_nothing(_: &Message) -> Option<&'static str> {
    None
}

/// A script in a file of its own.
fn written(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("script.toml");
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (directory, path)
}

/// Plays a file; returns exit code, stdout and stderr, neither of which has card data or keys.
pub fn play_file(file: &str, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = cardbridge();
    command.args(["network", "play", file, "--seed", "41"]).args(options);
    let played = run(command.env("PAN", PAN).env("EXPIRY", EXPIRY));
    for secret in [PAN, ZPK, ZAK, "0012345678", "=3012"] {
        assert!(!played.1.contains(secret) && !played.2.contains(secret), "{secret}: {played:?}");
    }
    played
}

/// Plays these steps against a host.
fn play(
    host: &Host,
    head: &str,
    steps: &[&str],
    options: &[&str],
) -> (Option<i32>, String, String) {
    let text = format!("{HEAD}{head}\nsteps = [\n{}\n]\n", steps.join(",\n"));
    let (_directory, file) = written(&text);
    play_file(&file, &[&["--target", &host.address], options].concat())
}

fn json_lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_scripts_of_the_page_are_the_examples_and_hold() {
    for name in ["purchase", "stand-in", "hostile"] {
        let file = Path::new(EXAMPLES).join(format!("{name}.toml"));
        let text = fs::read_to_string(&file).unwrap();
        assert!(PAGE.contains(&format!("```toml\n{text}```")), "{name}");
        let host = Host::start(approve, None);
        let played = || play_file(file.to_str().unwrap(), &["--target", &host.address]);
        // The scripts have deadlines, which a busy machine may miss.
        let last = (0..TRIES).map(|_| played()).find(|(code, ..)| *code == Some(0));
        let (code, stdout, stderr) = last.unwrap_or_else(played);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name}: {stdout}");
        let steps = text.matches("{ send").count()
            + [
                "{ expect",
                "{ repeat",
                "{ disconnect",
                "{ delay",
                "{ connect",
                "{ closed",
                "{ name",
            ]
            .iter()
            .map(|it| text.matches(it).count())
            .sum::<usize>();
        assert_eq!(stdout.lines().count(), steps, "{stdout}");
    }
}

#[test]
fn values_are_made_and_fields_of_messages_used() {
    let host = Host::start(approve, None);
    let undo = "{ send = '0400', fields = { 2 = '{pan}', 7 = '{now}', 11 = '{stan}', \
        37 = '{buy.37}', 38 = '{yes.38}', 42 = 'no {seller}', 90 = '{original:buy}' }, \
        without = [49] }";
    let yes = "{ name = 'yes', expect = '0110', of = 'buy', fields = { 39 = ['05', '00'], \
        38 = 're:^9[0-9]{5}$', 37 = '{buy.37}', 41 = '*' }, absent = [14, 52] }";
    let steps = [BUY, yes, undo, "{ expect = '0410' }"];
    let (code, stdout, stderr) = play(&host, "", &steps, &["--var", "seller=5"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let [buy, undo] = &host.seen()[..] else { panic!("{stdout}") };
    assert_eq!((buy.text(11), undo.text(11)), ("000042", "000043"));
    assert_eq!((buy.text(37), undo.text(37)), ("000000000042", "000000000042"));
    assert_eq!((buy.text(2), buy.text(14), buy.text(32)), (PAN, EXPIRY, "412345"));
    assert_eq!((undo.text(38), undo.text(42).trim_end()), ("900042", "no 5"));
    assert!(buy.fields.contains_key(&49) && !undo.fields.contains_key(&49));
    let (day, time) = buy.text(7).split_at(4);
    assert_eq!((buy.text(13), buy.text(12)), (day, time));
    assert_eq!(undo.text(90), format!("0100000042{day}{time}0000041234500000000000"));
}

#[test]
fn a_repeat_differs_in_its_time_only() {
    let host = Host::start(approve, None);
    let again = "{ repeat = 'buy', as = '0101' }";
    let answer = "{ expect = '0110', of = 'buy' }";
    let steps = [BUY, answer, "{ delay-ms = 1100 }", again, answer];
    let (code, stdout, _) = play(&host, "", &steps, &[]);
    assert_eq!(code, Some(0), "{stdout}");
    let [first, second] = &host.seen()[..] else { panic!("{stdout}") };
    assert_eq!((first.mti.as_str(), second.mti.as_str()), ("0100", "0101"));
    let differ = |it: &&u8| first.fields[it] != second.fields[it];
    assert_eq!(first.fields.keys().filter(differ).collect::<Vec<_>>(), [&7]);
    assert_eq!(first.fields.len(), second.fields.len());
}

#[test]
fn values_are_filled_up_before_they_are_compared() {
    let host = Host::start(approve, None);
    let send = "{ name = 'short', send = '0100', fields = { 4 = '5', 7 = '{now}', 11 = '7', \
        37 = 'R', 41 = 'T' } }";
    let answer = "{ expect = '0110', of = 'short', fields = { 4 = '{short.4}', 11 = '000007', \
        37 = 'R', 41 = ['{short.41}'] } }";
    let (code, stdout, stderr) = play(&host, "", &[send, answer], &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert_eq!(host.seen()[0].text(4), "000000000005");
}

#[test]
fn the_first_step_that_does_not_hold_is_named() {
    let host = Host::start(approve, None);
    for (step, expected, got) in [
        (
            "{ name = 'no', expect = '0110', of = 'buy', fields = { 39 = '05' } }",
            "field 39 05",
            "00",
        ),
        (
            "{ expect = '0110', fields = { 39 = ['05', 're:^9'] } }",
            "field 39 one of 05, re:^9",
            "00",
        ),
        (
            "{ expect = '0110', fields = { 2 = '4000990000000001' } }",
            "400099******0001",
            "400099******5678",
        ),
        ("{ expect = '0110', fields = { 102 = '*' } }", "field 102 *", "no field 102"),
        ("{ expect = '0110', fields = { 2 = 're:^5' } }", "field 2 re:***", "400099******5678"),
        ("{ expect = '0110', absent = [37] }", "no field 37", "field 37"),
        ("{ expect = '0130' }", "message 0130", "message 0110"),
        ("{ expect = '0110', of = 'buy', after-ms = 60000 }", "after 60000 ms", "one after"),
        ("{ silence-ms = 60000 }", "nothing for 60000 ms", "message 0110"),
        ("{ closed-within-ms = 50 }", "closed within 50 ms", "an open connection"),
    ] {
        let (code, stdout, stderr) = play(&host, "", &[BUY, step, "{ delay-ms = 1 }"], &[]);
        assert_eq!(code, Some(1), "{step}: {stdout}{stderr}");
        assert!(stderr.starts_with("cardbridge: step 2"), "{stderr}");
        assert_eq!(stderr.contains("(no)"), step.contains("'no'"), "{stderr}");
        let (left, right) = stderr.split_once(", got ").unwrap();
        assert!(left.contains(expected) && right.contains(got), "{step}: {stderr}");
        let last = stdout.lines().last().unwrap();
        assert!(stdout.lines().count() == 2 && last.starts_with("  2 FAILED"), "{stdout}");
    }
    let steps = [BUY, "{ expect = '0110', fields = { 39 = '05' } }"];
    let (_, stdout, _) = play(&host, "", &steps, &["--json"]);
    let lines = json_lines(&stdout);
    assert_eq!((&lines[0]["ok"], &lines[1]["ok"]), (&true.into(), &false.into()));
    assert_eq!(lines[0]["fields"]["2"], "400099******5678");
    assert_eq!(lines[0]["fields"]["14"], "***");
    assert_eq!(lines[1]["expected"], "field 39 05");
}

#[test]
fn nothing_and_silence() {
    let host = Host::start(say_nothing, None);
    let late = "{ expect = '0110', of = 'buy', within-ms = 60 }";
    let (code, _, stderr) = play(&host, "", &[BUY, "{ silence-ms = 60 }", late], &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("step 3: expected message 0110, got nothing within 60 ms"), "{stderr}");
    let (code, stdout, stderr) = play(
        &host,
        "timeout-ms = 100",
        &["{ burst = '0100', count = 3, fields = { 7 = '{now}', 11 = '{stan}' } }"],
        &[],
    );
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stderr.contains("expected 3 answers, got 0 in time"), "{stderr}");
}

#[test]
fn a_burst_counts_its_codes() {
    let host = Host::start(decline_some, None);
    let burst = |codes: &str| {
        format!(
            "{{ burst = '0100', count = 200, per-second = 2000, fields = {{ 2 = '{{pan}}', \
             3 = '000000', 4 = '000000000100', 7 = '{{now}}', 11 = '{{stan}}' }}, \
             expect-codes = [{codes}] }}"
        )
    };
    let (code, stdout, _) = play(&host, "", &[&burst("'00', '51'")], &["--json"]);
    assert_eq!(code, Some(0), "{stdout}");
    let codes = &json_lines(&stdout)[0]["codes"];
    assert_eq!((&codes["00"], &codes["51"]), (&180.into(), &20.into()));
    assert_eq!(host.seen().len(), 200);
    let (code, stdout, stderr) = play(&host, "", &[&burst("'00'")], &[]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stderr.contains("expected field 39 one of 00, got 20 answers with 51"), "{stderr}");
    assert!(stdout.contains("00:180 51:20"), "{stdout}");
}

#[test]
fn pin_blocks_and_macs_are_made_and_verified() {
    let host = Host::start(approve, Some(ZAK));
    let head = "keys = { zpk = 'env:ZPK', zak = 'env:ZAK' }";
    let with_pin = BUY.replace("37 = '{rrn}'", "37 = '{rrn}', 52 = '{pin:1234}'");
    let answer = "{ expect = '0110', of = 'buy', fields = { 64 = '*' }, absent = [52] }";
    let bad = "{ send = '0800', fields = { 11 = '{stan}', 64 = '0011223344556677' } }";
    let bare = "{ send = '0800', fields = { 11 = '{stan}', 70 = '001' }, without = [64] }";
    let signed = "{ send = '0800', fields = { 11 = '{stan}', 70 = '001' } }";
    let steps =
        [&with_pin, answer, bad, "{ expect = '0810' }", bare, "{ expect = '0810' }", signed];
    let text = format!("{HEAD}{head}\nsteps = [\n{}\n]\n", steps.join(",\n"));
    let (_directory, file) = written(&text);
    let mut command = cardbridge();
    command.args(["network", "play", &file, "--target", &host.address, "--json"]);
    command.env("PAN", PAN).env("EXPIRY", EXPIRY).env("ZPK", ZPK).env("ZAK", ZAK);
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    host.wait_for(4);
    let seen = host.seen();
    let rights: Vec<_> = seen.iter().map(|it| it.mac_is_right).collect();
    assert_eq!(rights, [Some(true), Some(false), None, Some(true)]);
    assert!(seen[3].fields.contains_key(&128) && !seen[3].fields.contains_key(&64));
    let block = &seen[0].fields[&52];
    let zpk = TdesKey::from_hex(ZPK).unwrap();
    let pin =
        pin_of(&zpk, PinBlockFormat::Iso0, block.as_slice().try_into().unwrap(), PAN).unwrap();
    assert_eq!(pin.as_str(), "1234");
    for secret in [PAN, ZPK, ZAK, &hex::encode_upper(block), "1234\""] {
        assert!(!stdout.contains(secret), "{secret}: {stdout}");
    }
    // An answer under another key is refused.
    let other = format!("keys = {{ zak = '{ZPK}' }}");
    let (code, _, stderr) = play(&host, &other, &[BUY, "{ expect = '0110' }"], &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("expected the right MAC, got a wrong one"), "{stderr}");
}

#[test]
fn connections_are_closed_and_made_and_frames_cut() {
    let host = Host::start(approve, None);
    let echo = "{ send = '0800', fields = { 11 = '{stan}', 70 = '301' }, conn = 1 }";
    let cut = echo.replace("conn", "frame = { bytes = 9 }, conn");
    let long = echo.replace("conn", "frame = { length-offset = 5 }, conn");
    let answer = "{ expect = '0810', conn = 1 }";
    let reconnect = "{ connect = true, conn = 1 }";
    let closed = "{ closed-within-ms = 60000, conn = 1 }";
    let steps = [
        echo,
        answer,
        &cut,
        closed,
        reconnect,
        &long,
        closed,
        reconnect,
        &echo.replace("conn", "times = 3, conn"),
        "{ expect = '0810', conn = 1, times = 3 }",
        "{ disconnect = 'fin', conn = 1 }",
        reconnect,
        "{ drop-reading-ms = 2000, conn = 1 }",
        &echo.replace("send", "name = 'late', send"),
        "{ expect = '0810', of = 'late', after-ms = 100, conn = 1 }",
        "{ disconnect = 'reset', conn = 1 }",
        "{ send = '0800', fields = { 11 = '{stan}', 70 = '301' } }",
        "{ expect = '0810' }",
        echo,
    ];
    let (code, stdout, stderr) = play(&host, "connections = 2", &steps, &[]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stderr.contains("step 19: expected a connection, got none"), "{stderr}{stdout}");
    assert_eq!(host.seen().len(), 6, "{stdout}");
}

/// A script that plays a host.
pub struct PlayedHost {
    _directory: tempfile::TempDir,
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub address: String,
}

impl PlayedHost {
    pub fn start(text: &str) -> Self {
        let (_directory, file) = written(text);
        let mut command = cardbridge();
        command.args(["network", "play", &file, "--json"]).env("PAN", PAN).env("EXPIRY", EXPIRY);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(listening["event"], "listening");
        let address = listening["address"].as_str().unwrap().to_owned();
        Self { _directory, child, stdout, address }
    }

    /// Its exit code and the rest of its output.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains(PAN), "{rest}");
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn a_script_plays_a_host_for_another() {
    let host = PlayedHost::start(&format!(
        "listen = '127.0.0.1:0'\n{HEAD}steps = [\
         {{ answer = '0800', with = {{ 39 = '00' }} }},\
         {{ answer = '0100', with = {{ 38 = '{{stan}}', 39 = '00' }}, after-ms = 200 }},\
         {{ name = 'echo', send = '0800', fields = {{ 7 = '{{now}}', 11 = '{{stan}}', \
            70 = '301' }} }},\
         {{ expect = '0810', of = 'echo', fields = {{ 39 = '00' }} }},\
         {{ expect = '0100', fields = {{ 2 = '{{pan}}' }} }},\
         {{ closed-within-ms = 60000 }} ]"
    ));
    let address = &host.address;
    let steps = "{ expect = '0110', of = 'buy', after-ms = 150, fields = { 38 = '*', 39 = '00' } }";
    let text = format!("target = '{address}'\n{HEAD}steps = [ {BUY}, {steps} ]\n");
    let (_directory, file) = written(&text);
    let (code, acquirer, stderr) = play_file(&file, &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{acquirer}");
    let (code, rest) = host.end();
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(rest.lines().count(), 6, "{rest}");
}

#[test]
fn a_connection_ends_in_order_or_at_once() {
    let host = Host::start(say_nothing, None);
    for (step, is_reset) in [("{ disconnect = 'fin' }", false), ("{ disconnect = 'reset' }", true)]
    {
        let (code, stdout, _) = play(&host, "", &[BUY, step], &[]);
        assert_eq!(code, Some(0), "{stdout}");
        assert_eq!(host.next_end_is_reset(), is_reset, "{step}");
    }
}

#[test]
fn every_way_of_writing_messages_is_played() {
    let zak = format!("keys = {{ zak = '{ZAK}' }}");
    for (head, version, code) in [
        ("packager = 'iso87binary'\nlength = 'bcd2'\nheader = 'tpdu'", 0, "00"),
        ("packager = 'iso93ascii'\nlength = 'ascii4'\nheader = 12", 1, "000"),
        ("bitmap = 'hex128'\nlength = 'binary4'\nlength-includes-itself = true", 0, "00"),
        ("length = 'binary2-00'\nfields = { 54 = { format = 'ans...240' } }", 0, "00"),
    ] {
        let host = PlayedHost::start(&format!(
            "listen = '127.0.0.1:0'\n{zak}\n{head}\nsteps = [\
             {{ answer = '{version}100', with = {{ 39 = '{code}' }} }},\
             {{ expect = '{version}100', fields = {{ 2 = '4000990012345678', 64 = '*' }} }},\
             {{ expect = '{version}420', fields = {{ 128 = '*' }} }},\
             {{ closed-within-ms = 60000 }} ]"
        ));
        let place = if version == 0 { 90 } else { 56 };
        let text = format!(
            "target = '{}'\n{HEAD}{zak}\n{head}\nsteps = [\
             {{ name = 'buy', send = '{version}100', fields = {{ 2 = '{{pan}}', 7 = '{{now}}', \
                11 = '{{stan}}', 12 = '{{now}}' }} }},\
             {{ expect = '{version}110', of = 'buy', fields = {{ 39 = '{code}', 64 = '*' }} }},\
             {{ send = '{version}420', fields = {{ 11 = '{{stan}}', {place} = '{{original:buy}}', \
                102 = 'x' }} }} ]",
            host.address
        );
        let (_directory, file) = written(&text);
        let (code, stdout, stderr) = play_file(&file, &[]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{head}: {stdout}");
        let (code, stdout) = host.end();
        assert_eq!(code, Some(0), "{head}: {stdout}");
    }
}

#[test]
fn without_a_listener_there_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (_directory, file) = written("target = 'x'\nsteps = [ { delay-ms = 1 } ]");
    let (code, stdout, stderr) = play_file(&file, &["--target", &address]);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains(&address) && stderr.lines().count() == 1, "{stderr}");
    let (_directory, file) =
        written("listen = '127.0.0.1:0'\ntimeout-ms = 50\nsteps = [ { silence-ms = 1 } ]");
    let (code, _, stderr) = play_file(&file, &[]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("step 1: "), "{stderr}");
    assert!(stderr.contains("nobody connected"), "{stderr}");
}

#[test]
fn a_bad_script_names_step_and_key() {
    let host = Host::start(approve, None);
    for (head, step, named) in [
        ("bogus = 1", BUY, "bogus"),
        ("tls = { ca = 'x' }", BUY, "unknown field `ca`"),
        ("tls = {}", BUY, "tls.client-ca-file: should be set where one connects"),
        ("tls = { client-ca-file = '/nowhere' }", BUY, "tls.client-ca-file: /nowhere"),
        ("packager = 'x'", BUY, "packager: should be one of iso87ascii"),
        ("fields = { 54 = { format = 'q' } }", BUY, "fields.54.format"),
        ("connections = 65", BUY, "connections"),
        ("keys = { zak = '12' }", BUY, "keys.zak: should be 32"),
        ("keys = { zak = 'env:NO_KEY' }", BUY, "keys.zak: the environment has no NO_KEY"),
        ("", "{ name = 'x', bogus = 1 }", "step 1 (x): should have one of send"),
        ("", "{ send = '0100', expect = '0110' }", "step 1: should have one of send"),
        ("", "{ send = '0100', bogus = 1 }", "bogus"),
        ("", "{ send = '010' }", "send: should be a message type"),
        ("", "{ send = '1100', fields = { 4 = '1' } }", "step 1: fields.0: unsupported_version"),
        ("", "{ send = '0100', fields = { 4 = 'x' } }", "step 1: fields.4: not_numeric"),
        ("", "{ send = '0100', fields = { 1 = 'x' } }", "fields.1: should be a field"),
        ("", "{ send = '0100', fields = { 4 = '{amount}' } }", "fields.4: {amount} is not in vars"),
        ("", "{ send = '0100', fields = { 4 = '{now}' } }", "fields.4: {now} has no form"),
        ("", "{ send = '0100', fields = { 4 = '{a.4}' } }", "fields.4: no earlier step"),
        ("", "{ send = '0100', fields = { 4 = '{now' } }", "fields.4: a brace"),
        ("", "{ send = '0100', fields = { 2 = '{pan}', 52 = '{pin:1234}' } }", "needs keys.zpk"),
        ("", "{ send = '0100', frame = { raw = '0' } }", "frame.raw"),
        ("", "{ send = '0100', fields = { 4 = '1' }, frame = { raw = '00' } }", "frame.raw"),
        ("", "{ expect = '0110', of = 'buy' }", "of: no earlier step"),
        ("", "{ expect = '0110', fields = { 39 = 're:(' } }", "fields.39: is not a regular"),
        ("", "{ expect = '0110', fields = { 39 = '{stan}' } }", "fields.39: an expected value"),
        ("", "{ silence-ms = 1, within-ms = 1 }", "within-ms: is no key of a step with silence-ms"),
        ("", "{ silence-ms = 3600001 }", "silence-ms: should be at most"),
        ("", "{ burst = '0100', count = 10001 }", "count: should be from 1 to 10000"),
        ("", "{ answer = '0100' }", "answer: needs a script with listen"),
        ("", "{ repeat = 'buy' }", "repeat: no earlier step"),
        ("", "{ disconnect = 'x' }", "disconnect: should be fin or reset"),
        ("", "{ delay-ms = 1, conn = 1 }", "conn: should be below connections"),
        ("", "{ delay-ms = 1, times = 0 }", "times: should be from 1"),
        ("", "{ delay-ms = '4000990012345678' }", "delay-ms"),
    ] {
        let (code, stdout, stderr) = play(&host, head, &[step], &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{head} {step}: {stderr}");
        assert!(stderr.contains(named) && stderr.lines().count() == 1, "{named} not in {stderr}");
    }
    let twice = [BUY, BUY];
    let (code, _, stderr) = play(&host, "", &twice, &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("step 2 (buy): name: an earlier step has it"), "{stderr}");
    let (code, _, stderr) = play(&host, "", &[BUY], &["--var", "seller=4000990012345678"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--var seller: the script has none"), "{stderr}");
    let (code, _, stderr) = play(&host, "", &[BUY], &["--var", "4000990012345678"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--var"), "{stderr}");
    let (code, _, stderr) = play(&host, "= 1", &[BUY], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("line 3"), "{stderr}");
    assert!(host.seen().is_empty());
    let missing = play_file("/missing.toml", &[]);
    assert_eq!(missing.0, Some(2));
}

#[test]
fn a_target_without_a_port_and_a_response_code_are_named_first() {
    let host = Host::start(approve, None);
    let (_directory, file) = written(&format!("{HEAD}\nsteps = [\n{BUY}\n]\n"));
    let (code, _, stderr) = play_file(&file, &["--target", "localhost"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--target: should be HOST:PORT"), "{stderr}");
    let wrong = "{ expect = '0110', of = 'buy', fields = { 38 = '000001', 39 = '05' } }";
    let (code, _, stderr) = play(&host, "", &[BUY, wrong], &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("expected field 39 05, got 00"), "{stderr}");
}
