//! Watches the disk of the recordings: nearly full stops recordings, never calls.

use crate::shell::control::{Inbox, Message};
use std::path::PathBuf;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Recordings go on when the disk is this many per cent below the limit again.
const RELIEF_PERCENT: u32 = 2;

/// Looks again and again, until the task is dropped.
pub(crate) async fn watch(folder: PathBuf, stop_percent: u32, inbox: Inbox) {
    let mut is_full = false;
    loop {
        if let Ok(used) = hotline_store::disk_used_percent(&folder) {
            let limit = if is_full {
                stop_percent.saturating_sub(RELIEF_PERCENT)
            } else {
                stop_percent
            };
            is_full = u32::from(used) >= limit;
            inbox.send(Message::DiskFull(is_full));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
