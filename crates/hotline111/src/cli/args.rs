//! The command line as clap reads it.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// Call-centre engine for the national hotline 111.
#[derive(Debug, Parser)]
#[command(
    name = "hotline111",
    version,
    about,
    disable_help_subcommand = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 ok, 1 error, 2 bad usage or configuration, 3 server not running, \
4 warnings (--strict)"
)]
pub(crate) struct Cli {
    /// Configuration file; queues.toml, conf.d/ and ivr/ lie beside it
    #[arg(
        short,
        long,
        global = true,
        env = "HOTLINE111_CONFIG",
        default_value = "/etc/hotline111/hotline111.toml"
    )]
    pub config: PathBuf,
    /// Override one value (repeatable), e.g. -s sip.udp=127.0.0.1:5070
    #[arg(short, long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<String>,
    /// More log lines (repeatable)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Fewer log lines
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Form of log lines; usual: text on a terminal, else json
    #[arg(long, global = true, value_name = "FORM")]
    pub log_format: Option<LogFormat>,
    /// Colour; auto obeys NO_COLOR
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: Colour,
    /// Language of messages; usual: that of LANG
    #[arg(long, global = true, value_name = "LANGUAGE")]
    pub lang: Option<Language>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server in the foreground (systemd: Type=notify)
    Serve {
        /// Start although core prompts of the default language are missing
        #[arg(long)]
        accept_missing: bool,
    },
    /// Zero-configuration trial: loopback only, temporary database, counsellors tv01-tv06
    Demo(Demo),
    /// Write a configuration folder; never overwrites
    Init(Init),
    /// Validate configuration, sounds, database, ports and disk
    Check {
        /// Warnings count: exit 4
        #[arg(long)]
        strict: bool,
        /// Core prompts of the default language may be missing
        #[arg(long)]
        accept_missing: bool,
        /// Print JSON, one fault a line
        #[arg(long)]
        json: bool,
    },
    /// Try the edge for real: listeners, certificates, carriers, audio ports, a test call
    Sipcheck(Sipcheck),
    /// Control a running server
    Ctl(Ctl),
    /// Call records
    #[command(subcommand)]
    Cdr(Cdr),
    /// Accounts
    #[command(subcommand)]
    User(User),
    /// Prompts
    #[command(subcommand)]
    Sounds(Sounds),
    /// Configuration
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `demo`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Demo {
    /// Loopback address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// First SIP port that is tried
    #[arg(long, default_value_t = 5060)]
    pub port: u16,
    /// First HTTP port that is tried
    #[arg(long, default_value_t = 8111)]
    pub http_port: u16,
    /// Folder of the sounds; usual: found beside the program
    #[arg(long)]
    pub sounds: Option<PathBuf>,
    /// Keep everything in this folder instead of a temporary one
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Print the addresses as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `init`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Init {
    /// Folder to write
    #[arg(default_value = "/etc/hotline111")]
    pub dir: PathBuf,
    /// Ask nothing, take the usual values
    #[arg(short, long)]
    pub yes: bool,
}

/// `sipcheck`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sipcheck {
    /// Account that makes the test call; usual: one of the configuration with a password
    #[arg(long)]
    pub user: Option<String>,
    /// Read its password from the standard input
    #[arg(long, requires = "user")]
    pub password_stdin: bool,
    /// Name by which phones and browsers come to us (repeatable): the certificate must have it
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Warnings count: exit 4
    #[arg(long)]
    pub strict: bool,
    /// Print JSON, one line of the report a line
    #[arg(long)]
    pub json: bool,
}

/// `ctl`.
#[derive(Debug, Args)]
pub(crate) struct Ctl {
    /// Control socket; usual: the one of the configuration
    #[arg(long, value_name = "FILE")]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print again every second until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// What to ask
    #[command(subcommand)]
    pub command: CtlCommand,
}

