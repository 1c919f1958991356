//! Exports as a person opens them.

use super::*;
use crate::projector::tests::{Folder, frame};
use crate::{Journal, JournalOptions, MemoryDisk, Projector, ProjectorOptions, Step};
use hotline_core::{CallerNumber, EdgeFact, Fact, LegId};
use std::sync::Arc;

/// One call that a joker made, and as many more as wanted.
async fn store_with(folder: &Folder, frames: u64) -> Store {
    let store = Store::open(&folder.database()).await.unwrap();
    let options = JournalOptions {
        has_thread: false,
        reserve_bytes: 0,
        ..JournalOptions::default()
    };
    let (mut journal, _) = Journal::open_on(Arc::new(MemoryDisk::new()), options).unwrap();
    for at in 0..frames {
        let mut told = frame(at);
        if at == 0 {
            let Fact::Arrived {
                caller, dialled, ..
            } = &mut told.facts[0]
            else {
                panic!("no arrival")
            };
            *caller = CallerNumber::new("=HYPERLINK(\"http://x\",\"y\")".to_owned());
            *dialled = "+84111".to_owned();
            told.edge.push(EdgeFact::Diverted {
                leg: LegId(0),
                values: ["<tel:+8424>", "a\r\nb"]
                    .map(|value| CallerNumber::new(value.to_owned()))
                    .to_vec(),
            });
        }
        journal.append(&told);
    }
    journal.sync_now();
    let mut projector = Projector::new(store.clone(), journal.watch(), ProjectorOptions::default());
    while projector.step().await.unwrap() != Step::Idle {}
    store
}

async fn exported(store: &Store, from: &str, to: &str, format: Format) -> (u64, String) {
    let mut out = Vec::new();
    let count = export(
        store,
        from.parse().unwrap(),
        to.parse().unwrap(),
        format,
        &mut out,
    )
    .await
    .unwrap();
    (count, String::from_utf8(out).unwrap())
}

/// RFC 4180, as a spreadsheet reads it.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        let row = rows.last_mut().unwrap();
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\r' if !is_quoted => assert_eq!(letters.next(), Some('\n')),
            '\n' if !is_quoted => panic!("lone line feed"),
            other => row.last_mut().unwrap().push(other),
        }
        if letter == '\r' && !is_quoted {
            rows.push(vec![String::new()]);
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line ends");
    rows
}

#[tokio::test]
async fn csv_is_read_back_whole_and_has_no_formulas() {
    let folder = Folder::new();
    let store = store_with(&folder, 20).await;
    // 1,764,000,000 s is 2025-11-24 16:00 UTC, 23:00 in Vietnam.
    let (count, text) = exported(&store, "2025-11-24", "2025-11-25", Format::Csv).await;
    assert_eq!(count, 2);
    let rows = parse_csv(&text);
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == COLUMNS.len() + 1));
    let cell = |row: usize, name: &str| {
        let at = rows[0].iter().position(|found| found == name).unwrap();
        rows[row][at].clone()
    };
    assert_eq!(cell(1, "call"), "0000000000000001");
    assert_eq!(cell(1, "arrived"), "2025-11-24T16:00:00.000Z");
    assert_eq!(cell(1, "arrived_local"), "2025-11-24T23:00:00.000+07:00");
    assert_eq!(cell(1, "joined"), "2025-11-24T16:00:00.004Z");
    assert_eq!(cell(1, "caller"), "'=HYPERLINK(\"http://x\",\"y\")");
    assert_eq!(cell(1, "dialled"), "'+84111");
    assert_eq!(cell(1, "fate"), "H_UNCODED");
    assert_eq!(cell(1, "recording_file"), "0000000000000001.wav");
    assert_eq!(
        cell(1, "path"),
        r#"[{"at_ms":2,"key":"1","node":"service"}]"#
    );
    assert_eq!(cell(2, "diverted"), "[]");
    assert_eq!(cell(2, "first_key"), "2025-11-24T16:00:00.012Z");
}

