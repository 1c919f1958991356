//! The console, asked over loopback as anybody would.

use super::*;
use hotline_core::{
    CallId, CallerNumber, Cause, EdgeFact, EndedBy, Fact, Frame, Ledger, LegId, LegQuality, Mono,
    Now, OfferOutcome, Standing, Wall,
};
use hotline_store::Trouble;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

const NUMBER: &str = "+84901234567";

fn now(at_ms: u64) -> Now {
    Now {
        mono: Mono(at_ms * 1_000),
        wall: Wall(1_764_000_000_000 + i64::try_from(at_ms).unwrap()),
    }
}

struct World {
    ledger: Ledger,
    counters: Counters,
}

impl World {
    fn turn(&mut self, at_ms: u64, facts: Vec<Fact>, edge: Vec<EdgeFact>) {
        let frame = Frame {
            now: now(at_ms),
            inputs: Vec::new(),
            facts,
            edge,
        };
        self.ledger.apply_frame(&frame);
        self.counters.count(&frame, &self.ledger, 10_000);
    }
}

fn arrived(call: u64) -> Fact {
    Fact::Arrived {
        call: CallId(call),
        leg: LegId(call * 2),
        caller: CallerNumber::new(NUMBER.to_owned()),
        dialled: "111".to_owned(),
        origin: "viettel".to_owned(),
        is_from_trunk: true,
        route: "main".to_owned(),
        is_counted: true,
    }
}

fn queued(call: u64) -> Fact {
    Fact::Queued {
        call: CallId(call),
        queue: "child".to_owned(),
        service: Some("child".to_owned()),
        head_start_ms: 0,
        is_silent: false,
    }
}

/// One call ended after a talk, one talks, one waits, one is rung for, one is in the menu.
fn world() -> World {
    let mut world = World {
        ledger: Ledger::default(),
        counters: Counters::default(),
    };
    let joined = |call| {
        let (call, agent) = (CallId(call), format!("tv0{call}"));
        vec![
            Fact::OfferEnded {
                call,
                agent: agent.clone(),
                outcome: OfferOutcome::Answered,
            },
            Fact::Joined { call, agent },
        ]
    };
    let state = |agent: &str, standing| Fact::AgentState {
        agent: agent.to_owned(),
        standing,
        why: "test".to_owned(),
    };
    world.turn(
        0,
        vec![Fact::Started {
            version: "1".to_owned(),
        }],
        Vec::new(),
    );
    for call in 1..=5 {
        world.turn(
            call * 10,
            vec![arrived(call), Fact::Answered { call: CallId(call) }],
            Vec::new(),
        );
    }
    for call in 1..=4 {
        world.turn(1_000, vec![queued(call)], Vec::new());
    }
    world.turn(5_000, joined(1), Vec::new());
    world.turn(6_000, joined(2), Vec::new());
    world.turn(
        7_000,
        vec![Fact::Offered {
            call: CallId(4),
            agent: "tv04".to_owned(),
            leg: LegId(9),
        }],
        Vec::new(),
    );
    world.turn(
        9_000,
        vec![
            Fact::Ended {
                call: CallId(1),
                by: EndedBy::Caller,
                cause: Cause::NormalClearing,
            },
            state("tv01", Standing::WrapUp(CallId(1))),
            state("tv02", Standing::Talking(CallId(2))),
            state("tv03", Standing::NotReady("lunch".to_owned())),
            state("tv04", Standing::Offered(CallId(4))),
        ],
        vec![EdgeFact::Quality {
            leg: LegId(2),
            quality: LegQuality {
                lost: 7,
                received: 400,
                ..LegQuality::default()
            },
        }],
    );
    world
}

struct Fixed {
    snapshot: Mutex<Option<Snapshot>>,
    health: Mutex<Health>,
}

impl Source for Fixed {
    fn snapshot(&self) -> Answer<'_, Option<Snapshot>> {
        let snapshot = self.snapshot.lock().unwrap().clone();
        Box::pin(async move { snapshot })
    }

    fn health(&self) -> Health {
        self.health.lock().unwrap().clone()
    }
}

