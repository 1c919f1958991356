//! Everything that can be wrong with the configuration, and how it is said.

use super::tongue::Tongue;

/// What a key wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// IP address and port.
    Address,
    /// A clip of a flow.
    Clip,
    /// A dialled number.
    Dialled,
    /// `"20s"`.
    Duration,
    /// IP address, perhaps with a port.
    Host,
    /// `"sbc.example.vn:5070;tcp"`.
    HostName,
    /// IP address.
    Ip,
    /// A key of the telephone.
    Key,
    /// One of our names.
    Name,
    /// `"0=+84"`.
    NumberRule,
    /// `"20000-29999"`.
    Ports,
    /// `"group:hn=hanoi"`.
    Region,
    /// `{ file = … }` or `{ env = … }`.
    Secret,
    /// `"64 MiB"`.
    Size,
    /// `"off"`, `"offer"` or `"require"`.
    Srtp,
    /// How keys come.
    Keys,
    /// A table.
    Table,
    /// Where a key of a flow leads.
    Target,
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    YesNo,
}

/// Things that are named and referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A counsellor.
    Agent,
    /// A call centre.
    Centre,
    /// An IVR flow.
    Flow,
    /// A kind of node, or a feature.
    Kind,
    /// A language.
    Language,
    /// A node of a flow.
    Node,
    /// A prompt.
    Prompt,
    /// A queue.
    Queue,
    /// A reason for not being ready.
    Reason,
    /// A service.
    Service,
    /// A switch of `[ivr.switch]`.
    Switch,
    /// A carrier.
    Trunk,
}

