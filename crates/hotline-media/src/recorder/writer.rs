//! Frames to WAV files: two channels, 16 bit, 8 kHz, with a header that is right each second.

use std::collections::HashMap;
use std::io::BufWriter;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::{RecordingSink, RecordingStore};
use crate::g711::{ALAW_SILENCE, ALAW_TO_LINEAR};
use crate::line::FRAME_SAMPLES;
use crate::message::{Event, RecordingId};
use crate::tap::{Frame, Item};
use crate::tone::RATE;

/// All open files of a worker.
pub(crate) struct Writer {
    store: Box<dyn RecordingStore>,
    files: HashMap<RecordingId, OpenFile>,
}

struct OpenFile {
    wav: WavWriter<BufWriter<Box<dyn RecordingSink>>>,
    /// Samples per channel written.
    samples: u64,
    flushed: u64,
}

impl Writer {
    pub(crate) fn new(store: Box<dyn RecordingStore>) -> Self {
        Writer {
            store,
            files: HashMap::new(),
        }
    }

    /// Writes a block; what became of recordings goes to `told`.
    pub(crate) fn take(&mut self, items: &[Item], told: &mut Vec<Event>) {
        for item in items {
            match item {
                Item::Begin(recording) => self.begin(*recording, told),
                Item::Frame(frame) => self.frame(frame, told),
                Item::End { recording, samples } => self.end(*recording, *samples, told),
            }
        }
    }

    /// Completes whatever is open.
    pub(crate) fn finish(&mut self, told: &mut Vec<Event>) {
        let mut open: Vec<(RecordingId, u64)> = self
            .files
            .iter()
            .map(|(recording, file)| (*recording, file.samples))
            .collect();
        open.sort_unstable();
        for (recording, samples) in open {
            self.end(recording, samples, told);
        }
    }

    fn begin(&mut self, recording: RecordingId, told: &mut Vec<Event>) {
        let opened = self
            .store
            .create(recording)
            .map_err(hound::Error::IoError)
            .and_then(OpenFile::new);
        match opened {
            Ok(file) => {
                self.files.insert(recording, file);
            }
            Err(error) => told.push(failed(recording, "beginning", &error)),
        }
    }

    /// A frame for a file that failed or was never begun is dropped: that has been told.
    fn frame(&mut self, frame: &Frame, told: &mut Vec<Event>) {
        let Some(file) = self.files.get_mut(&frame.recording) else {
            return;
        };
        if let Err(error) = file.write(frame) {
            self.files.remove(&frame.recording);
            told.push(failed(frame.recording, "writing", &error));
        }
    }

    fn end(&mut self, recording: RecordingId, samples: u64, told: &mut Vec<Event>) {
        let Some(mut file) = self.files.remove(&recording) else {
            return;
        };
        let finished = file.fill_to(samples).and_then(|()| file.wav.finalize());
        told.push(match finished {
            Ok(()) => Event::RecordingClosed {
                recording,
                length_ms: samples * 1000 / u64::from(RATE),
            },
            Err(error) => failed(recording, "completing", &error),
        });
    }
}

impl OpenFile {
    fn new(sink: Box<dyn RecordingSink>) -> Result<Self, hound::Error> {
        let spec = WavSpec {
            channels: 2,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut wav = WavWriter::new(BufWriter::with_capacity(BUFFER_BYTES, sink), spec)?;
        wav.flush()?;
        Ok(OpenFile {
            wav,
            samples: 0,
            flushed: 0,
        })
    }

    fn write(&mut self, frame: &Frame) -> Result<(), hound::Error> {
        if self.samples >= SAMPLES_MAX {
            return Err(hound::Error::FormatError("a recording of 24 hours is full"));
        }
        self.fill_to(frame.position.min(SAMPLES_MAX))?;
        // `get_i16_writer` wants to be filled exactly: two channels of one frame.
        let mut samples = self.wav.get_i16_writer(2 * FRAME_SAMPLES as u32);
        for (left, right) in frame.left.iter().zip(&frame.right) {
            samples.write_sample(linear(*left));
            samples.write_sample(linear(*right));
        }
        samples.flush()?;
        self.samples += FRAME_SAMPLES as u64;
        if self.samples - self.flushed >= u64::from(RATE) {
            // The header says what is there: after a crash all but the last second can be played.
            self.flushed = self.samples;
            self.wav.flush()?;
        }
        Ok(())
    }

    /// Frames that were lost on the way are silence of their length.
    fn fill_to(&mut self, position: u64) -> Result<(), hound::Error> {
        while self.samples < position.min(SAMPLES_MAX) {
            self.wav.write_sample(0i16)?;
            self.wav.write_sample(0i16)?;
            self.samples += 1;
        }
        Ok(())
    }
}

/// A-law has no zero; its silence becomes one, so that pauses and missing packets are exact zeros.
fn linear(code: u8) -> i16 {
    if code == ALAW_SILENCE {
        0
    } else {
        ALAW_TO_LINEAR[usize::from(code)]
    }
}

fn failed(recording: RecordingId, what: &str, error: &hound::Error) -> Event {
    Event::RecordingFailed {
        recording,
        error: format!("{what} recording {recording:016x}: {error}"),
    }
}

/// A quarter of a second; the header is written with each second anyway.
const BUFFER_BYTES: usize = 8_192;
/// 24 hours: well below the 4 GiB that a WAV header can say.
const SAMPLES_MAX: u64 = 24 * 3_600 * 8_000;
