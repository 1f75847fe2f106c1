//! Options: exit codes, one-line errors, precedence.

use std::fs;

use crate::server::{Server, cardbridge, run};

#[test]
fn a_bad_option_ends_with_code_2_and_one_line_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let missing = missing.to_str().unwrap();
    for (arguments, named) in [
        (&["serve", "--listen", "nonsense"][..], "--listen"),
        (&["serve", "--mode", "live"], "--mode"),
        (&["serve", "--bogus"], "--bogus"),
        (&["serve", "--node", "5000"], "--node"),
        (&["serve", "--config", missing], "--config"),
        (&["serve", "--master-key-file", missing], "master-key-file"),
        (&["serve", "--admin-token-file", missing], "admin-token-file"),
        (&["serve", "--log", "a=b=c"], "log"),
        (&["serve", "--data-dir", "/dev/null/x"], "data-dir"),
        (&["nothing"], "nothing"),
        (&[], "command"),
    ] {
        let mut command = cardbridge();
        command.current_dir(directory.path()).args(arguments);
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "{arguments:?}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_bad_file_or_variable_is_named_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cardbridge.toml");
    for (text, named) in [("listn = 'x'", "listn"), ("node = 'x'", "node"), ("= 1", "line 1")] {
        fs::write(&file, text).unwrap();
        let mut command = cardbridge();
        command.current_dir(directory.path()).arg("serve").arg("--config").arg(&file);
        let (code, _, stderr) = run(&mut command);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(named) && stderr.lines().count() == 1, "{stderr}");
    }
    let mut command = cardbridge();
    command.current_dir(directory.path()).arg("serve").env("CARDBRIDGE_ADMIN_LISTEN", "x");
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("CARDBRIDGE_ADMIN_LISTEN"), "{stderr}");
}

#[test]
fn flag_beats_variable_beats_file() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("cardbridge.toml");
    fs::write(&file, "public_url = 'http://file.test'\nlisten = '127.0.0.1:0'\n").unwrap();
    let public_url = |flag: Option<&str>, variable: Option<&str>| {
        let mut command = cardbridge();
        command.args(["serve", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(&data).env("CARDBRIDGE_CONFIG", &file);
        if let Some(url) = flag {
            command.args(["--public-url", url]);
        }
        if let Some(url) = variable {
            command.env("CARDBRIDGE_PUBLIC_URL", url);
        }
        Server::spawn(&mut command, &data).public_url.clone()
    };
    assert_eq!(public_url(None, None), "http://file.test");
    assert_eq!(public_url(None, Some("http://variable.test/")), "http://variable.test");
    let both = public_url(Some("http://flag.test"), Some("http://variable.test"));
    assert_eq!(both, "http://flag.test");
}

#[test]
fn help_and_version_are_not_failures() {
    for argument in ["--help", "--version"] {
        let (code, stdout, _) = run(cardbridge().arg(argument));
        assert_eq!(code, Some(0));
        assert!(stdout.contains("cardbridge"));
    }
}
