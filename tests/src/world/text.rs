//! Just enough SIP text for scripted peers. They are no part of the product and share nothing with it, so that a
//! fault of the product's reader or writer does not hide itself.

/// One message, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Request line or status line.
    pub first: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Text {
    /// Takes one message off the front of `bytes`; also says how long it was. None: not a whole message.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let mut text = Self {
            first,
            headers,
            body: Vec::new(),
        };
        let length = text
            .header("Content-Length")
            .and_then(|value| value.parse().ok());
        let rest = bytes.get(end + 4..)?;
        let body = match length {
            Some(length) => rest.get(..length)?,
            None => rest,
        };
        text.body = body.to_vec();
        Some((text, end + 4 + body.len()))
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.first
            .strip_prefix("SIP/2.0 ")?
            .split(' ')
            .next()?
            .parse()
            .ok()
    }

    #[must_use]
    pub fn is_request(&self) -> bool {
        !self.first.starts_with("SIP/2.0")
    }

    /// Method of the request, or of the request that this answers.
    #[must_use]
    pub fn method(&self) -> &str {
        if self.is_request() {
            return self.first.split(' ').next().unwrap_or_default();
        }
        self.cseq().1
    }

    #[must_use]
    pub fn cseq(&self) -> (u32, &str) {
        let value = self.header("CSeq").unwrap_or_default();
        let (number, method) = value.split_once(' ').unwrap_or((value, ""));
        (number.trim().parse().unwrap_or(0), method.trim())
    }

    #[must_use]
    pub fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    /// Branch of the topmost Via.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.header("Via")
            .and_then(|via| parameter(via, "branch"))
            .unwrap_or_default()
    }

    #[must_use]
    pub fn tag(&self, header: &str) -> Option<&str> {
        parameter(self.header(header)?, "tag")
    }

    /// The URI of the first Contact.
    #[must_use]
    pub fn contact_uri(&self) -> Option<&str> {
        let contact = self.header("Contact")?;
        match contact.split_once('<') {
            Some((_, rest)) => rest.split('>').next(),
            None => contact.split(';').next(),
        }
    }

    /// User part of the Request-URI.
    #[must_use]
    pub fn request_user(&self) -> &str {
        let uri = self.first.split(' ').nth(1).unwrap_or_default();
        let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
        rest.split('@').next().unwrap_or_default()
    }

    /// The address that the SDP wants its audio at.
    #[must_use]
    pub fn audio_port(&self) -> Option<u16> {
        let body = std::str::from_utf8(&self.body).ok()?;
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix("m=audio "))?;
        line.split(' ').next()?.parse().ok()
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + self.body.len());
        out.extend_from_slice(self.first.as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        out.extend_from_slice(&self.body);
        out
    }

    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// The answer to this request: Via, From, To, Call-ID and CSeq are copied (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn answer(&self, status: u16, reason: &str, to_tag: Option<&str>) -> Self {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let is_copied = ["Via", "From", "Call-ID", "CSeq", "Record-Route"]
                .iter()
                .any(|copied| copied.eq_ignore_ascii_case(name));
            if is_copied {
                headers.push((name.clone(), value.clone()));
            } else if name.eq_ignore_ascii_case("To") {
                let to = match to_tag {
                    Some(tag) if parameter(value, "tag").is_none() => format!("{value};tag={tag}"),
                    _ => value.clone(),
                };
                headers.push((name.clone(), to));
            }
        }
        Self {
            first: format!("SIP/2.0 {status} {reason}"),
            headers,
            body: Vec::new(),
        }
    }
}

/// Value of `;name=value` behind an address or in a Via.
#[must_use]
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    // Parameters inside <> belong to the URI.
    let outside = value.rsplit_once('>').map_or(value, |(_, rest)| rest);
    outside.split(';').skip(1).find_map(|part| {
        let (found, value) = part.split_once('=')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim())
    })
}

/// Value of `name="value"` or `name=value` in a challenge.
#[must_use]
pub fn challenge_value<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let rest = challenge.strip_prefix("Digest").unwrap_or(challenge);
    rest.split(',').find_map(|part| {
        let (found, value) = part.split_once('=')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}
