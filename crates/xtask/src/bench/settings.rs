//! The configuration of the server that is measured: what is delivered, wider limits, and counsellors without end.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::Failure;
use crate::run;

/// What comes from here is the carrier.
pub(crate) const TRUNK_SOURCE: [u8; 4] = [127, 0, 0, 111];
pub(crate) const PASSWORD: &str = "bench";
/// The entrance as it is delivered: answered, greeted, asked for a key.
pub(crate) const ENTRANCE: &str = "111";
/// Straight into a queue, recorded.
pub(crate) const RECORDED: &str = "2001";
/// Straight into a queue, not recorded.
pub(crate) const UNRECORDED: &str = "2000";
/// Answered, nothing else.
pub(crate) const PLAIN: &str = "1000";

/// What differs from measure to measure.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) counsellors: usize,
    pub(crate) wrap_up_s: u32,
}

/// Account of a counsellor.
pub(crate) fn counsellor(index: usize) -> String {
    format!("tv{index:04}")
}

/// Writes the configuration folder.
pub(crate) fn write(
    folder: &Path,
    settings: Settings,
    sip: SocketAddr,
    http: SocketAddr,
) -> Result<(), Failure> {
    let repository = run::repository();
    let flows = folder.join("ivr");
    fs::create_dir_all(&flows).map_err(Failure::file("creating", &flows))?;
    for (from, to) in [
        ("config/queues.toml", folder.join("queues.toml")),
        ("config/ivr/entry.toml", flows.join("entry.toml")),
    ] {
        fs::copy(repository.join(from), &to).map_err(Failure::file("writing", &to))?;
    }
    let password = folder.join("password");
    fs::write(&password, PASSWORD).map_err(Failure::file("writing", &password))?;
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&password, mode).map_err(Failure::file("writing", &password))?;
    let text = text(settings, sip, http, &repository.join("sounds"));
    let file = folder.join("hotline111.toml");
    fs::write(&file, text).map_err(Failure::file("writing", &file))
}

fn text(settings: Settings, sip: SocketAddr, http: SocketAddr, sounds: &Path) -> String {
    let sounds = sounds.display().to_string();
    let trunk = std::net::Ipv4Addr::from(TRUNK_SOURCE);
    let mut text = format!(
        r#"# A server that is measured: loopback only, known passwords, wide limits.

[server]
state_dir = "state"
sounds_dir = "{sounds}"
control_socket = "state/control.sock"
drain = "0s"

[http]
bind = "{http}"

[sip]
udp = ["{sip}"]
tcp = ["{sip}"]
stranger_rate_per_s = 10000
stranger_burst = 100000

[media]
ports = "8000-31999"

[limits]
calls = 20000

[timing]
counselling_min = "0s"

[languages]
offered = ["vi", "en"]

[ivr.switch]
information = false
record_first = false

[centre.hanoi]

[[trunk]]
name = "bench"
sources = ["{trunk}"]

[[route]]
dialled = "{ENTRANCE}"
flow = "entry"

[[route]]
dialled = "{UNRECORDED}"
queue = "general"
record = false

[[route]]
dialled = "{RECORDED}"
queue = "general"
record = true

[[route]]
dialled = "{PLAIN}"
echo = true
"#,
        sounds = sounds.escape_default(),
    );
    for index in 0..settings.counsellors {
        let user = counsellor(index);
        text.push_str(&format!(
            "\n[[agent]]\nuser = \"{user}\"\nname = \"{user}\"\nlanguages = [\"vi\", \"en\"]\nwrap_up = \"{}s\"\npassword = {{ file = \"password\" }}\n",
            settings.wrap_up_s
        ));
    }
    text
}
