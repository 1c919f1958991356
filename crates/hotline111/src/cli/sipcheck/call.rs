//! A call to the echo test: a tone goes there and must come back, through the addresses that everybody is told.

use super::finding::{Finding, Level, Said};
use crate::config::{ListenerSettings, Loaded};
use hotline_core::RouteKind;
use hotline_media::analysis::{rms_db, tone_level_db};
use hotline_phone::{
    Bank, BankConfig, CallScript, EndedBy, Error, EventKind, Talk, read_recording,
};
use hotline_sip::Transport;
use hotline_switchboard::audio_address;
use std::net::IpAddr;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Echo {
    /// A tone of this level, in dB below full scale, among everything, in the last second.
    Heard { tone_db: f64, all_db: f64 },
    /// It was answered, and nothing was heard.
    Nothing,
    /// It was not answered: status, or 0 when nobody spoke.
    Refused(u16),
    /// The phone itself failed.
    Failed(String),
}

/// Makes the call if everything that it needs is there.
pub(super) fn check(
    loaded: &Loaded,
    is_running: bool,
    account: Option<(String, String)>,
) -> Finding {
    let unknown = |result, help| Finding::new(Level::Unknown, WHAT, result).help(help);
    if !is_running {
        return unknown(
            Said::new(
                "chưa gọi: tổng đài chưa chạy",
                "not made: the server does not run",
            ),
            Said::new("chạy `hotline111 serve`", "start `hotline111 serve`"),
        );
    }
    let mut routes = loaded.plan.routes.iter();
    let Some(route) = routes.find(|route| route.kind == RouteKind::Echo) else {
        return unknown(
            Said::new(
                "chưa gọi: không có số thử tiếng vang",
                "not made: no number leads to the echo test",
            ),
            Said::new(
                "thêm [[route]] với dialled = \"*43\" và echo = true",
                "add a [[route]] with dialled = \"*43\" and echo = true",
            ),
        );
    };
    let mut listeners = loaded.sip.listeners.iter();
    let plain = |transport| matches!(transport, Transport::Udp | Transport::Tcp);
    let Some(listener) = listeners.find(|listener| plain(listener.transport)) else {
        return unknown(
            Said::new(
                "chưa gọi: không có cổng UDP hay TCP",
                "not made: there is no UDP or TCP listener",
            ),
            Said::new(
                "gọi thử bằng một máy điện thoại qua TLS",
                "make one with a phone over TLS",
            ),
        );
    };
    let Some((user, password)) = account else {
        return unknown(
            Said::new(
                "chưa gọi: không biết mật khẩu của tài khoản nào",
                "not made: no account's password is known here",
            ),
            Said::new(
                "thêm --user TÀI_KHOẢN --password-stdin",
                "give --user ACCOUNT --password-stdin",
            ),
        );
    };
    let folder = std::env::temp_dir().join(format!("hotline111-sipcheck-{}", std::process::id()));
    let echo = call(listener, &route.dialled, (&user, &password), &folder)
        .unwrap_or_else(|error| Echo::Failed(explain(&error)));
    // What was recorded is one tone; a folder that stays is no fault of the line.
    let _ = std::fs::remove_dir_all(&folder);
    let told = audio_address(loaded.media.told, listener.advertise.ip());
    judge(&echo, &user, told, loaded.media.ports)
}

fn explain(error: &Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn call(
    listener: &ListenerSettings,
    number: &str,
    (user, password): (&str, &str),
    folder: &Path,
) -> Result<Echo, Error> {
    let mut config = BankConfig::to(listener.advertise)?;
    config.transport = listener.transport;
    // A phone that follows what it hears would mend a wrong address, and not every phone does.
    config.is_strict = true;
    folder.clone_into(&mut config.spool);
    let (bank, events) = Bank::start(config)?;
    let talk = Talk::new()
        .record(folder.join("echo.wav"))
        .tone(TONE_HZ, TONE_LEVEL_DB)
        .wait_ms(TALK_MS)
        .hang_up();
    let script = CallScript::dial(number)
        .login(user, password)
        .give_up_after_ms(ANSWER_MS_MAX)
        .talk(talk);
    let phone = bank.call(script);
    let until = Instant::now() + Duration::from_millis(WHOLE_MS_MAX);
    let mut ended = None;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let event = match events.recv_timeout(left) {
            Ok(event) if event.phone == phone => event.kind,
            Ok(_) => continue,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        };
        match event {
            EventKind::Recorded { path, .. } => return measure(&path),
            EventKind::Trouble(why) => return Ok(Echo::Failed(why)),
            EventKind::Ended { by, .. } => match by {
                EndedBy::Refused(status) | EndedBy::Unreachable(status) => {
                    return Ok(Echo::Refused(status));
                }
                EndedBy::Peer | EndedBy::Silence | EndedBy::Us => ended = Some(by),
            },
            EventKind::Acknowledged
            | EventKind::Answered { .. }
            | EventKind::Dialled
            | EventKind::Digit { .. }
            | EventKind::Flowing
            | EventKind::Invited { .. }
            | EventKind::MediaClosed(_)
            | EventKind::MediaLost
            | EventKind::Pressed { .. }
            | EventKind::Registered { .. }
            | EventKind::Ringing
            | EventKind::Silent { .. }
            | EventKind::Voice => {}
        }
    }
    Ok(match ended {
        Some(_) => Echo::Nothing,
        None => Echo::Refused(0),
    })
}

