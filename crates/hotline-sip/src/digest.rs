//! Digest authentication, both sides (RFC 7616, RFC 8760).

use crate::message::{Auth, Message, Name, Uri};
use crate::random::{Random, hex, hmac};
use crate::{Credentials, Wall};
use md5::Md5;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a request's credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// None for our realm, or they were right with an old nonce: ask again.
    Ask {
        is_stale: bool,
    },
    Good(String),
    Wrong,
}

/// Makes nonces and judges what comes back. Holds no state for those who have not proved a password.
pub(crate) struct Digest {
    secret: [u8; 32],
    serial: u64,
    nonce_ms: u64,
    /// Highest nonce count of each nonce that was used, by issue time and serial.
    used: BTreeMap<(u64, u64), u32>,
    /// Nonces up to this were forgotten to bound `used`, and are stale therefore.
    forgotten: (u64, u64),
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret must not get into a log.
        let used = self.used.len();
        formatter
            .debug_struct("Digest")
            .field("used", &used)
            .finish_non_exhaustive()
    }
}

/// The question that credentials answer.
pub(crate) struct Asked<'a> {
    pub(crate) realm: &'a str,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a Uri,
    pub(crate) source: IpAddr,
    pub(crate) wall: Wall,
}

impl Digest {
    pub(crate) fn new(random: &mut Random, nonce_ms: u64) -> Self {
        let serial = u64::from_be_bytes(random.bytes());
        Self {
            secret: random.bytes(),
            serial,
            nonce_ms,
            used: BTreeMap::new(),
            forgotten: (0, 0),
        }
    }

    pub(crate) fn secret(&self) -> [u8; 32] {
        self.secret
    }

    pub(crate) fn set_secret(&mut self, secret: [u8; 32]) {
        self.secret = secret;
    }

    /// HMAC under the nonce secret, for tags of answers that leave no state.
    pub(crate) fn mark(&self, parts: &[&[u8]]) -> String {
        let mac = hmac(&self.secret, parts);
        hex(mac.get(..10).unwrap_or(&mac))
    }

    /// A nonce for this source: issue time, serial and an HMAC over them and the source address.
    pub(crate) fn nonce(&mut self, wall: Wall, source: IpAddr) -> String {
        self.serial = self.serial.wrapping_add(1);
        let issued_ms = u64::try_from(wall.0).unwrap_or_default();
        self.nonce_text(issued_ms, self.serial, source)
    }

    fn nonce_text(&self, issued_ms: u64, serial: u64, source: IpAddr) -> String {
        let (issued_ms, serial) = (issued_ms.to_be_bytes(), serial.to_be_bytes());
        let mac = hmac(
            &self.secret,
            &[
                b"nonce",
                &issued_ms,
                &serial,
                source.to_canonical().to_string().as_bytes(),
            ],
        );
        format!(
            "{}{}{}",
            hex(&issued_ms),
            hex(&serial),
            hex(mac.get(..16).unwrap_or(&mac))
        )
    }

