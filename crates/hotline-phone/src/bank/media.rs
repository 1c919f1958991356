//! What the media worker tells, passed on.

use super::phone::Stage;
use super::run::Runner;
use crate::event::{EventKind, PhoneId};
use hotline_media::{Event as MediaEvent, LegId, RecordingId};
use std::path::Path;

impl Runner {
    pub(super) fn on_media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Closed { leg, statistics } => {
                self.tell_leg(leg, EventKind::MediaClosed(statistics));
                self.legs.remove(&leg);
            }
            MediaEvent::Digit { leg, digit } => self.tell_leg(leg, EventKind::Digit { digit }),
            MediaEvent::Flowing { leg } => {
                self.tell_leg(leg, EventKind::Flowing);
                if let Some(phone) = self.legs.get(&leg).copied() {
                    self.on_flowing(phone);
                }
            }
            MediaEvent::MediaLost { leg } => self.tell_leg(leg, EventKind::MediaLost),
            MediaEvent::OpenFailed { leg } => self.on_open_failed(leg),
            MediaEvent::Ports(ports) => self.on_ports(&ports),
            MediaEvent::RecordingClosed {
                recording,
                length_ms,
            } => self.on_recorded(recording, length_ms),
            MediaEvent::RecordingFailed { recording, error } => {
                if let Some((phone, _)) = self.recordings.remove(&recording) {
                    self.tell(
                        self.clock.mono(),
                        phone,
                        EventKind::Trouble(format!("recording: {error}")),
                    );
                }
            }
            MediaEvent::Silent { leg, for_ms } => self.tell_leg(leg, EventKind::Silent { for_ms }),
            MediaEvent::Voice { leg } => self.tell_leg(leg, EventKind::Voice),
            // Scripts keep their own time; strangers and interim counters are the server's affair.
            MediaEvent::ForeignFlood { .. }
            | MediaEvent::OneWay { .. }
            | MediaEvent::PlayEnded { .. }
            | MediaEvent::Poor { .. }
            | MediaEvent::Statistics { .. } => {}
        }
    }

    fn tell_leg(&self, leg: LegId, kind: EventKind) {
        if let Some(phone) = self.legs.get(&leg) {
            self.tell(self.clock.mono(), *phone, kind);
        }
    }

    fn on_open_failed(&mut self, leg: LegId) {
        let Some(phone) = self.legs.remove(&leg) else {
            return;
        };
        self.tell(
            self.clock.mono(),
            phone,
            EventKind::Trouble("its RTP port could not be used".to_owned()),
        );
        self.hang_up(phone);
    }

    /// Whoever waits for a port gets one, the longest first.
    fn on_ports(&mut self, ports: &[u16]) {
        for port in ports {
            self.audio.give_back(*port);
        }
        for _ in 0..self.starved.len().min(ports.len()) {
            if let Some(phone) = self.starved.pop_front() {
                self.feed(phone);
            }
        }
    }

    fn feed(&mut self, phone: PhoneId) {
        let Some(call) = self
            .phones
            .get(&phone)
            .and_then(|phone| phone.call.as_ref())
        else {
            return;
        };
        match call.stage {
            Stage::Dialling { .. } | Stage::Talking { .. } => {}
            Stage::Invited { .. } => self.answer(phone),
            Stage::WaitingForPort => self.invite(phone),
        }
    }

    fn on_recorded(&mut self, recording: RecordingId, length_ms: u64) {
        let Some((phone, path)) = self.recordings.remove(&recording) else {
            return;
        };
        let kind = match move_file(&self.audio.recording_path(recording), &path) {
            Ok(()) => EventKind::Recorded { path, length_ms },
            Err(error) => EventKind::Trouble(format!(
                "moving the recording to {}: {error}",
                path.display()
            )),
        };
        self.tell(self.clock.mono(), phone, kind);
    }
}

/// Renames, or copies where that crosses file systems.
fn move_file(from: &Path, to: &Path) -> std::io::Result<()> {
    if std::fs::rename(from, to).is_ok() {
        return Ok(());
    }
    std::fs::copy(from, to)?;
    std::fs::remove_file(from)
}
