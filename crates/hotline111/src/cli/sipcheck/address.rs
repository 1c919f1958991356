//! Whether an address that others are told leads to our sockets.

use super::finding::{Finding, Level, Said};
use crate::config::Loaded;
use hotline_switchboard::audio_address;
use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};

/// Whether an interface of this machine has the address.
pub(crate) fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// Judges each address that some caller or phone is told for audio.
pub(crate) fn judge_audio(loaded: &Loaded) -> Vec<Finding> {
    let media = &loaded.media;
    let listeners = loaded.sip.listeners.iter();
    let told = listeners.map(|listener| audio_address(media.told, listener.advertise.ip()));
    let all: BTreeSet<IpAddr> = told.chain([media.advertise]).collect();
    let judge = |told| judge_told("media address", "[media]", media.bind, told, is_here(told));
    all.into_iter().map(judge).collect()
}

/// Judges what `section` tells others, `advertise`, by where its sockets are.
pub(crate) fn judge_told(
    what: &str,
    section: &str,
    bind: IpAddr,
    advertise: IpAddr,
    is_here: bool,
) -> Finding {
    if is_here && (bind.is_unspecified() || bind == advertise) {
        return Finding::fine(
            what,
            Said::new(
                format!("{advertise} là của máy này và được nghe"),
                format!("{advertise} is this machine's and is listened to"),
            ),
        );
    }
    if is_here {
        return Finding::new(
            Level::Error,
            what,
            Said::new(
                format!(
                    "người khác được báo {advertise} của máy này, nhưng chỉ {bind} được nghe: cuộc gọi sẽ im lặng"
                ),
                format!(
                    "others are told {advertise} of this machine, and only {bind} is listened to: calls would be silent"
                ),
            ),
        )
        .help(Said::new(
            format!("đặt `advertise` của {section} thành {bind}, hoặc mở cổng ở {advertise}"),
            format!("make `advertise` of {section} {bind}, or listen at {advertise}"),
        ));
    }
    let is_private = match advertise {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    if is_private {
        return Finding::new(
            Level::Warning,
            what,
            Said::new(
                format!("người khác được báo địa chỉ riêng {advertise}, không phải của máy này"),
                format!(
                    "others are told the private {advertise}, which this machine does not have"
                ),
            ),
        )
        .help(Said::new(
            format!("nếu máy này đã đổi địa chỉ, sửa `advertise` của {section}"),
            format!("if this machine's address has changed, mend `advertise` of {section}"),
        ));
    }
    Finding::new(
        Level::Unknown,
        what,
        Said::new(
            format!("{advertise} không phải của máy này: phải là mặt ngoài của một NAT"),
            format!("{advertise} is not this machine's: it must be the outside of a NAT"),
        ),
    )
    .help(Said::new(
        format!("NAT phải chuyển mọi cổng của {section} tới {bind}; thử gọi từ bên ngoài"),
        format!("the NAT must forward all ports of {section} to {bind}; try a call from outside"),
    ))
}
