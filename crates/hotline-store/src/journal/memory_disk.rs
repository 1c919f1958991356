//! A disk in memory that can be full, slow, broken, torn and cut off from power: for tests and the simulator.

use super::disk::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What survives of bytes and names that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Power is lost: only synced bytes and names survive.
    Power,
    /// Power is lost, and of the unsynced blocks of 512 bytes a random half had reached the disk; with some seeds the
    /// names had, too.
    PowerTorn {
        /// Chooses the blocks.
        seed: u64,
    },
    /// The process is killed: all that was written survives.
    Process,
}

const BLOCK: usize = 512;

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// What was written since the last sync: from, to. A failed sync forgets it, as kernels do: the bytes can be read
    /// until the power goes, and no later sync brings them to the disk.
    dirty: Vec<(usize, usize)>,
}

impl Content {
    fn sync(&mut self) {
        self.synced.resize(self.bytes.len(), 0);
        for (from, to) in self.dirty.drain(..) {
            if let (Some(place), Some(bytes)) =
                (self.synced.get_mut(from..to), self.bytes.get(from..to))
            {
                place.copy_from_slice(bytes);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// By number; names point to them.
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    next_content: u64,
    capacity: Option<u64>,
    has_errors: bool,
    has_sync_errors: bool,
    slow_us: u64,
    micros: u64,
    /// Writing operations until everything fails, and how many bytes of the last write get through.
    killed_in: Option<(u64, usize)>,
    is_dead: bool,
}

/// See the module. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    /// An empty disk without limits or faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for so many bytes; None = endless.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Every write, creation and sync fails while true.
    pub fn set_errors(&self, has_errors: bool) {
        self.state().has_errors = has_errors;
    }

    /// Every sync fails while true; writes succeed.
    pub fn set_sync_errors(&self, has_errors: bool) {
        self.state().has_sync_errors = has_errors;
    }

    /// Every write, creation and sync takes so long (of the disk's own clock).
    pub fn set_slow(&self, micros: u64) {
        self.state().slow_us = micros;
    }

    /// After `operations` more writing operations the process counts as killed: everything fails. If the last one
    /// is a write, only its first `bytes` bytes get through.
    pub fn kill_after(&self, operations: u64, bytes: usize) {
        self.state().killed_in = Some((operations, bytes));
    }

    /// The killing point was reached.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// What the next start finds: a new disk, without faults, with the same capacity.
    #[must_use]
    pub fn after(&self, crash: Crash) -> Self {
        let state = self.state();
        let (names, seed) = match crash {
            Crash::Process => (&state.names, None),
            Crash::Power => (&state.synced_names, Some(None)),
            Crash::PowerTorn { seed } if seed & 2 == 0 => (&state.names, Some(Some(seed))),
            Crash::PowerTorn { seed } => (&state.synced_names, Some(Some(seed))),
        };
        let mut contents = BTreeMap::new();
        for content in names.values() {
            let Some(found) = state.contents.get(content) else {
                continue;
            };
            let bytes = match seed {
                None => found.bytes.clone(),
                Some(None) => found.synced.clone(),
                Some(Some(seed)) => torn(found, seed ^ content),
            };
            contents.insert(
                *content,
                Content {
                    synced: bytes.clone(),
                    bytes,
                    dirty: Vec::new(),
                },
            );
        }
        Self(Arc::new(Mutex::new(State {
            contents,
            names: names.clone(),
            synced_names: names.clone(),
            next_content: state.next_content,
            capacity: state.capacity,
            ..State::default()
        })))
    }

    /// The bytes of a file, to damage them.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state
            .names
            .get(name)
            .and_then(|content| state.contents.get(content))
            .map(|found| found.bytes.clone())
    }

    /// Replaces the bytes of a file, synced. An unknown file is made.
    pub fn set_bytes(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.number(name);
        state.synced_names.insert(name.to_owned(), number);
        state.contents.insert(
            number,
            Content {
                synced: bytes.clone(),
                bytes,
                dirty: Vec::new(),
            },
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One writing operation begins. Some(n) = it is the last one, and n bytes of it get through.
    fn operate(&mut self) -> io::Result<Option<usize>> {
        if self.is_dead {
            return Err(io::Error::other("killed"));
        }
        self.micros = self.micros.saturating_add(self.slow_us);
        if self.has_errors {
            return Err(io::Error::other("input/output error"));
        }
        match self.killed_in {
            Some((0, bytes)) => {
                self.is_dead = true;
                Ok(Some(bytes))
            }
            Some((left, bytes)) => {
                self.killed_in = Some((left - 1, bytes));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// For operations that happen whole or not at all.
    fn operate_whole(&mut self) -> io::Result<()> {
        match self.operate()? {
            None => Ok(()),
            Some(_) => Err(io::Error::other("killed")),
        }
    }

    fn check_room(&self, more: u64) -> io::Result<()> {
        let used: u64 = self
            .names
            .values()
            .filter_map(|content| self.contents.get(content))
            .map(length)
            .sum();
        match self.capacity {
            Some(capacity) if used.saturating_add(more) > capacity => {
                Err(ErrorKind::StorageFull.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn number(&mut self, name: &str) -> u64 {
        if let Some(found) = self.names.get(name) {
            return *found;
        }
        self.next_content += 1;
        self.names.insert(name.to_owned(), self.next_content);
        self.next_content
    }
}

fn length(content: &Content) -> u64 {
    content.bytes.len() as u64
}

fn torn(content: &Content, seed: u64) -> Vec<u8> {
    let mut bytes = content.synced.clone();
    bytes.resize(content.bytes.len(), 0);
    let mut random = seed | 1;
    for (from, to) in &content.dirty {
        for block in from / BLOCK..=to / BLOCK {
            // xorshift64: enough to choose blocks.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let part = (block * BLOCK).max(*from)..((block + 1) * BLOCK).min(*to);
            if random & 1 == 0
                && let (Some(place), Some(written)) =
                    (bytes.get_mut(part.clone()), content.bytes.get(part))
            {
                place.copy_from_slice(written);
            }
        }
    }
    bytes
}

impl Disk for MemoryDisk {
    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.operate_whole()?;
        state.names.remove(name);
        state.check_room(length)?;
        let number = state.number(name);
        let room = usize::try_from(length).map_err(io::Error::other)?;
        state.contents.insert(
            number,
            Content {
                bytes: vec![0; room],
                synced: Vec::new(),
                dirty: Vec::new(),
            },
        );
        Ok(Arc::new(MemoryFile {
            disk: self.clone(),
            number,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        let number = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Arc::new(MemoryFile {
            disk: self.clone(),
            number,
        }))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate_whole()?;
        state
            .names
            .remove(name)
            .map(drop)
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate_whole()?;
        let content = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), content);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate_whole()?;
        if state.has_sync_errors {
            return Err(io::Error::other("sync failed"));
        }
        state.synced_names = state.names.clone();
        Ok(())
    }

    fn micros(&self) -> u64 {
        self.state().micros
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    number: u64,
}

impl DiskFile for MemoryFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let Some(content) = state.contents.get(&self.number) else {
            return Err(ErrorKind::NotFound.into());
        };
        let from = usize::try_from(offset)
            .map_err(io::Error::other)?
            .min(content.bytes.len());
        let found = content.bytes.get(from..).unwrap_or_default();
        let count = found.len().min(bytes.len());
        for (place, byte) in bytes.iter_mut().zip(found) {
            *place = *byte;
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let cut = state.operate()?;
        let end = usize::try_from(offset)
            .map_err(io::Error::other)?
            .saturating_add(bytes.len());
        let have = state
            .contents
            .get(&self.number)
            .map_or(0, |content| content.bytes.len());
        state.check_room(end.saturating_sub(have) as u64)?;
        let through = bytes.get(..cut.unwrap_or(bytes.len())).unwrap_or(bytes);
        if let Some(content) = state.contents.get_mut(&self.number) {
            let from = end - bytes.len();
            content.bytes.resize(have.max(from + through.len()), 0);
            if let Some(place) = content.bytes.get_mut(from..from + through.len()) {
                place.copy_from_slice(through);
            }
            content.dirty.push((from, from + through.len()));
        }
        if cut.is_some() {
            Err(io::Error::other("killed"))
        } else {
            Ok(())
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let operated = state.operate_whole();
        let is_failing = operated.is_err() || state.has_sync_errors;
        if let Some(content) = state.contents.get_mut(&self.number) {
            if is_failing {
                content.dirty.clear();
            } else {
                content.sync();
            }
        }
        operated?;
        if is_failing {
            return Err(io::Error::other("sync failed"));
        }
        Ok(())
    }
}
