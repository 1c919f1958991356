//! The journal on disks that fail in every way we know.

use super::*;
use hotline_core::{CallerNumber, Cause, EndedBy, Fact, Keep, LegId, Mono, Wall};
use proptest::prelude::*;

mod trouble;

const SMALL: JournalOptions = JournalOptions {
    segment_bytes: 2_048,
    reserve_bytes: 0,
    waiting_bytes_max: 16_384,
    slow_append_us: 20_000,
    sync_delay_ms: 20,
    has_thread: false,
};

fn now(at: u64) -> Now {
    Now {
        mono: Mono(at * 1_000),
        wall: Wall(1_760_000_000_000 + i64::try_from(at).unwrap()),
    }
}

fn arrived(call: u64) -> Fact {
    Fact::Arrived {
        call: CallId(call),
        leg: LegId(call * 2),
        caller: CallerNumber::new(format!("+8490{call:07}")),
        dialled: "111".to_owned(),
        origin: "carrier".to_owned(),
        is_from_trunk: true,
        route: "main".to_owned(),
        is_counted: true,
    }
}

fn ended(call: u64) -> Fact {
    Fact::Ended {
        call: CallId(call),
        by: EndedBy::Caller,
        cause: Cause::NormalClearing,
    }
}

/// Frame number `at` of an endless story: calls come, are answered, go; the edge keeps things.
fn frame(at: u64) -> Frame {
    let call = at / 4;
    let (facts, edge) = match at % 4 {
        0 => (
            vec![
                Fact::Started {
                    version: "1".to_owned(),
                },
                arrived(call),
            ],
            Vec::new(),
        ),
        1 => (vec![Fact::Answered { call: CallId(call) }], Vec::new()),
        2 => {
            let value = (at % 8 < 4).then(|| vec![7; usize::try_from(at % 90).unwrap()]);
            (
                Vec::new(),
                vec![EdgeFact::Keep(Keep {
                    table: 1,
                    key: vec![u8::try_from(at % 16).unwrap()],
                    value,
                })],
            )
        }
        _ => (vec![ended(call)], Vec::new()),
    };
    Frame {
        now: now(at),
        inputs: Vec::new(),
        facts,
        edge,
    }
}

fn folded(frames: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for at in 0..frames {
        ledger.apply_frame(&frame(at));
    }
    ledger
}

fn open(disk: &MemoryDisk) -> (Journal, Ledger) {
    Journal::open_on(Arc::new(disk.clone()), SMALL).unwrap()
}

/// All frames that are in the files, by number.
fn frames_on(disk: &MemoryDisk) -> Vec<(u64, Frame)> {
    let mut frames = Vec::new();
    read_all(disk, |sequence, frame| {
        frames.push((sequence, frame));
        true
    })
    .unwrap();
    frames
}

#[test]
fn what_is_appended_is_there_after_a_kill_over_many_segments() {
    let disk = MemoryDisk::new();
    let (mut journal, ledger) = open(&disk);
    assert_eq!(ledger, Ledger::default());
    for at in 0..400 {
        assert!(journal.append(&frame(at)).is_written);
    }
    assert_eq!(*journal.ledger(), folded(400));
    let after = disk.after(Crash::Process);
    assert!(
        segment::list(&after).unwrap().len() > 5,
        "segments were rotated"
    );
    let (journal, ledger) = open(&after);
    assert_eq!(ledger, folded(400));
    assert!(
        journal.recovery().frames < 100,
        "one segment was read, not all"
    );
    let frames = frames_on(&after);
    assert_eq!(frames.len(), 400);
    assert!(
        frames
            .iter()
            .zip(1..)
            .all(|((sequence, _), expected)| *sequence == expected)
    );
}

#[test]
fn inputs_come_back_for_replay() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    let inputs = vec![
        hotline_core::Input::Tick,
        hotline_core::Input::Drain { limit_ms: 5 },
    ];
    let told = Frame { inputs, ..frame(0) };
    journal.append(&told);
    assert_eq!(frames_on(&disk), [(1, told)]);
}

