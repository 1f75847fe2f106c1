use std::collections::BTreeMap;

use iso8583::{Header, LengthPrefix};
use scheme::Cvv2Place;

use super::*;
use crate::config::Flags;
use crate::config::link_keys::KEYS;

fn load(
    flags: &[(&'static str, &str)],
    file: &str,
    mode: Mode,
) -> Result<Vec<LinkSettings>, String> {
    let flags: Flags = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    Layers::with_document(flags, BTreeMap::new(), Some(("x.toml", file)))
        .and_then(|layers| links(&layers, mode))
        .map_err(|failure| failure.to_string())
}

/// The one link with these further keys.
fn one(keys: &str) -> Result<LinkSettings, String> {
    let file = format!("[[links]]\nname = 'a'\nlisten = '127.0.0.1:8583'\n{keys}");
    load(&[], &file, Mode::Sandbox).map(|mut links| links.pop().unwrap())
}

#[test]
fn a_link_has_the_defaults_of_the_specification() {
    let link = one("").ok().unwrap();
    assert_eq!((link.name.as_str(), link.network.as_str()), ("a", "a"));
    let LinkMode::Listen { address, allow, max_connections } = &link.mode else {
        panic!("listens")
    };
    assert_eq!((address.port(), allow.len(), *max_connections), (8_583, 0, 8));
    assert_eq!(link.layout.packager(), Packager::Iso87Ascii);
    assert_eq!(link.framing.length, LengthPrefix::Binary2);
    assert_eq!((link.framing.header, link.framing.max_frame_bytes), (Header::None, 8_192));
    assert_eq!((link.sign_on, link.echoes_keep_alive), (SignOn::Peer, false));
    assert_eq!((link.sender.terminal, link.place), (None, Place::default()));
    assert_eq!(link.echo, iso8583::default_echo());
    let seconds = Duration::from_secs;
    let times = &link.times;
    assert_eq!([times.frame, times.write, times.response], [seconds(5); 3]);
    assert_eq!((times.idle, times.echo_interval), (None, Some(seconds(60))));
    assert_eq!(times.echo_timeout, seconds(10));
    assert_eq!(times.answer_margin, Duration::from_millis(300));
    let caps = &link.caps;
    assert_eq!((caps.in_flight, caps.per_second), (512, 1_000));
}

#[test]
fn a_link_takes_what_its_table_says() {
    let link =
        one("network = 'n'\nmode = 'listen'\nmax_connections = 2\nallow = ['10.0.0.0/8', '::1']\n\
         dialect = '1987'\npackager = 'iso87binary'\nlength = 'ascii4'\nheader = 'tpdu'\n\
         header-own = '6000010002'\nkeep-alive = 'echo'\nmax-frame = 256\nplace = '23,13,2,2'\n\
         sign-on = 'none'\nterminal = 'CARD'\necho-interval-s = 0\nidle-timeout-s = 7\n\
         frame-timeout-ms = 100\nwrite-timeout-ms = 200\nresponse-time-ms = 1000\n\
         answer-margin-ms = 0\nno-answer-code = '91'\nmax-in-flight = 3\nmax-per-second = 4\n\
         acquirer = '00412345'\n\
         echo = [2, 11]\necho-timeout-ms = 300\n[links.fields]\n54 = { format = 'ans...240' }")
        .ok()
        .unwrap();
    let LinkMode::Listen { allow, max_connections, .. } = &link.mode else { panic!("listens") };
    assert_eq!((link.network.as_str(), allow.len(), *max_connections), ("n", 2, 2));
    assert_eq!(link.layout.packager(), Packager::Iso87Binary);
    assert_eq!(link.layout.field(54).unwrap().format.max, 240);
    assert_eq!(link.framing.length, LengthPrefix::Ascii4);
    assert_eq!(link.framing.header.own(), [0x60, 0, 1, 0, 2]);
    assert!(link.echoes_keep_alive && link.sign_on == SignOn::Nobody);
    assert_eq!(link.sender.terminal.as_deref(), Some("CARD    "));
    assert_eq!(link.sender.acquirer.as_deref(), Some("00412345"));
    assert_eq!((link.times.echo_interval, link.times.idle), (None, Some(Duration::from_secs(7))));
    assert_eq!(link.times.frame, Duration::from_millis(100));
    assert_eq!(link.echo, [2, 11].into_iter().collect());
    let caps = &link.caps;
    assert_eq!((caps.in_flight, caps.per_second), (3, 4));
    let reading = |keys| one(keys).ok().unwrap().security.reading;
    assert_eq!(reading("").track_cvv, Some(5));
    assert_eq!(reading("track-cvv = 'off'").track_cvv, None);
    let tag = Cvv2Place::Tag { field: 48, tag: "92".to_owned(), skip: 1 };
    assert_eq!(reading("cvv2 = { field = 48, tag = '92', skip = 1 }").cvv2, Some(tag));
    let fixed = Cvv2Place::Fixed { field: 126, offset: 0, length: 3 };
    assert_eq!(reading("cvv2 = { field = 126, offset = 0, length = 3 }").cvv2, Some(fixed));
}

#[test]
fn a_link_of_1993_has_its_own_defaults_and_codes() {
    let link = one("dialect = '1993'\npackager = 'iso93ascii'\nno-answer-code = '907'\n\
         key-field = 96\n[links.codes]\nenterprise_not_allowed = '119'\n\
         [links.fields]\n70 = { enabled = false }")
    .ok()
    .unwrap();
    assert_eq!(link.layout.packager(), Packager::Iso93Ascii);
    assert_eq!(link.echo, Packager::Iso93Ascii.default_echo());
    assert!(link.echo.contains(56) && !link.echo.contains(90));
    assert_eq!(link.security.key_field, 96);
    assert!(link.layout.field(70).is_none());
    let fields = one("packager = 'iso93ascii'\necho = [2, 11, 56]").ok().unwrap().echo;
    assert_eq!(fields, [2, 11, 56].into_iter().collect());
}

#[test]
fn what_1993_does_not_have_is_refused() {
    for (keys, key, should_be) in [
        ("place = '25,13,2'", "links.place", "left out with dialect 1993"),
        ("no-answer-code = '05'", "links.no-answer-code", "three digits"),
        ("no-answer-code = '000'", "links.no-answer-code", "1, 2 or 9"),
        ("[links.codes]\nwrong_pin = '400'", "links.codes.wrong_pin", "1, 2 or 9"),
        ("echo = [90]", "links.echo", "may repeat"),
        ("dialect = '1987'", "links.dialect", "1993"),
        ("[links.fields]\n24 = { enabled = false }", "links.fields.24.enabled", "true"),
        ("key-field = 49", "links.key-field", "48, 96 or 125"),
    ] {
        are_refused(&[(&format!("packager = 'iso93ascii'\n{keys}"), key, should_be)]);
    }
    are_refused(&[("key-field = 96", "links.key-field", "48 or 125")]);
}

/// Keys, the one at fault, and what its value should be.
fn are_refused(tables: &[(&str, &str, &str)]) {
    for (keys, key, should_be) in tables {
        let line = one(keys).err().unwrap_or_else(|| panic!("{keys} is refused"));
        assert!(line.starts_with(&format!("x.toml: {key}: should be ")), "{line}");
        assert!(line.contains(should_be), "{line}");
    }
}

#[test]
fn a_link_that_connects_has_targets() {
    let table = "[[links]]\nname = 'a'\nmode = 'connect'\nsign-on = 'us'\n";
    let load = |keys: &str| {
        let mut links = load(&[], &format!("{table}{keys}"), Mode::Sandbox)?;
        Ok::<_, String>(links.pop().unwrap())
    };
    let link = load("connect = ['10.0.0.5:9001', 'b.example:2']").ok().unwrap();
    let LinkMode::Connect { targets, connections } = &link.mode else { panic!("connects") };
    let texts: Vec<_> = targets.iter().map(ToString::to_string).collect();
    assert_eq!((texts.join(" ").as_str(), *connections), ("10.0.0.5:9001 b.example:2", 2));
    assert_eq!((link.sign_on, link.mode.max_connections()), (SignOn::Us, 4));
    for (keys, key, should_be) in [
        ("", "links.connect", "addresses and ports"),
        ("connect = []", "links.connect", "addresses and ports"),
        ("connect = ['10.0.0.5']", "links.connect", "addresses and ports"),
        ("connect = ['a:1']\nconnections = 17", "links.connections", "1 to 16"),
        ("connect = ['a:1']\nlisten = '127.0.0.1:0'", "links.listen", "left out"),
        ("connect = ['a:1']\nallow = []", "links.allow", "left out"),
        ("connect = ['a:1']\nmax-connections = 1", "links.max-connections", "left out"),
    ] {
        let line = load(keys).err().unwrap_or_else(|| panic!("{keys} is refused"));
        assert!(line.starts_with(&format!("x.toml: {key}: should be ")), "{line}");
        assert!(line.contains(should_be), "{line}");
    }
}

#[test]
fn a_bad_key_or_value_is_answered_with_the_key_and_what_it_should_be() {
    are_refused(&[
        ("strict = 1", "links.strict", "true or false"),
        ("prefixes = ['4x']", "links.prefixes", "leading digits"),
        ("prefixes = ['']", "links.prefixes", "leading digits"),
        ("answer-on = 'x'", "links.answer-on", "one of same, any"),
        ("[links.processing-codes]\n26 = 'X'", "links.processing-codes.26", "R, C, P or Q"),
        ("[links.processing-codes]\n00 = 'P'", "links.processing-codes.00", "without a meaning"),
        ("[links.processing-codes]\n26 = 1", "links.processing-codes.26", "a text"),
        ("[links.codes]\nmoon_phase = '57'", "links.codes.moon_phase", "the word of a decline"),
        ("[links.codes]\napproved = '57'", "links.codes.approved", "the word of a decline"),
        ("[links.codes]\nwrong_pin = '00'", "links.codes.wrong_pin", "do not approve"),
        ("no-answer-code = '00'", "links.no-answer-code", "do not approve"),
        ("max-forced-per-day = 1", "links.max-forced-per-day", "a table"),
        (
            "max-forced-per-day = { amount = '0', currency = 'USD' }",
            "links.max-forced-per-day",
            "above zero",
        ),
        ("network = 'A'", "links.network", "a to z"),
        ("network = 'sandbox'", "links.network", "another name"),
        ("mode = 'x'", "links.mode", "one of listen, connect"),
        ("mode = 'connect'", "links.listen", "left out with mode = connect"),
        ("connect = ['a:1']", "links.connect", "left out unless mode = connect"),
        ("connections = 2", "links.connections", "left out unless mode = connect"),
        ("max-connections = 0", "links.max-connections", "1 to 1024"),
        ("max-frame = 'x'", "links.max-frame", "256 to 65535"),
        ("allow = ['x']", "links.allow", "networks such as"),
        ("allow = '10.0.0.0/8'", "links.allow", "a list of texts"),
        ("packager = 'x'", "links.packager", "one of"),
        ("dialect = '1993'", "links.dialect", "1987"),
        ("length = 'x'", "links.length", "binary2"),
        ("header = true", "links.header", "a number or a text"),
        ("header = 65", "links.header", "1 to 64"),
        ("length-includes-itself = 1", "links.length-includes-itself", "true or false"),
        ("keep-alive = 'x'", "links.keep-alive", "one of ignore, echo"),
        ("place = '40'", "links.place", "25,13,2"),
        ("sign-on = 'x'", "links.sign-on", "one of peer, us, none"),
        ("terminal = 'NINECHARS'", "links.terminal", "at most 8"),
        ("acquirer = ''", "links.acquirer", "1 to 11 digits"),
        ("acquirer = '412345678901'", "links.acquirer", "1 to 11 digits"),
        ("acquirer = '4123A5'", "links.acquirer", "1 to 11 digits"),
        ("no-answer-code = '5'", "links.no-answer-code", "two digits"),
        ("answer-margin-ms = 5000", "links.answer-margin-ms", "below response-time-ms"),
        ("echo = [35]", "links.echo", "may repeat"),
        ("echo = [300]", "links.echo", "may repeat"),
        ("frame-timeout-ms = 99", "links.frame-timeout-ms", "100 to 60000"),
        ("max-frame = 256\nmax_frame = 256", "links.max-frame", "once"),
        ("[links.fields]\n54 = { format = 'x' }", "links.fields.54.format", "a format"),
        ("[links.fields]\n54 = { size = 1 }", "links.fields.54", "enabled, format"),
        ("[links.tls]\ncert = 'x'", "links.tls", "a table of cert-file, key-file"),
        ("[links.tls]\ncert-file = '/dev/null'", "links.tls.key-file", "set where cert-file is"),
        ("[links.tls]\nkey-file = 'x'", "links.tls.key-file", "a readable file of mode 0600"),
        ("[links.tls]\npeer-names = ['a']", "links.tls.client-ca-file", "set where peer-names is"),
        ("[links.tls]", "links.tls.cert-file", "set where one listens"),
    ]);
    for (file, key) in [
        ("links = 1", "links: should be"),
        ("[links]\nname = 'a'", "links: should be a list"),
        ("[[links]]\nlisten = '127.0.0.1:1'", "links.name: should be set"),
        ("[[links]]\nname = 'a'", "links.listen: should be an address"),
        ("[[links]]\nname = 'a'\nlisten = '8583'", "links.listen: should be an address"),
    ] {
        let line = load(&[], file, Mode::Sandbox).err().unwrap();
        assert!(line.starts_with(&format!("x.toml: {key}")), "{line}");
    }
}

#[test]
fn a_bad_key_or_value_of_security_is_answered_in_the_same_way() {
    for (keys, key, should_be) in [
        ("mac = 'verify'", "links.mac", "none without zmk-files"),
        ("mac = 'all'\n[links.keys]\nzmk_files = ['x']", "links.mac", "none without zak"),
        ("mac = 'x'", "links.mac", "one of none, verify, all"),
        ("pin-block = 'x'", "links.pin-block", "one of iso0, iso3"),
        ("track-cvv = 31", "links.track-cvv", "0 to 30, or off"),
        ("track-cvv = 'on'", "links.track-cvv", "0 to 30, or off"),
        ("cvv2 = { field = 42, offset = 0, length = 3 }", "links.cvv2.field", "never shown"),
        ("cvv2 = { field = 48 }", "links.cvv2", "field and tag"),
        ("cvv2 = { field = 48, tag = '9' }", "links.cvv2", "field and tag"),
        ("cvv2 = { field = 48, tag = '92', length = 3 }", "links.cvv2", "field and tag"),
        ("cvv2 = { field = 126, offset = 0, length = 5 }", "links.cvv2", "field and tag"),
        ("cvv2 = { field = 126, at = 0 }", "links.cvv2", "field and tag"),
        ("key-field = 49", "links.key-field", "48 or 125"),
        ("chip-unverified = 'x'", "links.chip-unverified", "one of decline, approve"),
        ("emv = 1", "links.emv", "a list of tables"),
        ("mac-failure = 'x'", "links.mac-failure", "one of drop, answer"),
    ] {
        let line = one(keys).err().unwrap_or_else(|| panic!("{keys} is refused"));
        assert!(line.starts_with(&format!("x.toml: {key}: should be ")), "{line}");
        assert!(line.contains(should_be), "{line}");
    }
}

#[test]
fn names_are_unique_and_the_flag_opens_one_link() {
    let table = "[[links]]\nname = 'default'\nlisten = '127.0.0.1:1'\n";
    let flag = [("iso-listen", "127.0.0.1:0")];
    let opened = load(&flag, "", Mode::Sandbox).ok().unwrap();
    assert_eq!(opened.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["default"]);
    let line = load(&flag, table, Mode::Sandbox).err().unwrap();
    assert!(line.contains("\"default\" is there twice"), "{line}");
    let line = load(&[("iso-listen", "8583")], "", Mode::Sandbox).err().unwrap();
    assert!(line.starts_with("--iso-listen: should be an address"), "{line}");
}

#[test]
fn production_takes_no_link_without_a_certificate_of_the_peer() {
    let table = "[[links]]\nname = 'a'\nlisten = '127.0.0.1:1'\nallow = ['10.0.0.0/8']\n";
    let line = load(&[], table, Mode::Production).err().unwrap();
    assert!(line.starts_with("x.toml: links.tls.client-ca-file: should be set"), "{line}");
    let line = load(
        &[],
        &format!(
            "{table}mac = 'verify'\n[links.keys]\nzmk-files = ['a']\n\
        zmk-kcv = '63EE2D'\nzak = 'MX00'\nsoftware-keys = true\n"
        ),
        Mode::Production,
    );
    let line = line.err().unwrap();
    assert!(line.starts_with("x.toml: links.max-forced-per-day: should be set in"), "{line}");
    let signed = "max-forced-per-day = { amount = '100.00', currency = 'USD' }\nmac = 'verify'\n\
                  [links.keys]\nsoftware-keys = true\nzmk-files = ['a', 'b']\n\
                  zmk-kcv = '63EE2D'\nzak = 'MX00'\n";
    assert!(load(&[], &format!("{table}{signed}"), Mode::Production).is_ok());
    let line = load(&[], &table.replace("['10.0.0.0/8']", "[]"), Mode::Production).err().unwrap();
    assert!(line.starts_with("x.toml: links.tls: should be set in production"), "{line}");
    let line = load(&[("iso-listen", "127.0.0.1:0")], "", Mode::Production).err().unwrap();
    assert!(line.starts_with("--iso-listen: should be left out in production"), "{line}");
    assert!(load(&[], "", Mode::Production).is_ok());
}

#[test]
fn the_page_lists_the_keys_that_exist() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/network-iso8583.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("**Built today**: keys ").unwrap();
    let listed = rest.split(". ").next().unwrap();
    let listed: Vec<_> = listed.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, KEYS.map(|(key, _)| key));
}
