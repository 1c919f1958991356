//! Disks that are full, slow, broken, or come and go.

use super::*;

#[test]
fn a_disk_that_errs_for_a_while_costs_nothing() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    for at in 0..100 {
        disk.set_errors((20..60).contains(&at));
        let appended = journal.append(&frame(at));
        assert_eq!(appended.is_written, !(20..=60).contains(&at), "frame {at}");
        if at == 40 {
            assert!(!journal.keep_up());
            assert_eq!(journal.status().trouble, Some(Trouble::WriteFailed));
            assert!(journal.status().waiting_bytes > 0);
        }
        if at == 60 {
            assert!(journal.keep_up());
        }
    }
    let status = journal.status();
    assert_eq!(
        (status.trouble, status.waiting_bytes, status.frames_lost),
        (None, 0, 0)
    );
    assert_eq!(status.troubles, 1);
    assert_eq!(frames_on(&disk).len(), 100);
    let (_, ledger) = open(&disk.after(Crash::Process));
    assert_eq!(ledger, folded(100));
}

#[test]
fn a_full_disk_takes_the_reserve_first_and_then_memory() {
    let disk = MemoryDisk::new();
    let options = JournalOptions {
        reserve_bytes: 8_192,
        ..SMALL
    };
    let (mut journal, _) = Journal::open_on(Arc::new(disk.clone()), options).unwrap();
    assert!(journal.status().has_reserve);
    disk.set_capacity(Some(8_192 + 3 * 2_048));
    let mut at = 0;
    while journal.append(&frame(at)).is_written {
        at += 1;
    }
    assert!(!journal.status().has_reserve, "given up");
    assert_eq!(journal.status().trouble, Some(Trouble::DiskFull));
    let full_at = at;
    for _ in 0..20 {
        at += 1;
        assert!(!journal.append(&frame(at)).is_written);
    }
    assert!(!journal.keep_up());
    disk.set_capacity(None);
    assert!(journal.keep_up());
    at += 1;
    assert!(journal.append(&frame(at)).is_written);
    let status = journal.status();
    assert_eq!((status.trouble, status.frames_lost), (None, 0));
    assert!(full_at > 10);
    let (_, ledger) = open(&disk.after(Crash::Process));
    assert_eq!(ledger, folded(at + 1));
}

#[test]
fn a_start_on_a_full_disk_works_in_memory() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    journal.append(&frame(0));
    disk.set_capacity(Some(2_048));
    let (mut journal, ledger) = open(&disk);
    assert_eq!(ledger, folded(1));
    assert_eq!(journal.status().trouble, Some(Trouble::DiskFull));
    assert!(!journal.append(&frame(1)).is_written);
    disk.set_capacity(None);
    assert!(journal.keep_up());
    assert_eq!(open(&disk.after(Crash::Process)).1, folded(2));
}

#[test]
fn a_slow_disk_is_noticed_and_left_to_the_other_thread() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    disk.set_slow(25_000);
    assert!(
        journal.append(&frame(0)).is_written,
        "it was slow, but it was written"
    );
    assert_eq!(journal.status().trouble, Some(Trouble::Slow));
    let before = disk.micros();
    for at in 1..50 {
        assert!(!journal.append(&frame(at)).is_written);
    }
    assert_eq!(disk.micros(), before, "nobody waited");
    journal.keep_up();
    disk.set_slow(0);
    journal.append(&frame(50));
    journal.keep_up();
    assert_eq!(journal.status().trouble, None);
    assert!(journal.append(&frame(51)).is_written);
    assert_eq!(frames_on(&disk).len(), 52);
    assert_eq!(open(&disk.after(Crash::Process)).1, folded(52));
}

