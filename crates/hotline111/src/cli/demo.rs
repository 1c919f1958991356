//! `demo`: a whole line on loopback that keeps nothing.

use super::args::Demo;
use super::init::find_sounds;
use super::output::Console;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Counsellors of the demo: account, name, languages.
pub(crate) const COUNSELLORS: [(&str, &str, &str); 6] = [
    ("tv01", "Lan", "\"vi\", \"en\""),
    ("tv02", "Hoa", "\"vi\""),
    ("tv03", "Minh", "\"vi\", \"en\""),
    ("tv04", "Hương", "\"vi\""),
    ("tv05", "Tuấn", "\"vi\""),
    ("tv06", "Mai", "\"vi\", \"en\""),
];
/// Account of whoever wants to call from a softphone.
pub(crate) const CALLER: &str = "goi";
/// Password of all of them.
pub(crate) const PASSWORD: &str = "demo";
/// What comes from here is the carrier.
pub(crate) const TRUNK_SOURCE: &str = "127.0.0.111";
/// Ports that are tried, one after the other.
const PORTS_MAX: u16 = 50;

/// Where the demo listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Address of all.
    pub ip: IpAddr,
    /// SIP, UDP and TCP.
    pub sip: u16,
    /// HTTP.
    pub http: u16,
}

/// Why the demo does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// It must not be reached from outside.
    #[error(
        "{0} is not a loopback address; the demo has known passwords and never listens anywhere else"
    )]
    NotLoopback(IpAddr),
    /// All are taken.
    #[error("no free port from {0} on")]
    NoPort(u16),
    /// They are needed.
    #[error("no sounds found; say where with --sounds DIR")]
    NoSounds,
    /// The folder.
    #[error("writing the demo's folder {dir}")]
    Write {
        /// Which.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A demo ready to be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Its configuration.
    pub config: PathBuf,
    /// Where it listens.
    pub ports: Ports,
    /// Its folder.
    pub dir: PathBuf,
    /// The folder goes when the demo ends.
    pub is_temporary: bool,
}

/// Finds ports and writes the demo's configuration.
pub(crate) fn prepare(demo: &Demo, console: &mut Console) -> Result<Prepared, DemoError> {
    if !demo.bind.is_loopback() {
        return Err(DemoError::NotLoopback(demo.bind));
    }
    let sounds = demo
        .sounds
        .clone()
        .or_else(find_sounds)
        .ok_or(DemoError::NoSounds)?;
    let sounds = sounds.canonicalize().map_err(|_| DemoError::NoSounds)?;
    let ports = Ports {
        ip: demo.bind,
        sip: free_port(demo.bind, demo.port, true, console)?,
        http: free_port(demo.bind, demo.http_port, false, console)?,
    };
    let dir = match &demo.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("hotline111-demo-{}", std::process::id())),
    };
    let config = write(&dir, &ports, &sounds).map_err(|source| DemoError::Write {
        dir: dir.clone(),
        source,
    })?;
    Ok(Prepared {
        config,
        ports,
        dir,
        is_temporary: demo.dir.is_none(),
    })
}

/// The first port from `first` on that is free; SIP needs it for UDP and TCP.
fn free_port(
    ip: IpAddr,
    first: u16,
    with_udp: bool,
    console: &mut Console,
) -> Result<u16, DemoError> {
    for port in (first..=u16::MAX).take(usize::from(PORTS_MAX)) {
        let address = SocketAddr::new(ip, port);
        let is_free =
            TcpListener::bind(address).is_ok() && (!with_udp || UdpSocket::bind(address).is_ok());
        if is_free {
            if port != first {
                let text = console.pick("đang bận, dùng cổng", "is busy, using port");
                let text = format!("{first} {text} {port}");
                console.tell(&text);
            }
            return Ok(port);
        }
    }
    Err(DemoError::NoPort(first))
}

fn write(dir: &Path, ports: &Ports, sounds: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir.join("ivr"))?;
    let secret = dir.join("password");
    fs::write(&secret, format!("{PASSWORD}\n"))?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    fs::write(
        dir.join("queues.toml"),
        include_str!("../../../../config/queues.toml"),
    )?;
    fs::write(
        dir.join("ivr/entry.toml"),
        include_str!("../../../../config/ivr/entry.toml"),
    )?;
    let config = dir.join("hotline111.toml");
    fs::write(&config, demo_config(ports, sounds))?;
    Ok(config)
}