/// Something wrong, or worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Two listeners or sources are the same.
    AddressTwice(String),
    /// A value of the wrong kind or form.
    BadValue {
        /// The key.
        key: String,
        /// What it wants.
        expected: Expected,
        /// What stands there.
        found: String,
    },
    /// A file or folder cannot be read.
    CannotRead {
        /// Which.
        what: String,
        /// Why, as the system says.
        error: String,
    },
    /// A caller who presses nothing would be hung up on.
    HangsUpWithoutKey(String),
    /// A clip's file is broken or of the wrong kind.
    ClipBroken {
        /// Language and prompt.
        clip: String,
        /// Why.
        why: String,
    },
    /// Core prompts of a language are placeholders.
    CorePlaceholders {
        /// Language.
        language: String,
        /// How many.
        count: usize,
    },
    /// More open languages than keys.
    KeysExhausted(String),
    /// Languages that are not open yet, because core prompts are missing.
    LanguagesClosed(String),
    /// Nodes that lead in a circle without a key.
    LoopWithoutKey(String),
    /// A menu without a single key.
    MenuWithoutKeys(String),
    /// A key that must be given.
    Missing {
        /// The key.
        key: String,
        /// The section.
        section: String,
    },
    /// TLS without a certificate, or one without its key.
    NoCertificate,
    /// No listener at all.
    NoListener,
    /// A trunk is reached in a way for which there is no listener.
    NoListenerFor(String),
    /// 0.0.0.0 without an address to tell.
    NoAdvertise,
    /// A node that must put the caller into a queue does not.
    NotAQueue {
        /// `person` or `fallback`.
        role: String,
        /// The node.
        node: String,
    },
    /// The web side may only listen on loopback.
    NotLoopback(String),
    /// Exactly one of some keys must be given.
    OneOf {
        /// The section.
        section: String,
        /// The keys.
        keys: String,
    },
    /// A number that is too small or too large.
    OutOfRange {
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// Smallest.
        least: String,
        /// Largest.
        most: String,
    },
    /// A prompt has no clip in the default language.
    PromptMissing {
        /// Prompt.
        prompt: String,
        /// Language.
        language: String,
        /// It is a core prompt.
        is_core: bool,
    },
    /// Times of comfort clips must rise.
    NotRising(String),
    /// An earlier route takes all calls of this one.
    RouteShadowed {
        /// The number.
        dialled: String,
        /// The route before.
        by: String,
    },
    /// A secret that cannot be read.
    SecretUnreadable {
        /// Where it should come from.
        what: String,
        /// Why.
        why: String,
    },
    /// Somebody would hear nothing.
    Silent(super::reach::Silence),
    /// The flow's start hangs up.
    StartHangsUp(String),
    /// TOML's own complaint.
    Syntax(String),
    /// Without a key the caller is in a queue too late.
    TooLongWithoutKey {
        /// The flow.
        flow: String,
        /// Milliseconds.
        length_ms: u32,
        /// Milliseconds.
        limit_ms: u32,
    },
    /// Calls are to go out over a trunk that has no hosts.
    TrunkInboundOnly(String),
    /// The same name twice.
    Twice {
        /// What.
        thing: Thing,
        /// Its name.
        name: String,
    },
    /// A name that nothing has.
    Unknown {
        /// What.
        thing: Thing,
        /// The name.
        name: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// A key that nothing reads.
    UnknownKey {
        /// The key.
        key: String,
        /// Its section.
        section: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// A node that no caller can get to.
    Unreachable(String),
}

impl Expected {
    fn text(self, tongue: Tongue) -> &'static str {
        let (vietnamese, english) = match self {
            Self::Address => (
                "địa chỉ IP và cổng, ví dụ \"127.0.0.1:5060\"",
                "an IP address and port like \"127.0.0.1:5060\"",
            ),
            Self::Clip => (
                "tên lời nhắc, { prompt = … }, { slot = 5 } hoặc { open_languages = true }",
                "a prompt's name, { prompt = … }, { slot = 5 } or { open_languages = true }",
            ),
            Self::Dialled => (
                "số gọi đến: chữ, số, * # + . _ -, có thể kết thúc bằng %",
                "a dialled number: letters, digits, * # + . _ -, with % for any rest at its end",
            ),
            Self::Duration => (
                "khoảng thời gian, ví dụ \"20s\", \"250ms\"",
                "a duration like \"20s\" or \"250ms\"",
            ),
            Self::Host => (
                "địa chỉ IP, có thể kèm cổng",
                "an IP address, with a port if need be",
            ),
            Self::HostName => (
                "địa chỉ hoặc tên máy, ví dụ \"sbc.example.vn:5070;tcp\"",
                "an address or a name like \"sbc.example.vn:5070;tcp\"",
            ),
            Self::Ip => ("địa chỉ IP", "an IP address"),
            Self::Key => (
                "một phím điện thoại: 0-9, *, #",
                "a key of the telephone: 0-9, *, #",
            ),
            Self::Name => (
                "một tên (chữ thường a-z, số, _ - ., không quá 32 ký tự)",
                "a name (a-z, digits, _ - ., at most 32)",
            ),
            Self::NumberRule => (
                "quy tắc số, ví dụ \"0=+84\"",
                "a rule for numbers like \"0=+84\"",
            ),
            Self::Region => (
                "quy tắc vùng, ví dụ \"group:hn=hanoi\", \"dialled:9024=hanoi\"",
                "a rule for regions like \"group:hn=hanoi\" or \"dialled:9024=hanoi\"",
            ),
            Self::Ports => (
                "dải cổng, ví dụ \"20000-29999\"",
                "a range of ports like \"20000-29999\"",
            ),
            Self::Keys => (
                "\"agreed\", \"events\" hoặc \"both\"",
                "\"agreed\", \"events\" or \"both\"",
            ),
            Self::Srtp => (
                "\"off\", \"offer\" hoặc \"require\"",
                "\"off\", \"offer\" or \"require\"",
            ),
            Self::Secret => (
                "{ file = \"…\" } hoặc { env = \"…\" }",
                "{ file = \"…\" } or { env = \"…\" }",
            ),
            Self::Size => ("kích thước, ví dụ \"64 MiB\"", "a size like \"64 MiB\""),
            Self::Table => ("một bảng", "a table"),
            Self::Target => (
                "tên nút, hoặc { go = \"…\", language = \"…\" }",
                "a node's name, or { go = \"…\", language = \"…\" }",
            ),
            Self::Text => ("chữ trong dấu ngoặc kép", "text in quotes"),
            Self::Whole => ("số nguyên không âm", "a whole number"),
            Self::YesNo => ("true hoặc false", "true or false"),
        };
        tongue.pick(vietnamese, english)
    }
}

