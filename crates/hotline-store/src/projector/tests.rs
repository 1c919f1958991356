//! Exactly one row per call, wherever the projector, the server or the database is interrupted.

use super::*;
use crate::journal::{Crash, Journal, JournalOptions, MemoryDisk};
use hotline_core::{
    CallId, CallerNumber, Cause, Digit, EdgeFact, EndedBy, Fact, Frame, LegId, LegQuality,
    LegRating, Mono, Now, OfferOutcome, RecordingState, Wall,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const START_MS: u64 = 1_764_000_000_000;
const FRAMES_PER_CALL: u64 = 10;

/// A folder that goes when the test ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("hotline-store-{}-{number}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("hotline.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn now(at: u64) -> Now {
    Now {
        mono: Mono(at * 1_000),
        wall: Wall(i64::try_from(START_MS + at).unwrap()),
    }
}

/// Frame `at` of calls that all go through menu, queue and counsellor, `at` milliseconds after the start.
pub(crate) fn frame(at: u64) -> Frame {
    let number = at / FRAMES_PER_CALL;
    let (call, leg, agent) = (
        CallId(1 + number),
        LegId(2 * number),
        format!("tv{:02}", number % 6 + 1),
    );
    let agent_leg = LegId(2 * number + 1);
    let facts = match at % FRAMES_PER_CALL {
        0 => vec![Fact::Arrived {
            call,
            leg,
            caller: CallerNumber::new(format!("+849012{number:05}")),
            dialled: "111".to_owned(),
            origin: "carrier".to_owned(),
            is_from_trunk: true,
            route: "main".to_owned(),
            is_counted: true,
        }],
        1 => vec![
            Fact::Answered { call },
            Fact::Node {
                call,
                node: "language".to_owned(),
            },
        ],
        2 => vec![
            Fact::Key {
                call,
                node: "service".to_owned(),
                key: Digit::new('1').unwrap(),
            },
            Fact::Queued {
                call,
                queue: "child".to_owned(),
                service: Some("child".to_owned()),
                head_start_ms: 120_000,
                is_silent: false,
            },
        ],
        3 => vec![Fact::Offered {
            call,
            agent,
            leg: agent_leg,
        }],
        4 => vec![
            Fact::OfferEnded {
                call,
                agent: agent.clone(),
                outcome: OfferOutcome::Answered,
            },
            Fact::Joined { call, agent },
        ],
        5 => vec![Fact::Recording {
            call,
            state: RecordingState::Made,
        }],
        6 => vec![Fact::Ended {
            call,
            by: EndedBy::Caller,
            cause: Cause::NormalClearing,
        }],
        7 | 8 => Vec::new(),
        _ => vec![Fact::Started {
            version: "again".to_owned(),
        }],
    };
    let quality = LegQuality {
        received: 100,
        lost: 1,
        jitter_us: 900,
        sent: 99,
        round_trip_us: 0,
    };
    let rating = LegRating {
        mean_opinion: 431,
        mean_opinion_lowest: 0,
        loss_runs: 1,
        peer_lost: 2,
    };
    let edge = match at % FRAMES_PER_CALL {
        7 => vec![
            EdgeFact::Rated { leg, rating },
            EdgeFact::Quality { leg, quality },
            EdgeFact::Quality {
                leg: agent_leg,
                quality,
            },
        ],
        8 => vec![EdgeFact::RecordingClosed { call, length_ms: 5 }],
        _ => Vec::new(),
    };
    Frame {
        now: now(at),
        inputs: Vec::new(),
        facts,
        edge,
    }
}

const SMALL: JournalOptions = JournalOptions {
    segment_bytes: 16_384,
    reserve_bytes: 0,
    waiting_bytes_max: 65_536,
    slow_append_us: 20_000,
    sync_delay_ms: 1,
    has_thread: false,
};
const QUICK: ProjectorOptions = ProjectorOptions {
    short_ms: 10_000,
    batch_frames_max: 7,
    checkpoint_frames: 100,
};

fn journal(disk: &MemoryDisk) -> Journal {
    Journal::open_on(Arc::new(disk.clone()), SMALL).unwrap().0
}

/// Steps until nothing is left to do.
async fn drain(projector: &mut Projector) {
    while projector.step().await.unwrap() != Step::Idle {}
}