struct Served {
    source: Arc<Fixed>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

async fn serve() -> Served {
    let World { ledger, counters } = world();
    let snapshot = Snapshot {
        view: View::of(&ledger, now(11_000), &["child", "trafficking"], &[], &[]),
        counters,
        trunks: BTreeMap::from([
            ("viettel".to_owned(), true),
            ("a\"b\\c\nd".to_owned(), false),
        ]),
        samples: vec![Sample {
            name: "hotline_sip_messages_total",
            help: "Messages.",
            kind: Kind::Counter,
            labels: vec![("way", "in".to_owned())],
            value: 12.0,
        }],
    };
    let health = Health {
        media_ports_free: 20,
        ..Health::default()
    };
    let source = Arc::new(Fixed {
        snapshot: Mutex::new(Some(snapshot)),
        health: Mutex::new(health),
    });
    let state = ConsoleState::new(Arc::clone(&source) as Arc<dyn Source>);
    let console = Console::bind("127.0.0.1:0".parse().unwrap(), state)
        .await
        .unwrap();
    let address = console.address();
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(console.run(stopping));
    Served {
        source,
        address,
        stop,
        tasks,
    }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Served {
    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.ok();
        let reply = String::from_utf8(reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Reply {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    async fn ask(&self, line: &str, headers: &str) -> Reply {
        self.raw(&format!(
            "{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
        ))
        .await
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(
            &format!("GET {path}"),
            &format!("Host: {}\r\n", self.address),
        )
        .await
    }
}

#[tokio::test]
async fn the_tables_are_shown_with_masked_numbers() {
    let served = serve().await;
    let calls = served.get("/api/v1/calls").await;
    assert_eq!(calls.status, 200);
    assert!(calls.head.contains("content-type: application/json"));
    assert!(calls.head.contains("cache-control: no-store"));
    let table = calls.json();
    let states: Vec<_> = table["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["talking", "waiting", "ringing", "menu"]);
    assert_eq!(table["calls"][0]["caller"], "***67");
    assert_eq!(table["calls"][0]["agent"], "tv02");
    assert_eq!(table["calls"][0]["talk_ms"], 5_000);
    assert_eq!(table["calls"][1]["wait_ms"], 10_000);
    assert_eq!(table["calls"][2]["agent"], "tv04");
    let queues = served.get("/api/v1/queues").await.json();
    assert_eq!(queues["queues"][0]["queue"], "child");
    assert_eq!(queues["queues"][0]["waiting"], 2);
    assert_eq!(queues["queues"][0]["longest_wait_ms"], 10_000);
    assert_eq!(queues["queues"][1]["waiting"], 0);
    let agents = served.get("/api/v1/agents").await.json();
    assert_eq!(agents["agents"][2]["reason"], "lunch");
    assert_eq!(agents["agents"][0]["call"], "0000000000000001");
    for path in [
        "/api/v1/calls",
        "/api/v1/queues",
        "/api/v1/agents",
        "/metrics",
        "/readyz",
    ] {
        assert!(!served.get(path).await.body.contains("901234"), "{path}");
    }
    let view: Vec<CallView> = serde_json::from_value(table["calls"].clone()).unwrap();
    assert_eq!(view.len(), 4, "others can read it by the same types");
}

#[tokio::test]
async fn metrics_are_in_the_format_and_add_up() {
    let served = serve().await;
    let page = served.get("/metrics").await;
    assert_eq!(page.status, 200);
    assert!(page.head.contains("text/plain; version=0.0.4"));
    for line in [
        "hotline_ready 1",
        "hotline_calls_arrived_total 5",
        "hotline_calls_total{service=\"child\",outcome=\"H_UNCODED\"} 1",
        "hotline_calls{state=\"menu\"} 1",
        "hotline_queue_waiting{queue=\"child\"} 2",
        "hotline_queue_longest_wait_seconds{queue=\"child\"} 10",
        "hotline_answer_seconds_bucket{le=\"3\"} 0",
        "hotline_answer_seconds_bucket{le=\"5\"} 2",
        "hotline_answer_seconds_bucket{le=\"+Inf\"} 2",
        "hotline_answer_seconds_sum 9",
        "hotline_answer_seconds_count 2",
        "hotline_service_level_ratio 1",
        "hotline_agents{state=\"talking\"} 1",
        "hotline_agents{state=\"ready\"} 0",
        "hotline_trunk_up{trunk=\"viettel\"} 1",
        "hotline_trunk_up{trunk=\"a\\\"b\\\\c\\nd\"} 0",
        "hotline_rtp_lost_packets_total 7",
        "hotline_recording_failures_total 0",
        "hotline_sip_messages_total{way=\"in\"} 12",
    ] {
        assert!(
            page.body.lines().any(|found| found == line),
            "{line} in\n{}",
            page.body
        );
    }
    let mut typed = std::collections::BTreeSet::new();
    for line in page.body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(
                typed.insert(rest.split(' ').next().unwrap().to_owned()),
                "twice: {line}"
            );
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            assert!(
                typed.contains(family) || typed.contains(name),
                "no type: {line}"
            );
            assert!(
                line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(),
                "no value: {line}"
            );
        }
    }
}

#[tokio::test]
async fn readiness_names_every_reason() {
    let served = serve().await;
    let ready = served.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["is_ready"]),
        (200, &Value::Bool(true))
    );
    {
        let mut health = served.source.health.lock().unwrap();
        health.is_draining = true;
        health.journal.trouble = Some(Trouble::DiskFull);
        health.projector.lag_frames = 1_000_000;
        health.media_ports_free = 0;
        health.others.push((
            "recordings".to_owned(),
            "the disk is nearly full".to_owned(),
        ));
    }
    *served.source.snapshot.lock().unwrap() = None;
    let not_ready = served.get("/readyz").await;
    assert_eq!(not_ready.status, 503);
    let codes: Vec<String> = serde_json::from_str::<Readiness>(&not_ready.body)
        .unwrap()
        .reasons
        .into_iter()
        .map(|reason| reason.code)
        .collect();
    assert_eq!(
        codes,
        [
            "draining",
            "switch",
            "journal",
            "projector",
            "media_ports",
            "recordings"
        ]
    );
    assert_eq!(served.get("/healthz").await.status, 200);
    assert_eq!(served.get("/api/v1/calls").await.status, 503);
    assert!(
        served
            .get("/metrics")
            .await
            .body
            .contains("hotline_ready 0")
    );
}

#[tokio::test]
async fn only_this_machine_by_its_own_names() {
    let served = serve().await;
    let port = served.address.port();
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "LOCALHOST".to_owned(),
        format!("[::1]:{port}"),
        "[::1]".to_owned(),
    ] {
        assert_eq!(
            served
                .ask("GET /healthz", &format!("Host: {host}\r\n"))
                .await
                .status,
            200,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example:80",
        "localhost.evil.example",
        "10.0.0.1",
        "[::2]:80",
        "",
        "::1:80x",
    ] {
        assert_eq!(
            served
                .ask("GET /healthz", &format!("Host: {host}\r\n"))
                .await
                .status,
            403,
            "{host}"
        );
    }
    assert_eq!(served.ask("GET /healthz", "").await.status, 400);
    assert_eq!(
        served
            .ask("GET /healthz", "Host: localhost\r\nHost: evil.example\r\n")
            .await
            .status,
        400
    );
    assert_eq!(
        served
            .ask("GET http://evil.example/healthz", "Host: localhost\r\n")
            .await
            .status,
        403
    );
    assert_eq!(
        served
            .ask(
                "GET /healthz",
                "Host: localhost\r\nOrigin: http://evil.example\r\n"
            )
            .await
            .status,
        403
    );
    assert_eq!(
        served
            .ask("GET /healthz", "Host: localhost\r\nOrigin: null\r\n")
            .await
            .status,
        403
    );
    assert_eq!(
        served
            .ask(
                "GET /healthz",
                "Host: localhost\r\nOrigin: http://localhost:1\r\n"
            )
            .await
            .status,
        200
    );
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let state = ConsoleState::new(Arc::clone(&served.source) as Arc<dyn Source>);
        let bound = Console::bind(address.parse().unwrap(), state).await;
        assert!(
            matches!(bound, Err(ConsoleError::NotLoopback { .. })),
            "{address}"
        );
    }
    let state = ConsoleState::new(Arc::clone(&served.source) as Arc<dyn Source>);
    assert!(matches!(
        Console::bind(served.address, state).await,
        Err(ConsoleError::Bind { .. })
    ));
}

