use std::io::SeekFrom;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::line::FRAME_SAMPLES;
use crate::tap::Frame;

/// A disk in memory that holds so many bytes.
#[derive(Clone, Default)]
struct Disk {
    files: Arc<Mutex<Vec<Vec<u8>>>>,
    room: usize,
}

struct Sink {
    disk: Disk,
    index: usize,
    at: usize,
}

impl RecordingStore for Disk {
    fn create(&mut self, _recording: RecordingId) -> io::Result<Box<dyn RecordingSink>> {
        let mut files = self.files.lock().unwrap();
        files.push(Vec::new());
        Ok(Box::new(Sink {
            disk: self.clone(),
            index: files.len() - 1,
            at: 0,
        }))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.disk.files.lock().unwrap();
        if self.at + bytes.len() > self.disk.room {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let file = &mut files[self.index];
        if file.len() < self.at + bytes.len() {
            file.resize(self.at + bytes.len(), 0);
        }
        file[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sink {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = match position {
            SeekFrom::Start(at) => at as usize,
            SeekFrom::Current(by) => (self.at as i64 + by) as usize,
            SeekFrom::End(by) => {
                (self.disk.files.lock().unwrap()[self.index].len() as i64 + by) as usize
            }
        };
        Ok(self.at as u64)
    }
}

fn frame(recording: RecordingId, index: u64, code: u8) -> Item {
    let (left, right) = ([code; FRAME_SAMPLES], [0xD5; FRAME_SAMPLES]);
    Item::Frame(Frame {
        recording,
        position: index * FRAME_SAMPLES as u64,
        left,
        right,
    })
}

fn end(recording: RecordingId, frames: u64) -> Item {
    Item::End {
        recording,
        samples: frames * FRAME_SAMPLES as u64,
    }
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(io::Cursor::new(bytes)).unwrap();
    assert_eq!(
        (reader.spec().channels, reader.spec().sample_rate),
        (2, 8_000)
    );
    reader.into_samples().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_recording_is_complete_and_its_holes_are_silence() {
    let disk = Disk {
        room: usize::MAX,
        ..Disk::default()
    };
    let mut writer = Writer::new(Box::new(disk.clone()));
    let mut told = Vec::new();
    writer.take(
        &[
            Item::Begin(5),
            frame(5, 0, 0xAA),
            frame(5, 3, 0xAA),
            end(5, 5),
        ],
        &mut told,
    );
    assert_eq!(
        told,
        [Event::RecordingClosed {
            recording: 5,
            length_ms: 100
        }]
    );
    let samples = samples(&disk.files.lock().unwrap()[0]);
    assert_eq!(samples.len(), 5 * 2 * FRAME_SAMPLES);
    for (index, pair) in samples.chunks(2).enumerate() {
        let expected = if matches!(index / FRAME_SAMPLES, 0 | 3) {
            32_256
        } else {
            0
        };
        assert_eq!(pair, [expected, 0], "sample {index}");
    }
}

#[test]
fn a_crash_leaves_all_but_the_last_second() {
    let disk = Disk {
        room: usize::MAX,
        ..Disk::default()
    };
    let mut writer = Writer::new(Box::new(disk.clone()));
    let mut told = Vec::new();
    writer.take(&[Item::Begin(5)], &mut told);
    for index in 0..175 {
        writer.take(&[frame(5, index, 0xAA)], &mut told);
        let written = samples(&disk.files.lock().unwrap()[0]).len() / 2;
        assert!(written as u64 + 8_000 > index * FRAME_SAMPLES as u64);
    }
    // What a kill leaves is what the disk holds now.
    assert_eq!(samples(&disk.files.lock().unwrap()[0]).len() / 2, 3 * 8_000);
}

#[test]
fn a_full_disk_ends_one_recording_and_is_told_once() {
    let disk = Disk {
        room: 20_000,
        ..Disk::default()
    };
    let mut writer = Writer::new(Box::new(disk.clone()));
    let mut told = Vec::new();
    writer.take(
        &[Item::Begin(5), Item::Begin(6), frame(6, 0, 1), end(6, 1)],
        &mut told,
    );
    for index in 0..200 {
        writer.take(&[frame(5, index, 0xAA)], &mut told);
    }
    writer.take(&[end(5, 200)], &mut told);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        told[0],
        Event::RecordingClosed {
            recording: 6,
            length_ms: 20
        }
    );
    assert!(matches!(
        &told[1],
        Event::RecordingFailed { recording: 5, .. }
    ));
}

#[test]
fn files_are_ours_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("hotline-media-recorder-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let mut directory = RecordingDirectory(path.clone());
    drop(directory.create(0xABC).unwrap());
    let file = path.join(Path::new("0000000000000abc.wav"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    let again = directory
        .create(0xABC)
        .map(|_| ())
        .map_err(|error| error.kind());
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(again, Err(io::ErrorKind::AlreadyExists));
}

/// A store whose disk stands still until it is let go.
struct Stuck(Receiver<()>, Disk);

impl RecordingStore for Stuck {
    fn create(&mut self, recording: RecordingId) -> io::Result<Box<dyn RecordingSink>> {
        let _ = self.0.recv();
        self.1.create(recording)
    }
}

#[test]
fn a_disk_that_stands_still_costs_frames_but_never_time_and_not_the_file() {
    let (let_go, stuck) = sync_channel(0);
    let disk = Disk {
        room: usize::MAX,
        ..Disk::default()
    };
    let mut recorder =
        Recorder::start("test".into(), Box::new(Stuck(stuck, disk.clone()))).unwrap();
    let mut events = Vec::new();
    let mut items = vec![Item::Begin(5)];
    let total = 2 * RING_BLOCKS as u64;
    for index in 0..total {
        items.push(frame(5, index, 0xAA));
        recorder.send(&mut items, &mut events);
    }
    assert!(
        matches!(events[..], [Event::RecordingFailed { recording: 5, .. }]),
        "{events:?}"
    );
    items.push(end(5, total));
    drop(let_go);
    let told = Mutex::new(Vec::new());
    recorder.finish(items, &|event| told.lock().unwrap().push(event));
    let expected = Event::RecordingClosed {
        recording: 5,
        length_ms: total * 20,
    };
    assert_eq!(told.into_inner().unwrap(), [expected]);
    let samples = samples(&disk.files.lock().unwrap()[0]);
    assert_eq!(samples.len() as u64, total * 2 * FRAME_SAMPLES as u64);
    assert_eq!((samples[0], samples[samples.len() - 2]), (32_256, 0));
}

/// A store that breaks its thread.
struct Broken;

impl RecordingStore for Broken {
    fn create(&mut self, _recording: RecordingId) -> io::Result<Box<dyn RecordingSink>> {
        panic!("broken on purpose")
    }
}

#[test]
fn a_dead_recorder_is_told_once_for_each_recording() {
    let mut recorder = Recorder::start("test".into(), Box::new(Broken)).unwrap();
    let mut events = Vec::new();
    let mut items = vec![Item::Begin(1)];
    recorder.send(&mut items, &mut events);
    while !recorder.thread.is_finished() {
        std::thread::yield_now();
    }
    for index in 0..3 {
        let mut items = vec![frame(5, index, 0xAA), frame(6, index, 0xAA)];
        recorder.send(&mut items, &mut events);
    }
    recorder.send(&mut vec![end(5, 3), Item::Begin(7)], &mut events);
    assert_eq!(recorder.shed.len(), 2, "who has ended is forgotten");
    let told = Mutex::new(Vec::new());
    recorder.finish(vec![frame(6, 3, 0xAA), end(6, 4), end(8, 0)], &|event| {
        told.lock().unwrap().push(event);
    });
    events.extend(told.into_inner().unwrap());
    let failed: Vec<RecordingId> = events
        .iter()
        .map(|event| match event {
            Event::RecordingFailed { recording, .. } => *recording,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(failed, [5, 6, 7, 8]);
}

#[test]
fn a_recording_that_lost_frames_is_forgotten_at_its_end() {
    let (let_go, stuck) = sync_channel(0);
    let disk = Disk {
        room: usize::MAX,
        ..Disk::default()
    };
    let mut recorder = Recorder::start("test".into(), Box::new(Stuck(stuck, disk))).unwrap();
    let mut events = Vec::new();
    let mut items = vec![Item::Begin(5)];
    for index in 0..2 * RING_BLOCKS as u64 {
        items.push(frame(5, index, 0xAA));
        recorder.send(&mut items, &mut events);
    }
    assert_eq!(recorder.shed.len(), 1);
    drop(let_go);
    items.push(end(5, 2 * RING_BLOCKS as u64));
    while !items.is_empty() {
        recorder.send(&mut items, &mut events);
        std::thread::yield_now();
    }
    assert!(recorder.shed.is_empty());
    recorder.finish(Vec::new(), &|_| {});
}
