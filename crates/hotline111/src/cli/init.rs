//! `init`: writes a configuration folder out of the files that are shipped. Never overwrites.

use super::args::Init;
use super::output::{Console, Exit};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The shipped files.
const HOTLINE111: &str = include_str!("../../../../config/hotline111.toml");
const QUEUES: &str = include_str!("../../../../config/queues.toml");
const ENTRY: &str = include_str!("../../../../config/ivr/entry.toml");
/// Where the package puts things; there the built-in values hold.
const PACKAGE_DIR: &str = "/etc/hotline111";
const PACKAGE_SOUNDS: &str = "/usr/share/hotline111/sounds";

/// What is asked, or taken as usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answers {
    /// SIP address, UDP and TCP.
    pub address: String,
    /// Address that others must use; empty = the same.
    pub advertise: String,
    /// Part of every password hash.
    pub realm: String,
    /// Carrier's name; empty = none.
    pub trunk: String,
    /// Its addresses, separated by commas.
    pub trunk_sources: String,
    /// Where journal, database and recordings lie; empty = built in.
    pub state_dir: String,
    /// Where the sounds lie; empty = built in.
    pub sounds_dir: String,
}

/// Carries out `init`.
pub(crate) fn run(init: &Init, console: &mut Console) -> Exit {
    let usual = Answers::usual(&init.dir);
    let answers = if init.yes {
        usual
    } else if io::stdin().is_terminal() {
        match usual.ask(console) {
            Ok(answers) => answers,
            Err(error) => return console.fail(&error),
        }
    } else {
        let text = console
            .pick(
                "không có bàn phím: hãy dùng --yes",
                "no terminal: use --yes",
            )
            .to_owned();
        console.tell(&text);
        return Exit::Usage;
    };
    match write(&init.dir, &answers) {
        Ok(written) => {
            for (path, is_new) in written {
                let word = if is_new {
                    console.pick("đã ghi", "written")
                } else {
                    console.pick("giữ nguyên", "kept")
                };
                let text = format!("{word}  {}", path.display());
                console.tell(&text);
            }
            let text = console.pick("Kiểm tra: hotline111 check -c", "Now: hotline111 check -c");
            let text = format!("{text} {}", init.dir.join("hotline111.toml").display());
            console.tell(&text);
            Exit::Ok
        }
        Err(error) => console.fail(&error),
    }
}

impl Answers {
    /// The usual answers for a folder: the package's folder keeps the built-in places, any other holds all.
    pub(crate) fn usual(dir: &Path) -> Self {
        let is_package = dir == Path::new(PACKAGE_DIR);
        let sounds = find_sounds();
        Self {
            address: "127.0.0.1:5060".to_owned(),
            advertise: String::new(),
            realm: "hotline111".to_owned(),
            trunk: String::new(),
            trunk_sources: String::new(),
            state_dir: if is_package {
                String::new()
            } else {
                "state".to_owned()
            },
            sounds_dir: match sounds {
                Some(path) if path != Path::new(PACKAGE_SOUNDS) => path.display().to_string(),
                Some(_) | None => String::new(),
            },
        }
    }

    fn ask(self, console: &mut Console) -> io::Result<Self> {
        let address = question(
            console,
            "Địa chỉ SIP (UDP và TCP)",
            "SIP address (UDP and TCP)",
            &self.address,
        )?;
        let advertise = question(
            console,
            "Địa chỉ mà nhà mạng thấy (nếu khác)",
            "Address that carriers see (if another)",
            "",
        )?;
        let realm = question(
            console,
            "Miền (realm) cho mật khẩu",
            "Realm for passwords",
            &self.realm,
        )?;
        let trunk = question(
            console,
            "Tên nhà mạng (để trống nếu chưa có)",
            "Carrier's name (empty: none yet)",
            "",
        )?;
        let trunk_sources = if trunk.is_empty() {
            String::new()
        } else {
            question(
                console,
                "Các địa chỉ của nhà mạng, cách bằng dấu phẩy",
                "Its addresses, with commas",
                "",
            )?
        };
        let state_dir = question(
            console,
            "Thư mục dữ liệu",
            "Folder for data",
            &self.state_dir,
        )?;
        let sounds_dir = question(
            console,
            "Thư mục âm thanh",
            "Folder of the sounds",
            &self.sounds_dir,
        )?;
        Ok(Self {
            address,
            advertise,
            realm,
            trunk,
            trunk_sources,
            state_dir,
            sounds_dir,
        })
    }
}

