//! A call each second between phones of our own, for tests in which something else goes wrong meanwhile.

use crate::audio::Audio;
use crate::phones::Phones;
use crate::process::pause;
use crate::server::{PASSWORD, SENTINEL, Server};
use hotline_phone::{AnswerScript, CallScript, EndedBy, EventKind, PhoneId, Talk};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One more each second than can be talking at once.
pub(crate) const COUNSELLORS: u32 = 6;
const TALK_MS: u64 = 2_500;
/// The caller's last milliseconds that are listened to.
const HEARD_MS: usize = 800;

/// Callers and counsellors of one server.
pub(crate) struct Load {
    desk: Phones,
    trunk: Phones,
    folder: PathBuf,
    callers: Vec<(PhoneId, PathBuf)>,
    next_at: Instant,
}

impl Load {
    /// All counsellors are registered and ready.
    pub(crate) fn start(server: &Server) -> Self {
        let mut desk = Phones::start(server.net.sip(), server.net.desk(1));
        let answers = AnswerScript::answer_after_ms(100).talk(Talk::new().tone(1_000, 20));
        let phones: Vec<PhoneId> = (1..=COUNSELLORS)
            .map(|number| {
                desk.bank
                    .register(&format!("tv{number:02}"), PASSWORD, answers.clone())
            })
            .collect();
        for phone in phones {
            desk.wait_registered(phone);
        }
        server.wait_agents("ready", COUNSELLORS as usize);
        let trunk = Phones::start(server.net.sip(), server.net.trunk());
        // Not the server's disk: the phones' recordings are ours.
        let folder = server.folder.join("heard");
        std::fs::create_dir_all(&folder).expect("a folder for recordings");
        Self {
            desk,
            trunk,
            folder,
            callers: Vec::new(),
            next_at: Instant::now(),
        }
    }

    /// One call more: a key, then a tone for as long as the counsellor's is heard.
    pub(crate) fn call(&mut self) {
        let heard = self.folder.join(format!("{}.wav", self.callers.len()));
        let talk = Talk::new()
            .record(&heard)
            .wait_ms(300)
            .press("1")
            .tone(600, 20)
            .wait_ms(TALK_MS)
            .hang_up();
        let phone = self
            .trunk
            .bank
            .call(CallScript::dial("111").from(SENTINEL).talk(talk));
        self.callers.push((phone, heard));
    }

    /// A call each second for so long; `each` is asked after every call.
    pub(crate) fn run(&mut self, length: Duration, mut each: impl FnMut(usize)) {
        let end = Instant::now() + length;
        self.next_at = Instant::now();
        while Instant::now() < end {
            self.call();
            each(self.callers.len());
            // A second that was missed is not made up for: more calls at once than counsellors prove nothing.
            self.next_at = (self.next_at + Duration::from_secs(1)).max(Instant::now());
            pause(self.next_at.saturating_duration_since(Instant::now()));
        }
    }

    /// Calls made so far.
    pub(crate) fn calls(&self) -> usize {
        self.callers.len()
    }

    /// Waits for the end of all calls; each was answered, ended by its caller, and heard its counsellor.
    pub(crate) fn finish(&mut self) {
        for (phone, heard) in std::mem::take(&mut self.callers) {
            let recorded = |kind: &EventKind| matches!(kind, EventKind::Recorded { .. });
            self.trunk
                .wait_kind(phone, "the caller's recording", recorded);
            let ended = self.trunk.wait_ended(phone);
            assert!(
                matches!(
                    ended.kind,
                    EventKind::Ended {
                        by: EndedBy::Us,
                        ..
                    }
                ),
                "{heard:?} ended {:?}",
                ended.kind
            );
            let audio = Audio::read(&heard);
            let figures = audio.check_mostly(0, HEARD_MS, 1_000, -20.0, 600);
            figures.unwrap_or_else(|fault| panic!("{}: {fault}", heard.display()));
        }
        let joined = self
            .desk
            .count(|kind| matches!(kind, EventKind::Acknowledged));
        println!("counsellors took {joined} calls");
    }
}