#[test]
fn power_loss_keeps_what_was_synced_and_never_half_a_frame() {
    for seed in 0..200 {
        let disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk);
        for at in 0..60 {
            journal.append(&frame(at));
            if at == 20 {
                assert!(journal.sync_now());
            }
        }
        let crash = if seed == 0 {
            Crash::Power
        } else {
            Crash::PowerTorn { seed }
        };
        let after = disk.after(crash);
        let (journal, ledger) = open(&after);
        // After a head that was torn, the gap is stated behind what was found.
        let gap = u64::from(journal.recovery().damaged_segments > 0);
        let next = journal.status().next - gap;
        assert!(next > 21, "seed {seed}: synced frames are there");
        assert_eq!(ledger, prefix(next), "seed {seed}");
    }
}

/// The ledger before frame number `next`.
fn prefix(next: u64) -> Ledger {
    folded(next - 1)
}

#[test]
fn a_tail_cut_at_every_byte_or_with_any_bit_flipped_is_a_prefix() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = Journal::open_on(
        Arc::new(disk.clone()),
        JournalOptions {
            segment_bytes: 65_536,
            ..SMALL
        },
    )
    .unwrap();
    let head = usize::try_from(last_offset(&disk, 1)).unwrap();
    for at in 0..12 {
        journal.append(&frame(at));
    }
    let name = segment::name(1);
    let whole = disk.bytes(&name).unwrap();
    let end = usize::try_from(last_offset(&disk, 1)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for cut in head..=end {
        let torn = disk.after(Crash::Process);
        torn.set_bytes(&name, whole[..cut].to_vec());
        let (journal, ledger) = open(&torn);
        seen.insert(journal.status().next);
        assert_eq!(ledger, prefix(journal.status().next), "cut at {cut}");
    }
    assert_eq!(seen.len(), 13, "every number of frames was seen");
    for at in head..end {
        let flipped = disk.after(Crash::Process);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        flipped.set_bytes(&name, bytes);
        let (journal, ledger) = open(&flipped);
        assert_eq!(ledger, prefix(journal.status().next), "bit at {at}");
        assert!(journal.status().next < 13, "bit at {at} was noticed");
    }
}

/// Where the frames of a segment end now.
fn last_offset(disk: &MemoryDisk, first: u64) -> u64 {
    let opened = segment::open(disk, first).unwrap().unwrap();
    let mut window = segment::Window::new(opened.file, opened.offset);
    let mut end = opened.offset;
    while let Some(bytes) = window.record().unwrap().map(|record| record.bytes()) {
        window.skip(bytes);
        end += bytes as u64;
    }
    end
}

#[test]
fn a_kill_at_every_writing_operation_loses_no_frame_that_was_written() {
    for operations in 0..150 {
        for bytes in [0, 1, 19, 4_000] {
            let disk = MemoryDisk::new();
            disk.kill_after(operations, bytes);
            let mut written = 0;
            if let Ok((mut journal, _)) = Journal::open_on(Arc::new(disk.clone()), SMALL) {
                for at in 0..200 {
                    if disk.is_dead() {
                        break;
                    }
                    if journal.append(&frame(at)).is_written && !disk.is_dead() {
                        written = at + 1;
                    }
                    if at % 7 == 0 {
                        journal.keep_up();
                    }
                }
            }
            let (journal, ledger) = open(&disk.after(Crash::Process));
            let next = journal.status().next;
            assert!(
                next > written,
                "killed after {operations}: {written} written, next {next}"
            );
            assert_eq!(ledger, prefix(next), "killed after {operations}");
        }
    }
}

#[test]
fn a_start_over_an_empty_segment_keeps_its_snapshot_at_every_kill() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    for at in 0..9 {
        journal.append(&frame(at));
    }
    drop(open(&disk));
    for operations in 0..12 {
        let again = disk.after(Crash::Process);
        again.kill_after(operations, 3);
        drop(Journal::open_on(Arc::new(again.clone()), SMALL));
        let torn = (1..9).map(|seed| Crash::PowerTorn { seed });
        for crash in [Crash::Process, Crash::Power].into_iter().chain(torn) {
            let (_, ledger) = open(&again.after(crash));
            assert_eq!(ledger, folded(9), "killed after {operations}, {crash:?}");
        }
    }
}