    /// The two challenges, SHA-256 first: clients take the first that they know (RFC 8760 §2.3). Without
    /// `has_sha256` only the second.
    pub(crate) fn challenges(
        &mut self,
        has_sha256: bool,
        realm: &str,
        wall: Wall,
        source: IpAddr,
        is_stale: bool,
    ) -> Vec<String> {
        let nonce = self.nonce(wall, source);
        let stale = if is_stale { ", stale=true" } else { "" };
        let algorithms = ["SHA-256", "MD5"];
        let asked = if has_sha256 {
            &algorithms[..]
        } else {
            &algorithms[1..]
        };
        asked.iter()
            .map(|algorithm| format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"))
            .collect()
    }

    /// Judges the credentials of a request. An unknown account costs the same work as a known one.
    pub(crate) fn verify(
        &mut self,
        accounts: &BTreeMap<String, Credentials>,
        asked: &Asked<'_>,
        message: &Message,
    ) -> Verdict {
        let Some(auth) = own_credentials(message, asked.realm) else {
            return Verdict::Ask { is_stale: false };
        };
        let Some(answer) = Answer::read(&auth) else {
            return Verdict::Wrong;
        };
        let account = accounts.get(answer.user);
        let dummy = self.mark(&[b"dummy", answer.user.as_bytes()]);
        let ha1 = match (account, answer.algorithm) {
            (Some(account), Algorithm::Md5) => &account.ha1_md5,
            (Some(account), Algorithm::Sha256) => &account.ha1_sha256,
            (None, Algorithm::Md5 | Algorithm::Sha256) => &dummy,
        };
        let expected = answer.algorithm.response(ha1, &answer, asked.method);
        let is_right = is_equal(
            expected.as_bytes(),
            answer.response.to_ascii_lowercase().as_bytes(),
        );
        let is_uri = answer.uri == asked.uri.as_str()
            || Uri::parse(answer.uri).is_some_and(|uri| uri.is_same(asked.uri));
        if !is_right || !is_uri || account.is_none() {
            return Verdict::Wrong;
        }
        if !self.count(answer.nonce, answer.count, asked) {
            return Verdict::Ask { is_stale: true };
        }
        Verdict::Good(answer.user.to_owned())
    }

    /// Whether the nonce is ours, fresh, for this source, and its count is new. Notes the count.
    fn count(&mut self, nonce: &str, count: u32, asked: &Asked<'_>) -> bool {
        let number = |range: std::ops::Range<usize>| {
            nonce
                .get(range)
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        };
        let Some((issued_ms, serial)) = number(0..16).zip(number(16..32)) else {
            return false;
        };
        if !is_equal(
            self.nonce_text(issued_ms, serial, asked.source).as_bytes(),
            nonce.as_bytes(),
        ) {
            return false;
        }
        let now_ms = u64::try_from(asked.wall.0).unwrap_or_default();
        // A clock that was set back by more than a nonce's life makes nonces of the future: stale as well.
        let is_fresh = now_ms.abs_diff(issued_ms) <= self.nonce_ms;
        let key = (issued_ms, serial);
        if !is_fresh
            || key <= self.forgotten
            || self.used.get(&key).is_some_and(|known| *known >= count)
        {
            return false;
        }
        self.used.insert(key, count);
        while self.used.len() > NONCES_MAX
            || self
                .used
                .first_key_value()
                .is_some_and(|(oldest, _)| oldest.0.saturating_add(self.nonce_ms) < now_ms)
        {
            if let Some((oldest, _)) = self.used.pop_first()
                && self.used.len() >= NONCES_MAX
            {
                self.forgotten = oldest;
            }
        }
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Self::Md5),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            Some(_) => None,
        }
    }
    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
    /// RFC 7616 §3.4.1 with qop=auth.
    fn response(self, ha1: &str, answer: &Answer<'_>, method: &str) -> String {
        let ha2 = self.hash(&format!("{method}:{}", answer.uri));
        self.hash(&format!(
            "{ha1}:{}:{}:{}:auth:{ha2}",
            answer.nonce, answer.count_text, answer.cnonce
        ))
    }
}

/// Credentials with everything that we ask for. Without qop there is no replay protection: refused.
struct Answer<'a> {
    user: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    cnonce: &'a str,
    count: u32,
    count_text: &'a str,
    algorithm: Algorithm,
}

impl<'a> Answer<'a> {
    fn read(auth: &'a Auth) -> Option<Self> {
        let count_text = auth.value("nc")?;
        let is_count =
            count_text.len() == 8 && count_text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let count = is_count
            .then(|| u32::from_str_radix(count_text, 16).ok())
            .flatten()?;
        let is_auth = auth.value("qop")?.eq_ignore_ascii_case("auth");
        let user = auth
            .value("username")
            .filter(|user| user.len() <= USER_BYTES_MAX)?;
        is_auth.then_some(())?;
        Some(Self {
            user,
            nonce: auth.value("nonce")?,
            uri: auth.value("uri")?,
            response: auth.value("response")?,
            cnonce: auth.value("cnonce").filter(|cnonce| !cnonce.is_empty())?,
            count,
            count_text,
            algorithm: Algorithm::parse(auth.value("algorithm"))?,
        })
    }
}