#[tokio::test]
async fn ndjson_has_one_typed_object_a_line() {
    let folder = Folder::new();
    let store = store_with(&folder, 20).await;
    let (count, text) = exported(&store, "2025-11-24", "2025-11-25", Format::Ndjson).await;
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((count, rows.len()), (2, 2));
    assert_eq!(rows[0]["is_from_trunk"], true);
    assert_eq!(rows[0]["path"][0]["key"], "1");
    assert_eq!(rows[0]["diverted"][1], "a\r\nb");
    assert_eq!(rows[0]["caller"], "=HYPERLINK(\"http://x\",\"y\")");
    assert_eq!(rows[1]["talk_ms"], 2);
    assert_eq!(rows[1]["notice"], Value::Null);
}

#[tokio::test]
async fn a_call_belongs_to_the_day_of_vietnam_it_arrived_in() {
    let folder = Folder::new();
    let store = store_with(&folder, 20).await;
    for (from, to, expected) in [
        ("2025-11-23", "2025-11-24", 0),
        ("2025-11-25", "2025-11-26", 0),
        ("2025-11-24", "2025-11-24", 0),
    ] {
        assert_eq!(
            exported(&store, from, to, Format::Ndjson).await.0,
            expected,
            "{from} to {to}"
        );
    }
}

#[tokio::test]
async fn an_export_of_many_pages_has_every_row_once_and_in_order() {
    let folder = Folder::new();
    let store = store_with(&folder, 17_000).await;
    let (count, text) = exported(&store, "2025-11-24", "2025-11-25", Format::Ndjson).await;
    assert_eq!(count, 1_700);
    let calls: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["call"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(calls.is_sorted());
    assert_eq!(calls.len(), 1_700);
}

#[tokio::test]
async fn what_a_carrier_said_of_a_caller_lies_beside_the_record() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let options = JournalOptions {
        has_thread: false,
        reserve_bytes: 0,
        ..JournalOptions::default()
    };
    let (mut journal, _) = Journal::open_on(Arc::new(MemoryDisk::new()), options).unwrap();
    let masked = |text: &str| CallerNumber::new(text.to_owned());
    for at in 0..20 {
        let mut told = frame(at);
        if at == 0 {
            told.edge.push(EdgeFact::CarrierSaid {
                leg: LegId(0),
                caller: masked("tel:+84912345678;verstat=no"),
                is_private: true,
                region: Some("hanoi".to_owned()),
                geolocation: ["<https://lis.vn/1>", "<cid:a@b>"].map(masked).to_vec(),
                location: Some(masked("<presence>21.03 105.85</presence>")),
            });
        }
        journal.append(&told);
    }
    journal.sync_now();
    let mut projector = Projector::new(store.clone(), journal.watch(), ProjectorOptions::default());
    while projector.step().await.unwrap() != Step::Idle {}
    let (_, text) = exported(&store, "2025-11-24", "2025-11-25", Format::Ndjson).await;
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["caller_raw"], "tel:+84912345678;verstat=no");
    assert_eq!(
        (&rows[0]["is_private"], &rows[0]["region"]),
        (&true.into(), &"hanoi".into())
    );
    // Of a caller of whom nothing was said.
    assert_eq!(
        (&rows[1]["caller_raw"], &rows[1]["is_private"]),
        (&Value::Null, &Value::Null)
    );

    let places = sqlx::query("SELECT call, geolocation, location FROM call_origins");
    let kept = places.fetch_all(store.readers()).await.unwrap();
    assert_eq!(kept.len(), 1);
    let text = |name: &str| kept[0].get::<String, _>(name);
    assert_eq!(text("call"), rows[0]["call"].as_str().unwrap());
    assert_eq!(text("geolocation"), r#"["<https://lis.vn/1>","<cid:a@b>"]"#);
    assert_eq!(text("location"), "<presence>21.03 105.85</presence>");
    let leaks = "SELECT count(*) FROM facts WHERE json LIKE '%84912%' OR json LIKE '%presence%'";
    let leaks = sqlx::query(leaks).fetch_one(store.readers()).await.unwrap();
    assert_eq!(leaks.get::<i64, _>(0), 0, "as private as the number");
}
