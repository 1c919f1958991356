//! Headless Chromium as a counsellor's or caller's phone, with a SIP library that is not ours. The page takes orders
//! from a small server of the test's and tells it what happens; a tone out of a file is its microphone.

use crate::audio::{sine, write_wav_at};
use crate::process::Program;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Starting Chromium, and whatever the page is told to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// The page asks again after so long without an order.
const ORDER_WAIT: Duration = Duration::from_secs(2);
/// The page's own events are short; anything longer is no page of ours.
const BODY_BYTES_MAX: usize = 65_536;

/// Which library the page runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Library {
    JsSip,
    SipJs,
}

impl Library {
    /// For folders, pages and figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::JsSip => "jssip",
            Self::SipJs => "sipjs",
        }
    }
}

/// A browser with the page open. Ends when dropped.
pub(crate) struct Browser {
    orders: Arc<Orders>,
    events: Receiver<Value>,
    seen: Vec<Value>,
    _program: Program,
}

impl Browser {
    /// Opens the page at `local` (an origin that the server may know) with a microphone that says `hz`.
    pub(crate) fn start(folder: &Path, local: SocketAddr, library: Library, hz: u32) -> Self {
        let folder = folder.join(format!("chromium-{}", local.ip()));
        fs::create_dir_all(&folder).expect("a folder for Chromium");
        let microphone = folder.join("microphone.wav");
        // Whole periods, so that the file can be played round and round.
        write_wav_at(
            &microphone,
            &sine_at(48_000, f64::from(hz), -20.0, 2_000),
            48_000,
        );
        let listener = TcpListener::bind(local).expect("an address for the page");
        let orders = Arc::new(Orders::default());
        let (tell, events) = channel();
        let site = Arc::new(Site {
            orders: Arc::clone(&orders),
            tell: Mutex::new(tell),
            script: bundle().to_owned(),
        });
        // Ends with the test's process: it only waits.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                std::thread::spawn(move || site.serve(stream));
            }
        });
        let program = Program::start(
            &format!("chromium-{}", library.name()),
            command(&folder, &microphone, local, library),
            &folder,
        );
        let mut browser = Self {
            orders,
            events,
            seen: Vec::new(),
            _program: program,
        };
        browser.wait("loaded");
        browser
    }

    /// Gives an order, e.g. `{"do": "answer"}`.
    pub(crate) fn order(&self, order: Value) {
        self.orders.give(order);
    }

    /// Waits for the next event of this kind that no wait has taken yet.
    pub(crate) fn wait(&mut self, kind: &str) -> Value {
        let started = Instant::now();
        loop {
            if let Some(at) = self.seen.iter().position(|event| event["kind"] == kind) {
                return self.seen.remove(at);
            }
            let left = PATIENCE.saturating_sub(started.elapsed());
            match self.events.recv_timeout(left) {
                Ok(event) => self.seen.push(event),
                Err(_) => panic!(
                    "waited in vain until the page tells {kind}; told: {:#?}",
                    self.seen
                ),
            }
        }
    }

    /// Whether the page has told an event of this kind that no wait has taken yet.
    pub(crate) fn has_told(&mut self, kind: &str) -> bool {
        self.seen.extend(self.events.try_iter());
        self.seen.iter().any(|event| event["kind"] == kind)
    }

    /// Levels of these tones in what it hears now, dB below a full-scale sine.
    pub(crate) fn levels(&mut self, hz: &[u32]) -> Vec<f64> {
        self.order(json!({ "do": "levels", "hz": hz }));
        let told = self.wait("levels");
        let levels = told["levels"].as_array().into_iter().flatten();
        levels
            .map(|level| level.as_f64().expect("a level"))
            .collect()
    }

    /// Waits until the page hears `hz` and, at least 30 dB below, `other`.
    pub(crate) fn wait_hears(&mut self, hz: u32, other: u32) -> (f64, f64) {
        let started = Instant::now();
        loop {
            let levels = self.levels(&[hz, other]);
            let (wanted, foreign) = (levels[0], levels[1]);
            if wanted > -30.0 && foreign < wanted - 30.0 {
                return (wanted, foreign);
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{hz} Hz at {wanted:.1} dB, {other} Hz at {foreign:.1} dB"
            );
        }
    }
}

fn command(folder: &Path, microphone: &Path, local: SocketAddr, library: Library) -> Command {
    let mut command = Command::new("chromium");
    command
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
            // The tests live on the loopback, where Chromium would not look for a way.
            "--allow-loopback-in-peer-connection",
            "--disable-features=WebRtcHideLocalIpsWithMdns",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!(
            "--use-file-for-fake-audio-capture={}",
            microphone.display()
        ))
        .arg(format!("http://{local}/?library={}", library.name()));
    command
}

