//! Watches what fails slowly: the disk of the recordings, and the database. Both are alarms; neither stops a call.

use crate::shell::control::{Inbox, Message};
use crate::shell::host::Host;
use crate::shell::log;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Recordings go on when the disk is this many per cent below the limit again.
const RELIEF_PERCENT: u32 = 2;

/// Looks again and again, until the task is dropped.
pub(crate) async fn watch_disk(folder: PathBuf, stop_percent: u32, inbox: Inbox) {
    let mut is_full = false;
    loop {
        if let Ok(used) = hotline_store::disk_used_percent(&folder) {
            let relief = if is_full { RELIEF_PERCENT } else { 0 };
            is_full = u32::from(used) >= stop_percent.saturating_sub(relief);
            inbox.send(Message::DiskFull(is_full));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Tells once when the database falls behind, and once when it has caught up; until the task is dropped.
pub(crate) async fn watch_projector(host: Arc<Host>) {
    let mut is_behind = false;
    loop {
        if host.is_projector_behind() != is_behind {
            is_behind = !is_behind;
            log::projector(is_behind, &host.projector.borrow());
            if is_behind {
                host.inbox.send(Message::Alarm("projector_behind"));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
