//! Loads the sounds and starts the media workers.

use crate::config::{self, Loaded};
use crate::shell::control::{Inbox, Message};
use crate::shell::error::ServeError;
use hotline_media::browser::Identity;
use hotline_media::{Sound, Worker, WorkerConfig, WorkerHandle, prompt};
use hotline_switchboard::SoundIndex;
use std::sync::Arc;

/// Pairs of ports that each worker has bound ahead. A campaign makes 300 people call at once, and each takes two (the
/// second is kept for the counsellor's phone): all are let in before the worker has bound a port more.
const PORTS_READY: usize = 640;

/// Prompts and music in memory, and their numbers.
pub(crate) struct SoundTable {
    pub(crate) sounds: Arc<[Sound]>,
    pub(crate) index: SoundIndex,
}

/// Loads every clip. One that cannot be read is left out: the default language's clip or a tone is played instead,
/// and an alarm is raised here, before the first caller.
pub(crate) fn load_sounds(loaded: &Loaded) -> SoundTable {
    let mut sounds = Vec::new();
    let mut index = SoundIndex::new();
    for (number, (name, code, path)) in (0..).zip(config::load_sounds(loaded)) {
        let label = format!("{code}/{name}");
        match prompt::load(&path, &label) {
            Ok(sound) => {
                sounds.push(sound);
                index.insert((name, code), number);
            }
            Err(error) => {
                tracing::error!(alarm = "prompt_missing", prompt = label, %error, "a prompt cannot be read");
                sounds.push(Sound {
                    name: label,
                    alaw: Arc::from(Vec::new()),
                });
            }
        }
    }
    SoundTable {
        sounds: sounds.into(),
        index,
    }
}

/// Who this process is to browsers. Without one they are not rung, and the alarm says why; phones do not need it.
pub(crate) fn identity() -> Option<Arc<Identity>> {
    match Identity::generate() {
        Ok(identity) => Some(Arc::new(identity)),
        Err(error) => {
            tracing::error!(alarm = "browser_identity", %error, "browsers cannot be served");
            None
        }
    }
}

/// Starts as many workers as configured; their events go to the control thread.
pub(crate) fn start(
    loaded: &Loaded,
    table: &SoundTable,
    identity: Option<Arc<Identity>>,
    inbox: &Inbox,
) -> Result<Vec<WorkerHandle>, ServeError> {
    let music = loaded.music.and_then(|index| u32::try_from(index).ok());
    (0..worker_count(loaded.media.workers))
        .map(|worker| {
            let config = WorkerConfig {
                ports: loaded.media.ports,
                sounds: Arc::clone(&table.sounds),
                music,
                identity: identity.clone(),
                index: u32::from(worker),
                ports_ready: PORTS_READY,
                ..WorkerConfig::new(loaded.media.bind, loaded.server.recordings_dir.clone())
            };
            let inbox = inbox.clone();
            Worker::start(config, move |event| {
                // A full inbox is counted and told by the control thread; the media never waits.
                inbox.send(Message::Media { worker, event });
            })
            .map_err(ServeError::system("a media worker"))
        })
        .collect()
}

/// 0 = one processor is left to signalling and the database, the others carry media.
pub(crate) fn worker_count(wanted: u32) -> u16 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let count = match wanted {
        0 => processors.saturating_sub(1).max(1),
        wanted => usize::try_from(wanted).unwrap_or(usize::MAX),
    };
    u16::try_from(count).unwrap_or(u16::MAX)
}
