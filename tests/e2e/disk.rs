//! The disk fills up under load: recordings stop with an alarm, calls go on, rows come when there is room.

use crate::load::{COUNSELLORS, Load};
use crate::server::{Plan, rows};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Two segments of the journal, its reserve, and some recordings.
const SIZE: &str = "64m";

/// A small disk of its own.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount() -> Self {
        let folder =
            std::env::temp_dir().join(format!("hotline111-small-disk-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a place to mount");
        let size = format!("size={SIZE}");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&folder);
        let status = mount.status().expect("starting mount");
        assert!(
            status.success(),
            "a disk of {SIZE} cannot be mounted (the suite needs root for this test)"
        );
        Self { folder }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn used_percent(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.folder).expect("asking the disk");
        100 - disk.f_bavail * 100 / disk.f_blocks
    }

    /// Fills it to so many per cent; at 100 until nothing more fits.
    fn fill(&self, percent: u64) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("a filler");
        let block = vec![0x55; 1 << 16];
        while self.used_percent() < percent || percent == 100 {
            if file.write_all(&block).is_err() {
                break;
            }
        }
        println!("the disk is {} % full", self.used_percent());
    }

    fn clear(&self) {
        fs::remove_file(self.filler()).expect("removing the filler");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        if !std::thread::panicking() {
            assert!(unmounted.is_ok_and(|status| status.success()), "unmounting");
            fs::remove_dir(&self.folder).expect("removing the place to mount");
        }
    }
}

fn recording(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn a_full_disk_stops_recordings_and_no_call() {
    let disk = Disk::mount();
    let state = disk.folder.join("state");
    let server = Plan::new("disk", COUNSELLORS)
        .state(&state)
        .storage("journal_reserve = \"8 MiB\"\n")
        .start();
    let mut load = Load::start(&server);
    load.run(Duration::from_secs(3), |_| {});
    let before = load.calls();

    disk.fill(97);
    server.wait_ctl("status", "disk_full is told", |status| {
        rows(&status["troubles"]).any(|trouble| trouble == "disk_full")
    });
    let stopped = load.calls();
    load.run(Duration::from_secs(6), |_| {});
    disk.fill(100);
    load.run(Duration::from_secs(12), |_| {});
    let status = server.ctl("status");
    println!("full: {status}");
    assert_eq!(status["is_ready"], false);
    assert!(
        status["alarms"]["disk_full"].as_u64() >= Some(1),
        "{status}"
    );
    assert!(
        server
            .log_lines("the disk is nearly full, recordings stop, calls go on")
            .len()
            == 1
    );

    disk.clear();
    server.wait_ctl("status", "the disk has room again", |status| {
        status["troubles"] == serde_json::json!([])
    });
    load.run(Duration::from_secs(2), |_| {});
    let calls = load.calls();
    load.finish();
    server.wait_no_calls();
    let records = server.records(calls);
    for record in &records {
        assert_eq!(record["fate"], "H_UNCODED", "{record}");
        assert_eq!(record["has_journal_gap"], false, "{record}");
    }
    let state_of =
        |record: &serde_json::Value| record["recording"].as_str().unwrap_or_default().to_owned();
    println!("{:?}", records.iter().map(state_of).collect::<Vec<_>>());
    let (first, last) = (&records[0], &records[calls - 1]);
    assert!(
        before >= 3 && state_of(first) == "made" && server.audio(first).length_ms() > 2_000,
        "{first}"
    );
    assert!(
        records[stopped..calls - 2]
            .iter()
            .all(|record| state_of(record) == "failed"),
        "recorded on a full disk"
    );
    assert!(
        state_of(last) == "made" && recording(&server.recording(last)) > 10_000,
        "recordings go on: {last}"
    );
}