/// What to ask of the server.
#[derive(Debug, Subcommand)]
pub(crate) enum CtlCommand {
    /// How the server is
    Status,
    /// Calls that are open
    Calls,
    /// Queues and who waits in them
    Queues,
    /// Counsellors and what they do
    Agents,
    /// Phones that are registered
    Regs,
    /// Carriers: up or down, registered or not, what goes over them
    Trunks,
    /// Addresses that are not listened to
    Bans {
        /// What to change; usual: list
        #[command(subcommand)]
        change: Option<BanChange>,
    },
    /// The signalling of a call, numbers masked
    Trace {
        /// Number of the call, as `ctl calls` and the records print it
        #[arg(long)]
        call: String,
        /// Write a capture for Wireshark or sngrep instead; never overwrites
        #[arg(long, value_name = "FILE")]
        pcap: Option<PathBuf>,
        /// Print whole messages, not only their first lines
        #[arg(long)]
        full: bool,
        /// Do not mask; who, when and why is kept
        #[arg(long, requires = "reason")]
        unmasked: bool,
        /// Why numbers must be seen
        #[arg(long, requires = "unmasked", value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Change what a counsellor does
    Agent {
        /// Account, e.g. tv01
        user: String,
        /// What to change
        #[command(subcommand)]
        change: AgentChange,
    },
    /// End a call
    Hangup {
        /// Number of the call, as `ctl calls` prints it
        call: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Take no new calls, serve the others, then stop
    Drain {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// What becomes of a ban.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BanChange {
    /// Print the bans in force
    List,
    /// Listen to nothing from an address (IPv6: its /64); never possible for a carrier's
    Add {
        /// Which
        address: IpAddr,
        /// For how long, at most 24h
        #[arg(long = "for", default_value = "1h", value_name = "TIME", value_parser = ban_length)]
        length: u32,
    },
    /// Listen to an address again
    Remove {
        /// Which
        address: IpAddr,
    },
}

/// What a counsellor shall do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AgentChange {
    /// Begin the shift: signed in and ready
    Login,
    /// End the shift
    Logout,
    /// Ready for the next caller
    Ready,
    /// Not ready
    Pause {
        /// One of the configuration's reasons
        #[arg(long, default_value = "break")]
        reason: String,
    },
    /// End the paperwork early; in the talk: none will follow
    EndWrapUp,
    /// The call, or the last one, is a hard one: a rest follows
    Hard,
}

/// `cdr`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cdr {
    /// Write the records of some days
    Export {
        /// First day, YYYY-MM-DD (Vietnam); usual: today
        #[arg(long)]
        from: Option<String>,
        /// Last day, included; usual: today
        #[arg(long)]
        to: Option<String>,
        /// csv or ndjson
        #[arg(long, default_value = "csv")]
        format: ExportFormat,
        /// File to write; - is the standard output
        #[arg(short, long, default_value = "-")]
        output: PathBuf,
    },
}

/// `user`.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add an account
    Add(UserAdd),
    /// List accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a password
    Passwd {
        /// Account
        user: String,
        /// Read the password from the standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make a ticket: one browser may register this account once, without its password
    Ticket {
        /// Account
        user: String,
        /// Good for so long
        #[arg(long, default_value = "60s", value_name = "TIME", value_parser = ticket_length)]
        valid: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an account
    Remove {
        /// Account
        user: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// `user add`.
#[derive(Clone, Debug, Args)]
pub(crate) struct UserAdd {
    /// Account, e.g. tv01
    pub user: String,
    /// Name shown to people
    #[arg(long)]
    pub name: Option<String>,
    /// Languages spoken, e.g. vi,en
    #[arg(long, value_delimiter = ',', default_value = "vi")]
    pub languages: Vec<String>,
    /// Services taken; usual: all
    #[arg(long, value_delimiter = ',')]
    pub services: Vec<String>,
    /// Centre; usual: the home centre
    #[arg(long)]
    pub centre: Option<String>,
    /// Seconds of paperwork after a call; usual: that of the configuration
    #[arg(long, value_name = "SECONDS")]
    pub wrap_up: Option<u32>,
    /// Hard calls of a shift; usual: no limit
    #[arg(long = "hard-calls", value_name = "NUMBER")]
    pub hard_calls_max: Option<u32>,
    /// Learns the work: gets simulated callers only
    #[arg(long)]
    pub training: bool,
    /// Gets only callers who have waited long
    #[arg(long)]
    pub reserve: bool,
    /// What the account may do
    #[arg(long, default_value = "counsellor")]
    pub role: Role,
    /// Read the password from the standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// `sounds`.
#[derive(Debug, Subcommand)]
pub(crate) enum Sounds {
    /// Check every clip against the manifest
    Check {
        /// Placeholders count: exit 4
        #[arg(long)]
        strict: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print each value in force and where it comes from
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Only keys that begin with this
        prefix: Option<String>,
    },
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// When to print in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// Always.
    Always,
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Never.
    Never,
}

/// Language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English.
    En,
    /// Tiếng Việt.
    Vi,
}

/// Form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// RFC 4180.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    Admin,
    /// Serves callers.
    Counsellor,
    /// A phone without a counsellor.
    Device,
    /// Listens and helps.
    Supervisor,
}

fn ticket_length(text: &str) -> Result<u32, String> {
    crate::config::parse_millis(text)
        .filter(|length_ms| (1_000..=600_000).contains(length_ms))
        .ok_or_else(|| "want a time from 1s to 10min, e.g. 60s".to_owned())
}

fn ban_length(text: &str) -> Result<u32, String> {
    crate::config::parse_millis(text)
        .filter(|length_ms| (1_000..=24 * 3_600_000).contains(length_ms))
        .ok_or_else(|| "want a time from 1s to 24h, e.g. 10min".to_owned())
}

fn key_value(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((key, _)) if !key.trim().is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err("want KEY=VALUE, e.g. sip.udp=127.0.0.1:5070".to_owned()),
    }
}