#[test]
fn a_damaged_head_falls_back_to_the_segment_before_and_says_so() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    for at in 0..100 {
        journal.append(&frame(at));
    }
    let newest = *segment::list(&disk).unwrap().last().unwrap();
    let mut bytes = disk.bytes(&segment::name(newest)).unwrap();
    bytes[40] ^= 1;
    disk.set_bytes(&segment::name(newest), bytes);
    let (mut journal, ledger) = open(&disk);
    assert_eq!(ledger, prefix(newest));
    assert_eq!(journal.recovery().damaged_segments, 1);
    assert!(
        journal
            .ledger()
            .calls
            .values()
            .filter(|call| call.is_open())
            .all(|call| call.has_journal_gap)
    );
    journal.append(&frame(200));
    assert!(
        disk.names()
            .unwrap()
            .iter()
            .any(|name| name.ends_with(".damaged"))
    );
}

#[test]
fn another_format_is_refused() {
    let disk = MemoryDisk::new();
    drop(open(&disk));
    let mut bytes = Vec::new();
    encoding::Header {
        format: encoding::FORMAT + 1,
        journal: 1,
        first: 1,
    }
    .write(&mut bytes);
    disk.set_bytes(&segment::name(1), bytes);
    assert!(matches!(
        Journal::open_on(Arc::new(disk), SMALL),
        Err(JournalError::Format { found, .. }) if found == encoding::FORMAT + 1
    ));
}

#[tokio::test]
async fn a_tail_follows_over_segments_and_reads_only_what_is_durable() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    let (mut tail, ledger, orphans) = Tail::open(journal.watch(), None).unwrap();
    assert_eq!((ledger, orphans.len()), (Ledger::default(), 0));
    let mut read = 0;
    for at in 0..300 {
        journal.append(&frame(at));
        if at % 11 == 0 {
            assert!(tail.read().unwrap().is_none(), "not durable yet");
            journal.sync_now();
            tail.wait().await;
            while let Some(found) = tail.read().unwrap() {
                let Found::Frame {
                    sequence,
                    frame: found,
                } = found
                else {
                    panic!("gap")
                };
                assert_eq!((sequence, found), (read + 1, frame(read)));
                read += 1;
            }
            assert_eq!(read, at + 1);
        }
    }
    let (tail, ledger, _) =
        Tail::open(journal.watch(), Some((journal.watch().journal_id(), 150))).unwrap();
    assert_eq!((tail.next(), ledger), (150, folded(149)));
    assert!(tail.remove_before(150).unwrap() > 0);
    let (_, again, _) =
        Tail::open(journal.watch(), Some((journal.watch().journal_id(), 150))).unwrap();
    assert_eq!(again, folded(149), "what the position needs is still there");
}