impl Thing {
    /// The word for it.
    pub(crate) fn text(self, tongue: Tongue) -> &'static str {
        let (vietnamese, english) = match self {
            Self::Agent => ("tư vấn viên", "counsellor"),
            Self::Centre => ("trung tâm", "centre"),
            Self::Flow => ("kịch bản", "flow"),
            Self::Kind => ("loại", "kind"),
            Self::Language => ("ngôn ngữ", "language"),
            Self::Node => ("nút", "node"),
            Self::Prompt => ("lời nhắc", "prompt"),
            Self::Queue => ("hàng đợi", "queue"),
            Self::Reason => ("lý do", "reason"),
            Self::Service => ("dịch vụ", "service"),
            Self::Switch => ("công tắc", "switch"),
            Self::Trunk => ("đường trung kế", "trunk"),
        };
        tongue.pick(vietnamese, english)
    }
}

impl Problem {
    /// The sentence.
    pub(crate) fn text(&self, tongue: Tongue) -> String {
        match tongue {
            Tongue::English => self.english(),
            Tongue::Vietnamese => self.vietnamese(),
        }
    }

    /// What may help, if anything can be said.
    pub(crate) fn help(&self, tongue: Tongue) -> Option<String> {
        let nearest = match self {
            Self::Unknown { nearest, .. } | Self::UnknownKey { nearest, .. } => nearest.as_ref()?,
            Self::AddressTwice(_)
            | Self::BadValue { .. }
            | Self::CannotRead { .. }
            | Self::HangsUpWithoutKey(_)
            | Self::ClipBroken { .. }
            | Self::CorePlaceholders { .. }
            | Self::KeysExhausted(_)
            | Self::LanguagesClosed(_)
            | Self::LoopWithoutKey(_)
            | Self::MenuWithoutKeys(_)
            | Self::Missing { .. }
            | Self::NoCertificate
            | Self::NoListener
            | Self::NoListenerFor(_)
            | Self::TrunkInboundOnly(_)
            | Self::NoAdvertise
            | Self::NotAQueue { .. }
            | Self::NotLoopback(_)
            | Self::OneOf { .. }
            | Self::OutOfRange { .. }
            | Self::PromptMissing { .. }
            | Self::NotRising(_)
            | Self::RouteShadowed { .. }
            | Self::SecretUnreadable { .. }
            | Self::Silent(_)
            | Self::StartHangsUp(_)
            | Self::Syntax(_)
            | Self::TooLongWithoutKey { .. }
            | Self::Twice { .. }
            | Self::Unreachable(_) => return None,
        };
        Some(match tongue {
            Tongue::English => format!("did you mean `{nearest}`?"),
            Tongue::Vietnamese => format!("có phải ý bạn là `{nearest}`?"),
        })
    }