/// The calls of frames `0..frames` have exactly the rows that they must have.
async fn assert_rows(store: &Store, frames: u64) {
    let ended = frames / FRAMES_PER_CALL + u64::from(frames % FRAMES_PER_CALL > 6);
    assert_eq!(store.count().await.unwrap(), ended);
    let mut calls = store.calls_between(0, i64::MAX).await.unwrap();
    let mut number = 0;
    while let Some(row) = calls.next().await.unwrap() {
        let arrived = i64::try_from(START_MS + number * FRAMES_PER_CALL).unwrap();
        assert_eq!(row.text("call"), Some(&*format!("{:016x}", number + 1)));
        assert_eq!(row.text("caller"), Some(&*format!("+849012{number:05}")));
        let times = [
            "arrived_ms",
            "answered_ms",
            "queued_ms",
            "offered_ms",
            "joined_ms",
            "ended_ms",
        ];
        let times: Vec<_> = times
            .iter()
            .map(|name| row.integer(name).unwrap() - arrived)
            .collect();
        assert_eq!(times, [0, 1, 2, 3, 4, 6], "call {number}");
        assert_eq!(row.text("fate"), Some("H_UNCODED"));
        let lengths = ["wait_ms", "talk_ms", "total_ms"].map(|name| row.integer(name).unwrap());
        assert_eq!(lengths, [2, 2, 6]);
        let is_complete = number * FRAMES_PER_CALL + 8 < frames;
        assert_eq!(
            row.integer("recording_ms"),
            is_complete.then_some(5),
            "call {number}"
        );
        assert_eq!(
            row.integer("caller_lost"),
            (number * FRAMES_PER_CALL + 7 < frames).then_some(1)
        );
        number += 1;
    }
    assert_eq!(number, ended);
}

async fn facts(store: &Store) -> i64 {
    let row = sqlx::query("SELECT count(*) FROM facts")
        .fetch_one(store.readers())
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn calls_become_rows_and_facts_without_numbers() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let mut journal = journal(&MemoryDisk::new());
    let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
    let mut stated = 0;
    for at in 0..258 {
        let frame = frame(at);
        stated += frame.facts.len() + frame.edge.len();
        journal.append(&frame);
    }
    assert_eq!(
        projector.step().await.unwrap(),
        Step::Idle,
        "nothing is durable yet"
    );
    journal.sync_now();
    drain(&mut projector).await;
    assert_rows(&store, 258).await;
    assert_eq!(facts(&store).await, i64::try_from(stated).unwrap());
    let leaks = "SELECT count(*) FROM facts WHERE json LIKE '%8490%'";
    let row = sqlx::query(leaks).fetch_one(store.readers()).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 0, "no caller's number in the facts");
    let row =
        sqlx::query("SELECT json FROM facts WHERE kind = 'Arrived' AND call = '0000000000000001'");
    let json: String = row.fetch_one(store.readers()).await.unwrap().get(0);
    assert!(json.contains(r#""dialled":"111""#), "{json}");
    let status = projector.status().borrow().clone();
    assert_eq!((status.next, status.gaps, status.failure), (259, 0, None));
}

#[tokio::test]
async fn facts_cannot_be_changed() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let mut journal = journal(&MemoryDisk::new());
    journal.append(&frame(0));
    journal.sync_now();
    drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
    let change = sqlx::query("UPDATE facts SET kind = 'x'")
        .execute(&mut *store.writer().await)
        .await;
    assert!(change.is_err());
}

#[tokio::test]
async fn a_projector_dropped_at_any_await_loses_and_doubles_nothing() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let mut journal = journal(&MemoryDisk::new());
    for at in 0..600 {
        journal.append(&frame(at));
    }
    journal.sync_now();
    // Each round a new projector is polled a few more times, then dropped in whatever it was doing.
    for polls in 0..400_u32 {
        let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
        let mut work = std::pin::pin!(async { drain(&mut projector).await });
        let mut left = polls % 40;
        std::future::poll_fn(|context| {
            if left == 0 || work.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            std::task::Poll::Pending
        })
        .await;
    }
    drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
    assert_rows(&store, 600).await;
}

#[tokio::test]
async fn server_killed_again_and_again_has_one_row_per_call() {
    let folder = Folder::new();
    let mut disk = MemoryDisk::new();
    let mut at = 0;
    for round in 0..40_u64 {
        let store = Store::open(&folder.database()).await.unwrap();
        let mut journal = journal(&disk);
        let mut projector = Projector::new(store, journal.watch(), QUICK);
        for _ in 0..30 + round {
            journal.append(&frame(at));
            at += 1;
            if at % 5 == 0 {
                journal.keep_up();
            }
            if at.is_multiple_of(3 + round % 4) {
                projector.step().await.unwrap();
            }
        }
        disk = disk.after(Crash::Process);
    }
    let store = Store::open(&folder.database()).await.unwrap();
    let mut journal = journal(&disk);
    journal.sync_now();
    drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
    assert_rows(&store, at).await;
    assert!(disk.names_count() < 12, "projected segments are removed");
}