fn question(
    console: &mut Console,
    vietnamese: &str,
    english: &str,
    usual: &str,
) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{} [{usual}]: ", console.pick(vietnamese, english))?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(if answer.is_empty() {
        usual.to_owned()
    } else {
        answer.to_owned()
    })
}

/// Sounds beside the program, in the working folder, or where the package puts them.
pub(crate) fn find_sounds() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join("../share/hotline111/sounds"));
    let here = std::env::current_dir()
        .ok()
        .map(|folder| folder.join("sounds"));
    let candidates = [beside, here, Some(PathBuf::from(PACKAGE_SOUNDS))];
    let found = candidates
        .into_iter()
        .flatten()
        .find(|folder| folder.join("manifest.toml").is_file())?;
    found.canonicalize().ok()
}

/// Writes what is not there yet; true for what was written.
pub(crate) fn write(dir: &Path, answers: &Answers) -> io::Result<Vec<(PathBuf, bool)>> {
    for folder in ["", "conf.d", "ivr", "secrets"] {
        let mode = if folder == "secrets" { 0o700 } else { 0o755 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(dir.join(folder))?;
    }
    let files = [
        ("hotline111.toml", hotline111(answers)),
        ("queues.toml", QUEUES.to_owned()),
        ("ivr/entry.toml", ENTRY.to_owned()),
    ];
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let path = dir.join(name);
        let is_new = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&path)
        {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                true
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        written.push((path, is_new));
    }
    if !answers.state_dir.is_empty() {
        let state = dir.join(&answers.state_dir);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&state)?;
        // Absolute for the reader of the message, and proof that it is there.
        fs::metadata(&state)?;
    }
    Ok(written)
}

/// The shipped file with these answers in it.
pub(crate) fn hotline111(answers: &Answers) -> String {
    let mut text = HOTLINE111.to_owned();
    set(&mut text, "udp", &format!("[\"{}\"]", answers.address));
    set(&mut text, "tcp", &format!("[\"{}\"]", answers.address));
    set(&mut text, "realm", &quoted(&answers.realm));
    if !answers.advertise.is_empty() {
        set(&mut text, "advertise", &quoted(&answers.advertise));
    }
    if !answers.state_dir.is_empty() {
        let below = |name: &str| {
            quoted(
                &Path::new(&answers.state_dir)
                    .join(name)
                    .display()
                    .to_string(),
            )
        };
        set(&mut text, "state_dir", &quoted(&answers.state_dir));
        set(&mut text, "control_socket", &below("control.sock"));
        set(&mut text, "recordings_dir", &below("recordings"));
        set(&mut text, "database", &below("hotline111.db"));
    }
    if !answers.sounds_dir.is_empty() {
        set(&mut text, "sounds_dir", &quoted(&answers.sounds_dir));
    }
    if !answers.trunk.is_empty() {
        let sources: Vec<String> = answers
            .trunk_sources
            .split(',')
            .map(|source| quoted(source.trim()))
            .collect();
        text.push_str(&format!(
            "\n[[trunk]]\nname = {}\nsources = [{}]\n",
            quoted(&answers.trunk),
            sources.join(", ")
        ));
    }
    text
}

/// Gives a key its value: the first line of that key, commented out or not.
fn set(text: &mut String, key: &str, value: &str) {
    let is_it = |line: &str| {
        let rest = line.strip_prefix("# ").unwrap_or(line).strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with(" ="))
    };
    let mut is_done = false;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if is_done || !is_it(line) {
                return line.to_owned();
            }
            is_done = true;
            let comment = line
                .find(" # ")
                .and_then(|at| line.get(at..))
                .map_or("", str::trim_end);
            format!("{key} = {value}{comment}")
        })
        .collect();
    *text = lines.join("\n") + "\n";
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}