/// The demo's `hotline111.toml`: everything on loopback and in its own folder, `queues.toml` and `ivr/` as
/// shipped beside it, the password in the file `password`.
pub(crate) fn demo_config(ports: &Ports, sounds: &Path) -> String {
    let sip = SocketAddr::new(ports.ip, ports.sip);
    let http = SocketAddr::new(ports.ip, ports.http);
    let sounds = sounds.display().to_string();
    let mut text = format!(
        r#"# The demo: loopback only, known passwords, nothing is kept.

[server]
state_dir = "state"
sounds_dir = "{sounds}"
control_socket = "state/control.sock"
drain = "2s"

[http]
bind = "{http}"

[sip]
udp = ["{sip}"]
# Any softphone shall be able to join in; Debian's baresip gives up at SHA-256.
sha256 = false
tcp = ["{sip}"]

[languages]
offered = ["vi", "en"]

[ivr.switch]
information = false
record_first = false

[centre.hanoi]

# Whatever comes from this address is the carrier: the simulated callers.
[[trunk]]
name = "demo"
sources = ["{TRUNK_SOURCE}"]

[[route]]
dialled = "111"
flow = "entry"

[[route]]
dialled = "*11"
feature = "sign_in"

[[route]]
dialled = "*10"
feature = "sign_out"

[[route]]
dialled = "*12"
feature = "break"

[[route]]
dialled = "*43"
echo = true

[[phone]]
user = "{CALLER}"
name = "Gọi thử"
password = {{ file = "password" }}
"#,
        sounds = sounds.escape_default(),
    );
    for (user, name, languages) in COUNSELLORS {
        text.push_str(&format!(
            "\n[[agent]]\nuser = \"{user}\"\nname = \"{name}\"\nlanguages = [{languages}]\nwrap_up = \"5s\"\npassword = {{ file = \"password\" }}\n"
        ));
    }
    text
}

/// What is printed before the demo starts.
pub(crate) fn banner(prepared: &Prepared, console: &Console) -> String {
    let Ports { ip, sip, http } = prepared.ports;
    let sip = SocketAddr::new(ip, sip);
    let http = SocketAddr::new(ip, http);
    let users = "tv01 … tv06";
    console
        .pick(
            "Tổng đài 111, bản chạy thử (chỉ trong máy này, không lưu gì)\n\
             \x20 Máy gọi (softphone)    sip:{caller}@{sip}   mật khẩu {password}, rồi gọi 111\n\
             \x20 Máy tư vấn viên        sip:tv01@{sip}   mật khẩu {password}   ({users})\n\
             \x20 Tình trạng             http://{http}/healthz  /readyz  /metrics\n\
             \x20 Lệnh                   hotline111 ctl calls -c {config}\n\
             \x20 Dừng                   Ctrl-C\n",
            "Hotline 111 demo (loopback only, nothing is kept)\n\
             \x20 Call from a softphone  sip:{caller}@{sip}   password {password}, then dial 111\n\
             \x20 Be a counsellor        sip:tv01@{sip}   password {password}   ({users})\n\
             \x20 State                  http://{http}/healthz  /readyz  /metrics\n\
             \x20 Commands               hotline111 ctl calls -c {config}\n\
             \x20 Stop                   Ctrl-C\n",
        )
        .replace("{caller}", CALLER)
        .replace("{sip}", &sip.to_string())
        .replace("{http}", &http.to_string())
        .replace("{password}", PASSWORD)
        .replace("{users}", users)
        .replace("{config}", &prepared.config.display().to_string())
}

/// The same for a program.
pub(crate) fn json(prepared: &Prepared) -> String {
    let Ports { ip, sip, http } = prepared.ports;
    let users: Vec<&str> = COUNSELLORS.iter().map(|(user, _, _)| *user).collect();
    let line = serde_json::json!({
        "sip": SocketAddr::new(ip, sip).to_string(),
        "http": SocketAddr::new(ip, http).to_string(),
        "config": prepared.config.display().to_string(),
        "control_socket": prepared.dir.join("state/control.sock").display().to_string(),
        "trunk_source": TRUNK_SOURCE,
        "counsellors": users,
        "caller": CALLER,
        "password": PASSWORD,
        "dial": "111",
    });
    format!("{line}\n")
}