    fn english(&self) -> String {
        match self {
            Self::AddressTwice(address) => format!("{address} is given twice"),
            Self::BadValue {
                key,
                expected,
                found,
            } => {
                format!(
                    "`{key}` wants {}, not {found}",
                    expected.text(Tongue::English)
                )
            }
            Self::CannotRead { what, error } => format!("cannot read {what}: {error}"),
            Self::HangsUpWithoutKey(node) => {
                format!(
                    "a caller who presses nothing is hung up on at node `{node}`: lead to a queue instead"
                )
            }
            Self::ClipBroken { clip, why } => format!("clip {clip}: {why}"),
            Self::CorePlaceholders { language, count } => {
                format!(
                    "{count} core prompts of language `{language}` are placeholders, not recordings"
                )
            }
            Self::KeysExhausted(language) => format!("no key is left for language `{language}`"),
            Self::LanguagesClosed(languages) => {
                format!("not open yet, core prompts are still to be recorded: {languages}")
            }
            Self::LoopWithoutKey(nodes) => {
                format!("these nodes lead in a circle without a key: {nodes}")
            }
            Self::MenuWithoutKeys(node) => {
                format!("menu `{node}` has no keys; use kind = \"play\"")
            }
            Self::Missing { key, section } => format!("`{key}` is missing in {section}"),
            Self::NoCertificate => {
                "`tls` and `wss` in [sip] need `certificate` and `key` in [tls]".to_owned()
            }
            Self::NoListenerFor(transport) => {
                format!(
                    "the trunk is reached over {transport}, and [sip] has no listener for `{transport}`"
                )
            }
            Self::TrunkInboundOnly(trunk) => {
                format!("trunk {trunk} has no `hosts`: no call can go out over it")
            }
            Self::NoListener => {
                "no address to listen on: give `udp`, `tcp`, `tls`, `ws` or `wss` in [sip]"
                    .to_owned()
            }
            Self::NoAdvertise => {
                "an unspecified address needs `advertise`: phones must be told a real one"
                    .to_owned()
            }
            Self::NotAQueue { role, node } => {
                format!("`{role}` must lead to a node of kind \"queue\", and `{node}` is none")
            }
            Self::NotLoopback(address) => {
                format!(
                    "{address} is not a loopback address; until web accounts exist the web side stays on 127.0.0.1"
                )
            }
            Self::OneOf { section, keys } => format!("{section} wants exactly one of {keys}"),
            Self::OutOfRange {
                key,
                found,
                least,
                most,
            } => {
                format!("`{key}` must be between {least} and {most}, not {found}")
            }
            Self::PromptMissing {
                prompt,
                language,
                is_core: true,
            } => {
                format!("core prompt `{prompt}` has no clip in language `{language}`")
            }
            Self::PromptMissing {
                prompt,
                language,
                is_core: false,
            } => {
                format!("prompt `{prompt}` has no clip in language `{language}`")
            }
            Self::NotRising(key) => format!("the times of `{key}` must rise"),
            Self::RouteShadowed { dialled, by } => {
                format!(
                    "no call ever gets to the route of `{dialled}`: the route of `{by}` before it takes them all"
                )
            }
            Self::SecretUnreadable { what, why } => {
                format!("cannot read the secret from {what}: {why}")
            }
            Self::Silent(silence) => silence.text(Tongue::English),
            Self::StartHangsUp(node) => {
                format!("the flow starts with node `{node}`, which hangs up")
            }
            Self::Syntax(message) => message.clone(),
            Self::TooLongWithoutKey {
                flow,
                length_ms,
                limit_ms,
            } => format!(
                "flow `{flow}` takes {}.{} s to reach a queue without a key; after {} s the caller is put there in the middle of a clip",
                length_ms / 1_000,
                length_ms % 1_000 / 100,
                limit_ms / 1_000
            ),
            Self::Twice { thing, name } => {
                format!("{} `{name}` is given twice", thing.text(Tongue::English))
            }
            Self::Unknown { thing, name, .. } => {
                format!("there is no {} `{name}`", thing.text(Tongue::English))
            }
            Self::UnknownKey { key, section, .. } => format!("unknown key `{key}` in {section}"),
            Self::Unreachable(node) => format!("no caller can get to node `{node}`"),
        }
    }