#[tokio::test]
async fn wrong_paths_methods_and_sizes_are_told_so() {
    let served = serve().await;
    let missing = served.get("/api/v1/nothing").await;
    assert_eq!(
        (missing.status, missing.json()["error"].is_string()),
        (404, true)
    );
    assert_eq!(served.get("/").await.status, 404);
    let host = "Host: localhost\r\n";
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        let refused = served.ask(&format!("{method} /api/v1/calls"), host).await;
        assert_eq!(refused.status, 405, "{method}");
        assert!(refused.head.contains("allow: get,head"), "{}", refused.head);
    }
    let head = served.ask("HEAD /healthz", host).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let large = format!("{host}X-Large: {}\r\n", "x".repeat(9_000));
    assert_eq!(served.ask("GET /healthz", &large).await.status, 431);
    assert_eq!(
        served.get(&format!("/{}", "x".repeat(3_000))).await.status,
        414
    );
    assert_eq!(served.raw("rubbish\r\n\r\n").await.status, 400);
    assert_eq!(served.get("/healthz").await.status, 200, "and goes on");
}

#[tokio::test]
async fn a_few_connections_are_kept_and_the_next_waits_for_a_place() {
    let served = serve().await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        // An answer proves that it was accepted; it is kept alive then.
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
        idle.push(stream);
    }
    let limit = Duration::from_millis(200);
    assert!(
        tokio::time::timeout(limit, served.get("/healthz"))
            .await
            .is_err(),
        "no place"
    );
    idle.pop();
    assert_eq!(served.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn it_stops_although_somebody_is_connected() {
    let mut served = serve().await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
    served.stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(10), served.tasks.join_next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "closed");
    assert!(TcpStream::connect(served.address).await.is_err());
}