impl MemoryDisk {
    fn names_count(&self) -> usize {
        crate::journal::Disk::names(self).unwrap().len()
    }
}

#[tokio::test]
async fn a_database_that_falls_back_to_its_last_checkpoint_is_made_whole_from_the_segments_that_are_left()
 {
    let folder = Folder::new();
    let copy = folder.0.join("copy.db");
    let store = Store::open(&folder.database()).await.unwrap();
    // SQLite's own checkpoints would hide that ours are missing.
    let own = sqlx::raw_sql("PRAGMA wal_autocheckpoint = 0");
    own.execute(&mut *store.writer().await).await.unwrap();
    let disk = MemoryDisk::new();
    // So small that far more segments can go than the one that is kept.
    let options = JournalOptions {
        segment_bytes: 2_048,
        ..SMALL
    };
    let (mut journal, _) = Journal::open_on(Arc::new(disk.clone()), options).unwrap();
    let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
    let mut segments_removed = 0;
    for at in 0..7_000 {
        journal.append(&frame(at));
        journal.keep_up();
        if let Step::Checkpointed(removed) = projector.step().await.unwrap() {
            segments_removed += removed;
            // What a power loss leaves at the worst: the file without its WAL.
            std::fs::copy(folder.database(), &copy).unwrap();
        }
    }
    assert!(segments_removed > 10);
    // No step more: another checkpoint would let segments go that only a newer copy may miss.
    drop(projector);
    let fallen = Store::open(&copy).await.unwrap();
    let count = fallen.count().await.unwrap();
    assert!(count > 600 && count < 700, "{count}");
    drain(&mut Projector::new(fallen.clone(), journal.watch(), QUICK)).await;
    assert_rows(&fallen, 7_000).await;
}

#[tokio::test]
async fn power_loss_never_leaves_rows_that_the_journal_does_not_know() {
    for seed in 1..20 {
        let folder = Folder::new();
        let store = Store::open(&folder.database()).await.unwrap();
        let disk = MemoryDisk::new();
        let mut journal = journal(&disk);
        let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
        for at in 0..90 + seed {
            journal.append(&frame(at));
            if at == 50 + seed {
                journal.sync_now();
            }
            projector.step().await.unwrap();
        }
        let after = disk.after(Crash::PowerTorn { seed });
        let mut journal = self::journal(&after);
        let next = journal.status().next;
        assert!(projector.status().borrow().next <= next);
        for at in next - 1..150 {
            journal.append(&frame(at));
        }
        journal.sync_now();
        drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
        assert_rows(&store, 150).await;
    }
}

async fn stored_position(store: &Store) -> Option<(u64, u64)> {
    position(&mut *store.writer().await).await.unwrap()
}

#[tokio::test]
async fn two_projectors_do_not_double_anything() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let other = Store::open(&folder.database()).await.unwrap();
    let mut journal = journal(&MemoryDisk::new());
    let mut first = Projector::new(store.clone(), journal.watch(), QUICK);
    // One frame at a time: it falls behind, and what it has read is older than what is stored.
    let slow = ProjectorOptions {
        batch_frames_max: 1,
        ..QUICK
    };
    let mut second = Projector::new(other, journal.watch(), slow);
    for at in 0..300 {
        journal.append(&frame(at));
        journal.keep_up();
        first.step().await.unwrap();
        let before = stored_position(&store).await;
        if at % 3 == 0 {
            second.step().await.unwrap();
        }
        assert!(stored_position(&store).await >= before, "frame {at}");
    }
    drain(&mut first).await;
    drain(&mut second).await;
    assert_rows(&store, 300).await;
}

#[tokio::test]
async fn another_journal_begins_at_its_beginning() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    for frames in [0..100, 100..200] {
        // The second time the folder of the journal was lost.
        let mut journal = journal(&MemoryDisk::new());
        for at in frames {
            journal.append(&frame(at));
        }
        journal.sync_now();
        drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
    }
    assert_rows(&store, 200).await;
}

#[tokio::test]
async fn frames_lost_on_a_full_disk_still_leave_one_row_per_call() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let disk = MemoryDisk::new();
    let mut journal = journal(&disk);
    let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
    for at in 0..3_000 {
        if at == 500 {
            disk.set_capacity(Some(0));
        }
        journal.append(&frame(at));
        journal.keep_up();
    }
    assert!(journal.status().frames_lost > 100);
    disk.set_capacity(None);
    assert!(journal.keep_up());
    drain(&mut projector).await;
    assert_eq!(store.count().await.unwrap(), 300);
    let row = sqlx::query("SELECT count(*), count(DISTINCT call), sum(has_journal_gap) FROM calls");
    let row = row.fetch_one(store.readers()).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (300, 300));
    assert!(
        row.get::<i64, _>(2) > 10,
        "they say that facts may be missing"
    );
}

