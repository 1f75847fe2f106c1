//! A headless Chromium, driven over the DevTools protocol through a pipe.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Chromium reads and writes on descriptors 3 and 4, to which the shell moves our two pipes.
const LAUNCH: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
/// Longest wait for an answer, an event or something that a page does by itself: a limit at which
/// to give up, not a usual time.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pause between two checks of a page.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Name under which a page reports broken policies, and the script that does so: the DOM's own
/// event is the same in every version, unlike the console's lines.
const COMPLAIN: &str = "complainOfPolicy";
const WATCH: &str = "addEventListener('securitypolicyviolation', (event) =>
    complainOfPolicy(`${event.effectiveDirective} ${event.blockedURI}`))";
/// Directory for pictures of the pages under test, for people to look at.
const PICTURES_VARIABLE: &str = "CARDBRIDGE_TEST_PICTURES";

/// A browser with one tab.
pub struct Browser {
    child: Child,
    pipe: ChildStdin,
    messages: UnboundedReceiver<Value>,
    /// Events that arrived while something else was awaited, oldest first.
    events: Vec<Value>,
    last_id: u64,
    session: Option<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub async fn start() -> Self {
        let program = std::env::var("CARDBRIDGE_TEST_CHROMIUM")
            .expect("a Chromium for tests: run `cargo xtask test`");
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", LAUNCH, &program, "--headless", "--remote-debugging-pipe"])
            // Tests also run in containers, where its sandbox cannot be set up.
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-extensions", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok_and(|count| count > 0) {
                let message = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
                if sender.send(serde_json::from_slice(message).unwrap()).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
        let (events, session) = (Vec::new(), None);
        let mut browser =
            Self { child, pipe, messages, events, last_id: 0, session, _profile: profile };
        browser.open_tab().await;
        browser
    }

    async fn open_tab(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", attach).await;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        self.call("Runtime.addBinding", json!({ "name": COMPLAIN })).await;
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
    }

    /// The browser's User-Agent.
    pub async fn user_agent(&mut self) -> String {
        self.run("navigator.userAgent").await.as_str().unwrap().to_owned()
    }

    /// Goes to a page and waits until it has loaded.
    pub async fn go(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": url })).await;
        self.loaded().await;
    }

    /// Makes the window the size of a device's screen, in CSS pixels.
    pub async fn resize(&mut self, width: u32, height: u32) {
        let parameters = json!({
            "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true,
        });
        self.call("Emulation.setDeviceMetricsOverride", parameters).await;
    }

    /// Makes the system prefer dark or light pages.
    pub async fn prefer(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    /// Saves a picture of the whole page, if pictures are wanted.
    pub async fn picture(&mut self, name: &str) {
        let Some(directory) = std::env::var_os(PICTURES_VARIABLE) else { return };
        let taken =
            self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&directory).join(format!("{name}.png")), png).unwrap();
    }

    /// True if the content of a frame of the page was blocked.
    pub async fn is_frame_blocked(&mut self) -> bool {
        let tree = self.call("Page.getFrameTree", json!({})).await;
        let frames = tree["frameTree"]["childFrames"].as_array().unwrap();
        assert_eq!(frames.len(), 1, "{tree}");
        frames[0]["frame"].get("unreachableUrl").is_some()
    }

    /// Waits until a script's value is true.
    pub async fn until(&mut self, script: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.run(script).await != true {
            assert!(tokio::time::Instant::now() < deadline, "never true: {script}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Runs a script and returns its value.
    pub async fn run(&mut self, script: &str) -> Value {
        let parameters = json!({
            "expression": script, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let result = self.call("Runtime.evaluate", parameters).await;
        assert!(result.get("exceptionDetails").is_none(), "{script}: {result}");
        result["result"]["value"].clone()
    }

    /// The visible text of the element that a selector matches.
    pub async fn text(&mut self, selector: &str) -> String {
        let value = self.run(&format!("document.querySelector('{selector}')?.innerText")).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Types into a field, key by key as far as the page can tell.
    pub async fn fill(&mut self, name: &str, text: &str) {
        self.run(&format!("document.querySelector('[name={name}]').focus()")).await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses the first form's button and waits for the page that follows.
    pub async fn submit(&mut self) {
        self.press("button[type=submit]").await;
    }

    /// Presses the element that a selector matches and waits for the page that follows.
    pub async fn press(&mut self, selector: &str) {
        self.events.retain(|event| event["method"] != "Page.loadEventFired");
        self.run(&format!("document.querySelector('{selector}').click()")).await;
        self.loaded().await;
    }

    /// Script errors and policy violations since the last [`Browser::go`]. Messages that the
    /// browser itself writes to its console are not among them: they differ between versions.
    pub async fn complaints(&mut self) -> Vec<String> {
        // Everything sent before this answer has been received with it.
        self.run("1").await;
        self.events.iter().filter_map(complaint).collect()
    }

    async fn loaded(&mut self) {
        let is_load = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(is_load) {
            let message = self.receive().await;
            self.events.push(message);
        }
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.pipe.write_all(&bytes).unwrap();
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    async fn receive(&mut self) -> Value {
        let message = tokio::time::timeout(PATIENCE, self.messages.recv()).await;
        message.expect("Chromium does not answer").expect("Chromium has ended")
    }
}

fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if parameters["type"] == "error" => {
            Some(parameters["args"].to_string())
        }
        "Runtime.bindingCalled" if parameters["name"] == COMPLAIN => {
            parameters["payload"].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