fn sine_at(rate: u32, hz: f64, level_dbfs: f64, length_ms: u32) -> Vec<i16> {
    // The same wave at 8,000 samples a second is one of a lower tone.
    sine(
        hz * 8_000.0 / f64::from(rate),
        level_dbfs,
        length_ms * rate / 8_000,
    )
}

/// Orders that the page has not asked for yet.
#[derive(Default)]
struct Orders {
    waiting: Mutex<VecDeque<Value>>,
    is_there: Condvar,
}

impl Orders {
    fn give(&self, order: Value) {
        self.waiting.lock().expect("orders").push_back(order);
        self.is_there.notify_one();
    }

    fn take(&self) -> Option<Value> {
        let waiting = self.waiting.lock().expect("orders");
        let (mut waiting, _) = self
            .is_there
            .wait_timeout_while(waiting, ORDER_WAIT, |waiting| waiting.is_empty())
            .expect("orders");
        waiting.pop_front()
    }
}

/// What the page's server gives.
struct Site {
    orders: Arc<Orders>,
    tell: Mutex<Sender<Value>>,
    script: PathBuf,
}

impl Site {
    /// One request, one answer.
    fn serve(&self, mut stream: TcpStream) {
        let Some((path, body)) = request(&stream) else {
            return;
        };
        let (status, kind, answer) = match path.split('?').next().unwrap_or_default() {
            "/" => (
                "200 OK",
                "text/html",
                include_bytes!("web/phone.html").to_vec(),
            ),
            "/phone.js" => (
                "200 OK",
                "text/javascript",
                fs::read(&self.script).expect("the page's script"),
            ),
            "/next" => match self.orders.take() {
                Some(order) => ("200 OK", "application/json", order.to_string().into_bytes()),
                None => ("204 No Content", "text/plain", Vec::new()),
            },
            "/event" => {
                if let Ok(event) = serde_json::from_slice::<Value>(&body) {
                    println!("page: {event}");
                    // A page that is being closed may tell more than anybody wants to hear.
                    let _ = self.tell.lock().expect("the test's ear").send(event);
                }
                ("200 OK", "text/plain", Vec::new())
            }
            _ => ("404 Not Found", "text/plain", Vec::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&answer));
    }
}

/// Path and body of a request.
fn request(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; usize::min(length, BODY_BYTES_MAX)];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

/// The page's script: the libraries as their authors publish them, fetched once and bundled.
fn bundle() -> &'static Path {
    static BUNDLE: OnceLock<PathBuf> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/web");
        let mut target = std::env::current_exe().expect("the test's own path");
        target.pop();
        target.pop();
        let folder = target.join("browser-phones");
        fs::create_dir_all(&folder).expect("a folder for the libraries");
        for entry in fs::read_dir(&source).expect("the page's sources").flatten() {
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("copying the page");
        }
        let lock = fs::read(source.join("package-lock.json")).expect("the lock file");
        let stamp = folder.join("installed.json");
        if fs::read(&stamp).ok().as_deref() != Some(&lock) {
            run(
                &folder,
                "npm",
                &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            );
            fs::write(&stamp, &lock).expect("noting what is installed");
        }
        let script = folder.join("phone.js");
        let out = format!("--outfile={}", script.display());
        run(
            &folder,
            "node_modules/@esbuild/linux-x64/bin/esbuild",
            &[
                "driver.js",
                "--bundle",
                "--format=iife",
                "--log-level=warning",
                &out,
            ],
        );
        script
    })
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let path = if program.contains('/') {
        folder.join(program)
    } else {
        program.into()
    };
    let output = Command::new(path)
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("starting {program}: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Microphone, connection and ear of the page, without a server.
#[test]
fn a_page_that_calls_itself_hears_its_microphone() {
    let folder = std::env::temp_dir().join(format!("hotline111-chromium-{}", std::process::id()));
    for library in [Library::JsSip, Library::SipJs] {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let mut browser = Browser::start(&folder, free.expect("a free port"), library, 700);
        browser.order(json!({ "do": "call_itself" }));
        let sound = browser.wait("first_sound");
        let (wanted, foreign) = browser.wait_hears(700, 1_000);
        println!(
            "{}: {sound}, 700 Hz at {wanted:.1} dB, 1,000 Hz at {foreign:.1} dB",
            library.name()
        );
    }
    fs::remove_dir_all(&folder).expect("removing Chromium's folder");
}