#[test]
fn the_thread_syncs_within_moments_and_a_folder_keeps_everything() {
    let folder = std::env::temp_dir().join(format!("hotline-journal-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    let options = JournalOptions {
        has_thread: true,
        reserve_bytes: 1 << 20,
        ..JournalOptions::default()
    };
    let (mut journal, _) = Journal::open(&folder, options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let began = std::time::Instant::now();
    let mut last = 0;
    for at in 0..10_000 {
        last = journal.append(&frame(at)).sequence;
    }
    println!(
        "10,000 appends: {:?}, slowest {} us",
        began.elapsed(),
        journal.status().slowest_append_us
    );
    assert!(runtime.block_on(journal.watch().until_durable(last, Duration::from_secs(10))));
    let file = folder.join(segment::name(1));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    drop(journal);
    let (journal, ledger) = Journal::open(&folder, options).unwrap();
    assert_eq!(ledger, folded(10_000));
    drop(journal);
    assert!(disk_used_percent(&folder).unwrap() <= 100);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_frame_is_on_disk_within_moments() {
    let options = JournalOptions {
        has_thread: true,
        ..SMALL
    };
    let (mut journal, _) = Journal::open_on(Arc::new(MemoryDisk::new()), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut slowest = Duration::ZERO;
    for at in 0..20 {
        let began = std::time::Instant::now();
        let sequence = journal.append(&frame(at)).sequence;
        let limit = Duration::from_secs(5);
        assert!(runtime.block_on(journal.watch().until_durable(sequence, limit)));
        slowest = slowest.max(began.elapsed());
    }
    println!("slowest of 20 appends until durable: {slowest:?}");
    // The bar is 50 ms; this machine may be busy.
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
}

#[test]
fn a_real_disk_without_room_leaves_no_file() {
    let folder = std::env::temp_dir().join(format!("hotline-disk-{}", std::process::id()));
    let disk = RealDisk::open(&folder).unwrap();
    assert!(disk.create("large", 1 << 50).is_err());
    assert_eq!(disk.names().unwrap(), Vec::<String>::new());
    let file = disk.create("small", 4_096).unwrap();
    file.write_at(b"words", 4_090).unwrap();
    file.sync().unwrap();
    disk.rename("small", "other").unwrap();
    disk.sync_names().unwrap();
    let mut bytes = [0; 16];
    let read = disk
        .open("other")
        .unwrap()
        .read_at(&mut bytes, 4_090)
        .unwrap();
    assert_eq!(&bytes[..read], b"words\0");
    disk.remove("other").unwrap();
    assert!(disk.open("other").is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What may happen to a journal between two frames.
#[derive(Clone, Debug)]
enum Move {
    Append(u8),
    Capacity(Option<u16>),
    Errors(bool),
    KeepUp,
    Kill,
    Power(u64),
    Slow(bool),
    SyncErrors(bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        12 => (1_u8..30).prop_map(Move::Append),
        1 => proptest::option::of(4_000_u16..40_000).prop_map(Move::Capacity),
        2 => any::<bool>().prop_map(Move::Errors),
        6 => Just(Move::KeepUp),
        2 => Just(Move::Kill),
        2 => any::<u64>().prop_map(Move::Power),
        1 => any::<bool>().prop_map(Move::Slow),
        1 => any::<bool>().prop_map(Move::SyncErrors),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, a start finds a state that was true after some frame, never before the last durable one, and
    /// after a kill never before the last one that was written.
    #[test]
    fn a_start_finds_a_prefix(moves in moves()) {
        let mut disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk);
        let mut states = std::collections::BTreeMap::from([(1, Ledger::default())]);
        let mut at = 0;
        let mut written = 1;
        for what in moves {
            match what {
                Move::Append(count) => for _ in 0..count {
                    let appended = journal.append(&frame(at));
                    at += 1;
                    if appended.is_written {
                        written = appended.sequence + 1;
                    }
                    states.insert(journal.status().next, journal.ledger().clone());
                },
                Move::Capacity(bytes) => disk.set_capacity(bytes.map(u64::from)),
                Move::Errors(has_errors) => disk.set_errors(has_errors),
                Move::KeepUp => if journal.keep_up() && journal.status().waiting_bytes == 0 {
                    written = journal.status().next;
                },
                Move::Slow(is_slow) => disk.set_slow(if is_slow { 30_000 } else { 0 }),
                Move::SyncErrors(has_errors) => disk.set_sync_errors(has_errors),
                Move::Kill | Move::Power(_) => {
                    let least = match what {
                        Move::Power(_) => journal.status().durable,
                        _ => written,
                    };
                    let crash = if let Move::Power(seed) = what { Crash::PowerTorn { seed } } else { Crash::Process };
                    disk = disk.after(crash);
                    disk.set_capacity(None);
                    let (fresh, ledger) = open(&disk);
                    let gap = u64::from(fresh.recovery().damaged_segments > 0);
                    let next = fresh.status().next - gap;
                    prop_assert!(next >= least, "next {next}, least {least}");
                    prop_assert_eq!(Some(&ledger), states.get(&next), "at {}", next);
                    journal = fresh;
                    states.retain(|known, _| *known < next);
                    states.insert(journal.status().next, journal.ledger().clone());
                    states.insert(next, ledger);
                    written = journal.status().next;
                }
            }
        }
    }
}