/// The account that a request claims to come from, when it brings credentials for our realm.
pub(crate) fn claimed(message: &Message, realm: &str) -> Option<String> {
    let auth = own_credentials(message, realm)?;
    let user = auth.value("username")?;
    (user.len() <= USER_BYTES_MAX).then(|| user.to_owned())
}

fn own_credentials(message: &Message, realm: &str) -> Option<Auth> {
    let lines = message.lines(Name::Authorization).take(CREDENTIALS_MAX);
    let mut given = lines.filter_map(|line| Auth::parse(&crate::message::lex::text(line)));
    given.find(|auth| auth.scheme == "digest" && auth.value("realm") == Some(realm))
}

/// Compares without telling by its time where the difference is.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// The secrets that an account stores for a password.
#[must_use]
pub fn credentials(user: &str, realm: &str, password: &str) -> Credentials {
    let text = format!("{user}:{realm}:{password}");
    Credentials {
        ha1_sha256: Algorithm::Sha256.hash(&text),
        ha1_md5: Algorithm::Md5.hash(&text),
    }
}

/// Who we are elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    /// The only realm that may have an answer; None = any, as a softphone does that calls only its own server.
    pub(crate) realm: Option<String>,
}

impl Login {
    /// For whatever realm the server names.
    pub(crate) fn anywhere((user, password): (String, String)) -> Self {
        Self {
            user,
            password,
            realm: None,
        }
    }
}

impl std::fmt::Debug for Login {
    /// The password must not get into a log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Login")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// Answers the best challenge of a 401 or 407: header name and value. None when we know none of them, or none
/// is of the realm that the login is for: a callee who asks for the trunk's password gets nothing.
pub(crate) fn answer(
    response: &Message,
    login: &Login,
    method: &str,
    uri: &str,
    cnonce: &str,
) -> Option<(&'static str, String)> {
    let (asks, answers) = match response.status() {
        Some(407) => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        _ => (Name::WwwAuthenticate, Name::Authorization),
    };
    let challenges: Vec<Auth> = response
        .lines(asks)
        .take(CREDENTIALS_MAX)
        .filter_map(|line| Auth::parse(&crate::message::lex::text(line)))
        .filter(|auth| auth.scheme == "digest")
        .filter(|auth| {
            let realm = login.realm.as_deref();
            realm.is_none_or(|realm| auth.value("realm") == Some(realm))
        })
        .collect();
    // The strongest, not the first: a downgrade needs more than a reordered answer.
    let known = |wanted| {
        challenges
            .iter()
            .find(|auth| Algorithm::parse(auth.value("algorithm")) == Some(wanted))
    };
    let (challenge, algorithm) = known(Algorithm::Sha256)
        .map(|auth| (auth, Algorithm::Sha256))
        .or_else(|| known(Algorithm::Md5).map(|auth| (auth, Algorithm::Md5)))?;
    let (realm, nonce) = (challenge.value("realm")?, challenge.value("nonce")?);
    let is_auth = challenge.value("qop").is_some_and(|qop| {
        qop.split(',')
            .any(|one| one.trim().eq_ignore_ascii_case("auth"))
    });
    let ha1 = algorithm.hash(&format!("{}:{realm}:{}", login.user, login.password));
    let answer = Answer {
        user: &login.user,
        nonce,
        uri,
        response: "",
        cnonce,
        count: 1,
        count_text: "00000001",
        algorithm,
    };
    let response = if is_auth {
        algorithm.response(&ha1, &answer, method)
    } else {
        algorithm.hash(&format!(
            "{ha1}:{nonce}:{}",
            algorithm.hash(&format!("{method}:{uri}"))
        ))
    };
    let name = match algorithm {
        Algorithm::Md5 => "MD5",
        Algorithm::Sha256 => "SHA-256",
    };
    let mut value = format!(
        "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={name}",
        login.user
    );
    if is_auth {
        value.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
    }
    if let Some(opaque) = challenge.value("opaque") {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some((answers.as_str(), value))
}

/// Nonces whose count is remembered: many times what phones use within a nonce's life.
const NONCES_MAX: usize = 65_536;
/// Authorization lines that are looked at.
const CREDENTIALS_MAX: usize = 8;
const USER_BYTES_MAX: usize = 128;