#[test]
fn when_memory_is_full_the_oldest_go_and_the_journal_says_so() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    for at in 0..8 {
        journal.append(&frame(at));
    }
    disk.set_errors(true);
    for at in 8..2_000 {
        journal.append(&frame(at));
        assert!(journal.status().waiting_bytes <= 2 * 16_384);
    }
    assert!(journal.status().frames_lost > 500);
    disk.set_errors(false);
    assert!(journal.keep_up());
    let whole = journal.ledger().clone();
    let frames = frames_on(&disk);
    assert!(
        frames
            .iter()
            .any(|(_, frame)| frame.edge.contains(&EdgeFact::JournalGap))
    );
    let (_, ledger) = open(&disk.after(Crash::Process));
    assert_eq!(ledger, whole, "the state is whole all the same");
}

#[test]
fn a_failed_sync_does_not_count_as_durable() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    journal.append(&frame(0));
    assert!(journal.sync_now());
    let durable = journal.status().durable;
    journal.append(&frame(1));
    disk.set_sync_errors(true);
    assert!(!journal.sync_now());
    assert_eq!(journal.status().trouble, Some(Trouble::SyncFailed));
    assert_eq!(journal.status().durable, durable);
    disk.set_sync_errors(false);
    journal.append(&frame(2));
    assert!(journal.sync_now());
    assert_eq!(journal.status().trouble, None);
    assert_eq!(journal.status().durable, durable + 2);
    assert_eq!(open(&disk.after(Crash::Power)).1, folded(3));
}

#[test]
fn with_its_thread_and_a_disk_that_comes_and_goes_nothing_is_lost() {
    for seed in 0..20_u64 {
        let disk = MemoryDisk::new();
        let options = JournalOptions {
            has_thread: true,
            sync_delay_ms: 0,
            waiting_bytes_max: 4 << 20,
            ..SMALL
        };
        let (mut journal, _) = Journal::open_on(Arc::new(disk.clone()), options).unwrap();
        for at in 0..3_000 {
            match (at + seed * 31) % 97 {
                0 => disk.set_errors(true),
                40 => disk.set_errors(false),
                50 => disk.set_slow(30_000),
                60 => disk.set_slow(0),
                70 => disk.set_sync_errors(true),
                80 => disk.set_sync_errors(false),
                _ => {}
            }
            journal.append(&frame(at));
        }
        disk.set_errors(false);
        disk.set_sync_errors(false);
        disk.set_slow(0);
        journal.sync_now();
        journal.append(&frame(3_000));
        assert!(journal.sync_now());
        let status = journal.status();
        assert_eq!((status.frames_lost, status.trouble), (0, None));
        assert!(status.troubles > 0);
        drop(journal);
        assert_eq!(open(&disk.after(Crash::Power)).1, folded(3_001));
        let frames = frames_on(&disk);
        let numbers: Vec<u64> = frames.iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(numbers, (1..=3_001).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_tail_meets_a_gap_with_the_rows_of_calls_that_ended_in_it() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk);
    for at in 0..8 {
        journal.append(&frame(at));
    }
    journal.sync_now();
    let (mut tail, mut ledger, _) = Tail::open(journal.watch(), None).unwrap();
    disk.set_errors(true);
    for at in 8..1_200 {
        journal.append(&frame(at));
    }
    disk.set_errors(false);
    assert!(journal.keep_up());
    let mut rows = std::collections::BTreeSet::new();
    let mut gaps = 0;
    while let Some(found) = tail.read().unwrap() {
        match found {
            Found::Frame { frame, .. } => rows.extend(ledger.apply_frame(&frame)),
            Found::Gap {
                ledger: snapshot,
                orphans,
            } => {
                gaps += 1;
                assert!(orphans.iter().all(|row| row.has_journal_gap));
                rows.extend(orphans.iter().map(|row| row.call));
                ledger = *snapshot;
            }
        }
    }
    assert!(gaps > 0);
    assert_eq!(
        rows,
        (0..300).map(CallId).collect(),
        "every call has its row"
    );
    assert_eq!(ledger, *journal.ledger());
}