fn measure(recording: &Path) -> Result<Echo, Error> {
    let (heard, _) = read_recording(recording)?;
    let last = heard
        .get(heard.len().saturating_sub(RATE)..)
        .unwrap_or_default();
    let all_db = rms_db(last);
    Ok(if all_db < SILENCE_DB {
        Echo::Nothing
    } else {
        Echo::Heard {
            tone_db: tone_level_db(last, TONE_RATE, TONE_HZ),
            all_db,
        }
    })
}

pub(super) fn judge(
    echo: &Echo,
    user: &str,
    advertise: IpAddr,
    (first, last): (u16, u16),
) -> Finding {
    let error = |result| Finding::new(Level::Error, WHAT, result);
    match echo {
        Echo::Heard { tone_db, .. }
            if (tone_db + f64::from(TONE_LEVEL_DB)).abs() <= TONE_OFF_DB_MAX =>
        {
            Finding::fine(
                WHAT,
                Said::new(
                    format!("âm thanh đi và về: âm {TONE_HZ} Hz trở lại ở {tone_db:.1} dB"),
                    format!("audio goes and comes: {TONE_HZ} Hz came back at {tone_db:.1} dB"),
                ),
            )
        }
        Echo::Heard { tone_db, all_db } => error(Said::new(
            format!("nghe được {all_db:.1} dB nhưng âm thử chỉ {tone_db:.1} dB"),
            format!("heard {all_db:.1} dB, and of the tone only {tone_db:.1} dB"),
        ))
        .help(Said::new(
            "máy quá tải? xem `hotline111 ctl status`",
            "is the machine overloaded? look at `hotline111 ctl status`",
        )),
        Echo::Nothing => error(Said::new(
            format!("im lặng: gửi âm thanh tới {advertise} mà không có gì trở lại"),
            format!("silent: audio was sent to {advertise} and nothing came back"),
        ))
        .help(Said::new(
            format!("sửa `advertise` của [media], hoặc mở UDP {first}-{last} trên tường lửa"),
            format!("mend `advertise` of [media], or open UDP {first}-{last} in the firewall"),
        )),
        Echo::Refused(0) => error(Said::new("không ai trả lời", "nobody answers")).help(Said::new(
            "xem các dòng udp và tcp ở trên",
            "see the lines of udp and tcp above",
        )),
        Echo::Refused(status @ (401 | 403 | 407)) => error(Said::new(
            format!("bị từ chối ({status}): tài khoản {user} hoặc mật khẩu không đúng"),
            format!("refused ({status}): the account {user} or its password is not right"),
        ))
        .help(Said::new(
            "thêm --user TÀI_KHOẢN --password-stdin",
            "give --user ACCOUNT --password-stdin",
        )),
        Echo::Refused(status) => error(Said::new(
            format!("bị từ chối ({status})"),
            format!("refused ({status})"),
        ))
        .help(Said::new(
            "xem nhật ký và `hotline111 ctl status`",
            "look at the log and at `hotline111 ctl status`",
        )),
        Echo::Failed(why) => error(Said::new(
            format!("không gọi được: {why}"),
            format!("could not be made: {why}"),
        ))
        .help(Said::new(
            "xem `df` và các cổng UDP đang mở: `ss -ulpn`",
            "look at `df` and at open UDP ports: `ss -ulpn`",
        )),
    }
}

const WHAT: &str = "test call";
const RATE: usize = 8_000;
const TONE_RATE: u32 = 8_000;
const TONE_HZ: u32 = 1_000;
const TONE_LEVEL_DB: u32 = 20;
/// As the end-to-end tests want it.
const TONE_OFF_DB_MAX: f64 = 3.0;
const SILENCE_DB: f64 = -60.0;
const TALK_MS: u64 = 2_500;
const ANSWER_MS_MAX: u64 = 6_000;
const WHOLE_MS_MAX: u64 = 12_000;
