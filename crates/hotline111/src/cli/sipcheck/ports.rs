//! Whether ports for audio can be had.

use super::finding::{Finding, Level, Said};
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};

/// Ports that were tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) all: usize,
    /// In use: by the server, if one runs, or by others.
    pub(super) busy: usize,
    /// Why not, for another reason than that.
    pub(super) refused: Option<String>,
}

/// Binds and leaves some ports, spread over the range: a range has thousands.
pub(super) fn try_some(bind: IpAddr, (first, last): (u16, u16)) -> Tried {
    let pairs = usize::from(last.saturating_sub(first) / 2).max(1);
    let step = pairs.div_ceil(TRIED_MAX).max(1);
    let mut tried = Tried::default();
    for port in (first..=last).step_by(2 * step) {
        tried.all += 1;
        match UdpSocket::bind((bind, port)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => tried.busy += 1,
            Err(error) => tried.refused = Some(error.to_string()),
        }
    }
    tried
}

/// `free`: ports that a running server holds ready.
pub(super) fn judge((first, last): (u16, u16), tried: &Tried, free: Option<u64>) -> Finding {
    let what = format!("media ports {first}-{last}");
    let Tried { all, busy, refused } = tried;
    if let Some(why) = refused {
        return Finding::new(
            Level::Error,
            what,
            Said::new(
                format!("không mở được: {why}"),
                format!("cannot be opened: {why}"),
            ),
        )
        .help(Said::new(
            "`bind` của [media] phải là địa chỉ của máy này",
            "`bind` of [media] must be an address of this machine",
        ));
    }
    let none_ready = free == Some(0);
    if none_ready || (free.is_none() && busy == all) {
        return Finding::new(
            Level::Error,
            what,
            Said::new(
                "không còn cổng nào: cuộc gọi mới sẽ bị từ chối",
                "none is to be had: new calls would be refused",
            ),
        )
        .help(Said::new(
            "chọn dải khác hoặc rộng hơn cho `ports` của [media]",
            "choose another or a wider range for `ports` of [media]",
        ));
    }
    // A running server holds some dozens ready, and two for each leg: that many of a usual range are few.
    if *busy * BUSY_PART > *all {
        return Finding::new(
            Level::Warning,
            what,
            Said::new(
                format!("{busy} trên {all} cổng thử đã có chương trình dùng"),
                format!("{busy} of {all} tried are in use"),
            ),
        )
        .help(Said::new(
            "nếu không phải do nhiều cuộc gọi, chương trình khác đang dùng dải này: `ss -ulpn`",
            "if it is not for many calls, another program uses the range: `ss -ulpn`",
        ));
    }
    match free {
        Some(free) => Finding::fine(
            what,
            Said::new(
                format!("tổng đài giữ sẵn {free} cổng; {busy} trên {all} cổng thử đang dùng"),
                format!("the server holds {free} ready; {busy} of {all} tried are in use"),
            ),
        ),
        None => Finding::fine(
            what,
            Said::new(
                format!("mở được; {busy} trên {all} cổng thử đang dùng"),
                format!("can be opened; {busy} of {all} tried are in use"),
            ),
        ),
    }
}

const TRIED_MAX: usize = 64;
/// More than a third.
const BUSY_PART: usize = 3;