    fn vietnamese(&self) -> String {
        match self {
            Self::AddressTwice(address) => format!("{address} được khai hai lần"),
            Self::BadValue {
                key,
                expected,
                found,
            } => {
                format!(
                    "`{key}` cần {}, không phải {found}",
                    expected.text(Tongue::Vietnamese)
                )
            }
            Self::CannotRead { what, error } => format!("không đọc được {what}: {error}"),
            Self::HangsUpWithoutKey(node) => {
                format!("người gọi không bấm gì sẽ bị cúp máy ở nút `{node}`: hãy dẫn tới hàng đợi")
            }
            Self::ClipBroken { clip, why } => format!("tệp âm thanh {clip}: {why}"),
            Self::CorePlaceholders { language, count } => {
                format!(
                    "{count} lời nhắc chính của ngôn ngữ `{language}` mới là bản tạm, chưa thu âm thật"
                )
            }
            Self::KeysExhausted(language) => format!("không còn phím cho ngôn ngữ `{language}`"),
            Self::LanguagesClosed(languages) => {
                format!("chưa mở, còn lời nhắc chính chưa thu âm: {languages}")
            }
            Self::LoopWithoutKey(nodes) => {
                format!("các nút này nối vòng mà không cần bấm phím: {nodes}")
            }
            Self::MenuWithoutKeys(node) => {
                format!("menu `{node}` không có phím nào; hãy dùng kind = \"play\"")
            }
            Self::Missing { key, section } => format!("thiếu `{key}` trong {section}"),
            Self::NoCertificate => {
                "`tls` và `wss` trong [sip] cần `certificate` và `key` trong [tls]".to_owned()
            }
            Self::NoListener => {
                "chưa có địa chỉ nào để nghe: hãy khai `udp`, `tcp`, `tls`, `ws` hoặc `wss` trong [sip]".to_owned()
            }
            Self::NoListenerFor(transport) => {
                format!("trung kế này dùng {transport}, nhưng [sip] chưa nghe `{transport}`")
            }
            Self::TrunkInboundOnly(trunk) => {
                format!("trung kế {trunk} không có `hosts`: không gọi ra được")
            }
            Self::NoAdvertise => {
                "địa chỉ 0.0.0.0 cần thêm `advertise`: máy điện thoại phải biết địa chỉ thật"
                    .to_owned()
            }
            Self::NotAQueue { role, node } => {
                format!(
                    "`{role}` phải dẫn tới nút có kind = \"queue\", còn `{node}` thì không phải"
                )
            }
            Self::NotLoopback(address) => {
                format!(
                    "{address} không phải địa chỉ nội bộ của máy; khi chưa có tài khoản web, phần web chỉ được nghe ở 127.0.0.1"
                )
            }
            Self::OneOf { section, keys } => {
                format!("{section} cần đúng một trong các khóa {keys}")
            }
            Self::OutOfRange {
                key,
                found,
                least,
                most,
            } => {
                format!("`{key}` phải từ {least} đến {most}, không phải {found}")
            }
            Self::PromptMissing {
                prompt,
                language,
                is_core: true,
            } => {
                format!("lời nhắc chính `{prompt}` chưa có tệp âm thanh bằng ngôn ngữ `{language}`")
            }
            Self::PromptMissing {
                prompt,
                language,
                is_core: false,
            } => {
                format!("lời nhắc `{prompt}` chưa có tệp âm thanh bằng ngôn ngữ `{language}`")
            }
            Self::NotRising(key) => format!("các mốc thời gian của `{key}` phải tăng dần"),
            Self::RouteShadowed { dialled, by } => {
                format!("không cuộc gọi nào tới được `{dialled}`: `{by}` ở trước đã nhận hết")
            }
            Self::SecretUnreadable { what, why } => {
                format!("không đọc được bí mật từ {what}: {why}")
            }
            Self::Silent(silence) => silence.text(Tongue::Vietnamese),
            Self::StartHangsUp(node) => {
                format!("kịch bản bắt đầu bằng nút `{node}`, mà nút này cúp máy")
            }
            Self::Syntax(message) => format!("sai cú pháp TOML: {message}"),
            Self::TooLongWithoutKey {
                flow,
                length_ms,
                limit_ms,
            } => format!(
                "không bấm phím, kịch bản `{flow}` mất {},{} giây mới tới hàng đợi; sau {} giây người gọi được đưa vào hàng đợi giữa chừng lời nhắc",
                length_ms / 1_000,
                length_ms % 1_000 / 100,
                limit_ms / 1_000
            ),
            Self::Twice { thing, name } => format!(
                "{} `{name}` được khai hai lần",
                thing.text(Tongue::Vietnamese)
            ),
            Self::Unknown { thing, name, .. } => {
                format!("không có {} `{name}`", thing.text(Tongue::Vietnamese))
            }
            Self::UnknownKey { key, section, .. } => format!("khóa lạ `{key}` trong {section}"),
            Self::Unreachable(node) => format!("không người gọi nào tới được nút `{node}`"),
        }
    }
}