#[tokio::test]
async fn a_segment_that_rots_is_stepped_over_and_said() {
    for is_head in [true, false] {
        let folder = Folder::new();
        let store = Store::open(&folder.database()).await.unwrap();
        let disk = MemoryDisk::new();
        let mut journal = journal(&disk);
        for at in 0..1_000 {
            journal.append(&frame(at));
        }
        journal.sync_now();
        let mut names = crate::journal::Disk::names(&disk).unwrap();
        names.sort();
        let mut bytes = disk.bytes(&names[1]).unwrap();
        let at = if is_head { 50 } else { bytes.len() / 2 };
        bytes[at] ^= 0x55;
        disk.set_bytes(&names[1], bytes);
        let mut projector = Projector::new(store.clone(), journal.watch(), QUICK);
        drain(&mut projector).await;
        let status = projector.status().borrow().clone();
        assert_eq!((status.gaps, status.next), (1, 1_001));
        let count = store.count().await.unwrap();
        assert!(count > 40 && count < 100, "{count}");
        // Begun anew in the middle of what is missing, it is the same.
        drain(&mut Projector::new(store.clone(), journal.watch(), QUICK)).await;
        assert_eq!(store.count().await.unwrap(), count);
    }
}

#[tokio::test]
async fn a_locked_database_can_be_opened_and_read() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let mut thief = store.reader().await.unwrap();
    sqlx::raw_sql("PRAGMA query_only = OFF; BEGIN IMMEDIATE")
        .execute(&mut thief)
        .await
        .unwrap();
    let second = Store::open(&folder.database()).await.unwrap();
    assert_eq!(
        second.count().await.unwrap(),
        0,
        "an export reads while somebody writes"
    );
}

#[tokio::test]
async fn a_locked_database_is_waited_for_while_calls_go_on() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let options = JournalOptions {
        has_thread: true,
        ..SMALL
    };
    let (mut journal, _) = Journal::open_on(Arc::new(MemoryDisk::new()), options).unwrap();
    let projector = Projector::new(store.clone(), journal.watch(), ProjectorOptions::default());
    let mut status = projector.status();
    let (stop, stopping) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(projector.run(stopping));
    let mut thief = store.reader().await.unwrap();
    sqlx::raw_sql("PRAGMA query_only = OFF; BEGIN IMMEDIATE")
        .execute(&mut thief)
        .await
        .unwrap();
    let mut slowest = Duration::ZERO;
    for at in 0..5_000 {
        let began = Instant::now();
        journal.append(&frame(at));
        slowest = slowest.max(began.elapsed());
    }
    println!("slowest append while the database is locked: {slowest:?}");
    status
        .wait_for(|status| status.waiting() > Duration::from_millis(1))
        .await
        .unwrap();
    // Longer than the busy timeout: an attempt fails, is reported, and repeated.
    status
        .wait_for(|status| status.failure.is_some())
        .await
        .unwrap();
    assert_eq!(store.count().await.unwrap(), 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut thief).await.unwrap();
    journal.sync_now();
    stop.send(true).unwrap();
    tasks.join_next().await.unwrap().unwrap();
    assert_rows(&store, 5_000).await;
    assert_eq!(status.borrow().failure, None);
    assert_eq!(status.borrow().waiting(), Duration::ZERO);
}

#[tokio::test]
async fn twenty_thousand_calls_are_written_in_seconds() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    let (mut journal, _) =
        Journal::open(&folder.0.join("journal"), JournalOptions::default()).unwrap();
    let began = Instant::now();
    for at in 0..20_000 * FRAMES_PER_CALL {
        journal.append(&frame(at));
    }
    let appended = began.elapsed();
    assert!(journal.sync_now());
    let (stop, stopping) = watch::channel(true);
    let began = Instant::now();
    Projector::new(store.clone(), journal.watch(), ProjectorOptions::default())
        .run(stopping)
        .await;
    drop(stop);
    let took = began.elapsed();
    let status = journal.status();
    println!(
        "20,000 calls, 200,000 frames: appended in {appended:?} (slowest {} us), made into rows in {took:?}",
        status.slowest_append_us
    );
    assert_rows(&store, 20_000 * FRAMES_PER_CALL).await;
    assert_eq!((status.frames_lost, status.trouble), (0, None));
    let segments = std::fs::read_dir(folder.0.join("journal")).unwrap().count();
    assert!(
        segments <= 4,
        "segments are removed when their rows are durable: {segments}"
    );
}
