//! The disk as the journal sees it: a flat folder of files that are written at an offset.
//!
//! A trait, so that tests and the simulator can break it ([`MemoryDisk`](super::MemoryDisk)).

use rustix::fs::{FallocateFlags, fallocate};
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Journal files name callers: nobody else may read them.
const MODE: u32 = 0o600;

/// One open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads at an offset; 0 bytes at the end.
    ///
    /// # Errors
    /// What the disk says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at an offset. After an error any part of them may be there.
    ///
    /// # Errors
    /// What the disk says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when all that was written survives a power loss.
    ///
    /// # Errors
    /// What the disk says.
    fn sync(&self) -> io::Result<()>;
}

/// A folder.
pub trait Disk: Debug + Send + Sync {
    /// A new, empty file with `length` bytes of room. An old one of that name is emptied.
    ///
    /// # Errors
    /// `StorageFull` when there is no such room (and then no such file), or what the disk says.
    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// An existing file, for reading.
    ///
    /// # Errors
    /// `NotFound`, or what the disk says.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// All names, in no order.
    ///
    /// # Errors
    /// What the disk says.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Renames a file, over another one if need be.
    ///
    /// # Errors
    /// What the disk says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Returns when creations, renames and removals survive a power loss.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_names(&self) -> io::Result<()>;

    /// Microseconds of a monotonic clock, to notice a slow disk.
    fn micros(&self) -> u64;
}

/// A real folder.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    started: Instant,
}

impl RealDisk {
    /// Opens a folder, made with mode 0700 if it is not there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            started: Instant::now(),
        })
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.folder.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(MODE)
            .open(&path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, length) {
            Ok(()) => {}
            // Some file systems cannot reserve room; then the file grows as it is written.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.set_len(length)?,
            Err(error) => {
                fs::remove_file(&path)?;
                return Err(error.into());
            }
        }
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(File::open(self.folder.join(name))?)))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Percent of the file system under `path` that is used, as people see it: what root keeps for itself is used.
///
/// # Errors
/// What the file system says.
pub fn disk_used_percent(path: &Path) -> io::Result<u8> {
    let found = rustix::fs::statvfs(path)?;
    if found.f_blocks == 0 {
        return Ok(0);
    }
    let used = found.f_blocks.saturating_sub(found.f_bavail);
    Ok(u8::try_from(used.saturating_mul(100) / found.f_blocks).unwrap_or(100))
}
